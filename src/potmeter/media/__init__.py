"""What goes into a system and comes out of it: text, pictures, label maps, things found, sounds, videos, tables and charts.

Every medium is a frozen dataclass that opens a file, saves itself, and shows itself in a notebook or a page.
Heavy libraries are imported where they are used, so that the command line can know the types without them.
"""

from potmeter.media.album import Album
from potmeter.media.audio import Audio
from potmeter.media.chart import Chart, Page, escape_formulas
from potmeter.media.cutout import Cutout
from potmeter.media.detections import CocoResults, Detection, Detections
from potmeter.media.game import Game
from potmeter.media.image import PICTURES, Image, MarkedImage, name_images
from potmeter.media.labels import Labels
from potmeter.media.medium import Medium, data_uri, describe, read_bytes
from potmeter.media.provenance import Manifest, Provenance
from potmeter.media.results import Result, as_json, parts, to_json_value
from potmeter.media.spectrogram import draw_sounds
from potmeter.media.table import Bars, Table
from potmeter.media.text import Text
from potmeter.media.video import Video

__all__ = [
    "PICTURES",
    "Album",
    "Audio",
    "Bars",
    "Chart",
    "CocoResults",
    "Cutout",
    "Detection",
    "Detections",
    "Game",
    "Image",
    "Labels",
    "Manifest",
    "MarkedImage",
    "Medium",
    "Page",
    "Provenance",
    "Result",
    "Table",
    "Text",
    "Video",
    "as_json",
    "data_uri",
    "describe",
    "draw_sounds",
    "escape_formulas",
    "name_images",
    "parts",
    "read_bytes",
    "to_json_value",
]
