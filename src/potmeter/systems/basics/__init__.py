"""Where the lecture starts: what a network is."""
