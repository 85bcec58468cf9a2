"""Systems that speak."""
