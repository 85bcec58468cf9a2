"""AlphaGo Zero: a network says which moves are promising and who is winning, and a tree search looks ahead with it."""

from .model import Config, Network
from .system import AlphaZero

__all__ = ["AlphaZero", "Config", "Network"]
