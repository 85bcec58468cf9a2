"""Reinforcement learning: the policy, and proximal policy optimisation, whatever the world that it acts in."""
