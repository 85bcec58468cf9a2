"""The one training loop, and what continues, stops, measures and spreads it: by steps or by the clock, on one process or many."""
