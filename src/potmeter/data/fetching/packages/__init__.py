"""The catalogue of packages that carry our data: plain facts, no imports but the standard library."""

from potmeter.data.fetching.package import Package
from potmeter.data.fetching.packages.networks import NETWORKS
from potmeter.data.fetching.packages.pictures import PICTURES
from potmeter.data.fetching.packages.sounds import SOUNDS
from potmeter.data.fetching.packages.texts import TEXTS
from potmeter.data.fetching.packages.translations import TRANSLATIONS, WESNOTH
from potmeter.data.fetching.packages.voices import VOICES

PACKAGES = {package.tag: package for package in (*PICTURES, *SOUNDS, *TEXTS, *TRANSLATIONS, *NETWORKS, *VOICES)}

__all__ = ["PACKAGES", "WESNOTH", "Package"]
