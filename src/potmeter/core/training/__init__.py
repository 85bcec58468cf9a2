"""The one training loop, by steps or by the clock, and what continues, stops, measures and spreads it."""
