"""Systems that learn from experience: agents in games and simulated worlds."""
