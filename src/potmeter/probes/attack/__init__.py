"""The smallest change of a picture that turns a network's answer: six attacks, and what they say of a network."""

from .carlini_wagner import carlini_wagner
from .deepfool import deepfool
from .gradient import fgsm, pgd
from .probe import Attack
from .square import square
from .universal import universal_perturbation

__all__ = ["Attack", "carlini_wagner", "deepfool", "fgsm", "pgd", "square", "universal_perturbation"]
