"""Systems that look at pictures."""
