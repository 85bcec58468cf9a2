"""The catalogue: every system and probe there is, as plain data that is read without importing torch.

A third party adds an entry through the entry-point group ``potmeter.systems``: the entry point's value names an
``Entry`` in a module that, for the sake of a quick command line, imports nothing heavy.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import json
import os
import sys
import zlib
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from potmeter.errors import UserError, reject

WEIGHTS = Path(__file__).parent / "weights"
"""The checkpoints that come with the package, a folder ``<system>.<tag>`` each."""

Section = Literal["basics", "vision", "language", "speech", "generative", "play", "probes"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the catalogue knows of a system or a probe."""

    name: str
    """As it is typed: ``vae``."""
    section: Section
    """The group it belongs to, which is also its folder's parent."""
    slide: int
    """The lecture's stop, by which lists are ordered."""
    summary: str
    """One line: what it does."""
    target: str
    """``module:Class``; the module is read only when the system is used."""
    kind: Literal["system", "probe"] = "system"
    """A probe works on any system with the fitting capability; it has no weights of its own."""
    capabilities: tuple[str, ...] = ()
    """Names of the protocols in ``core.capabilities`` that it fulfils (a probe: that it needs)."""
    weights: tuple[str, ...] = ()
    """Tags of its weights, the default one first."""
    fetched: tuple[str, ...] = ()
    """Those of the tags that are fetched at first use, not shipped."""
    folder: str | None = None
    """Where an ejected system lives; None for an installed one."""

    @property
    def module(self) -> str:
        """The importable name of the module that holds the class."""
        return self.target.partition(":")[0]

    @property
    def source(self) -> Path:
        """The folder that holds the system's files, found without importing them."""
        if self.folder is not None:
            return Path(self.folder)
        spec = importlib.util.find_spec(self.module.rpartition(".")[0].partition(".")[0])
        root = (
            Path(spec.origin).parent if spec and spec.origin else reject(f"{self.name} is not installed.", self.target)
        )
        return root.joinpath(*self.module.split(".")[1:-1])

    def load(self) -> Any:
        """Import the class."""
        module, _, name = self.target.partition(":")
        return getattr(
            import_ejected(Path(self.folder), module) if self.folder else importlib.import_module(module), name
        )


BUILT_IN = (
    Entry(
        name="translator",
        section="language",
        slide=5,
        summary="A sentence in, what it says in another language out, and which words it looked at",
        target="potmeter.systems.language.translator.system:Translator",
        weights=("en-hu", "plain"),
    ),
    Entry(
        name="gpt2",
        section="language",
        slide=9,
        summary="A text in, its continuation out, token by token; trained on Jane Austen's novels or a text of your own",
        target="potmeter.systems.language.gpt2.system:GPT2",
        capabilities=("LanguageModel",),
        weights=("austen",),
    ),
    Entry(
        name="blackbox",
        section="basics",
        slide=10,
        summary="A small network whose every weight is a knob: turn them by hand, then let training turn them",
        target="potmeter.systems.basics.blackbox.system:Blackbox",
        weights=("moons", "sine"),
    ),
    Entry(
        name="classifier",
        section="vision",
        slide=11,
        summary="A picture in, a category out: digits, clothes, photographs, or the folders of your own",
        target="potmeter.systems.vision.classifier.system:ImageClassifier",
        capabilities=("Classifier", "Attackable", "Embedder", "Backbone"),
        weights=("digits", "fashion", "photos4", "robust", "faces", "imagenet"),
        fetched=("imagenet",),
    ),
    Entry(
        name="featurevis",
        section="probes",
        slide=15,
        summary="What does a part of a network look for? Pictures made for a channel, beside the real ones that move it most",
        target="potmeter.probes.featurevis.probe:FeatureVisualisation",
        kind="probe",
    ),
    Entry(
        name="attack",
        section="probes",
        slide=26,
        summary="Changes a picture invisibly so that a network takes it for something else",
        target="potmeter.probes.attack.probe:Attack",
        kind="probe",
        capabilities=("Classifier", "Attackable"),
    ),
    Entry(
        name="word2vec",
        section="language",
        slide=14,
        summary="Every word a vector: words with similar contexts land close together",
        target="potmeter.systems.language.word2vec.system:Word2Vec",
        weights=("english",),
    ),
    Entry(
        name="stylegan",
        section="generative",
        slide=8,
        summary="Pictures from styles: the coarse ones of one face with the fine ones of another, and yours found among them",
        target="potmeter.systems.generative.stylegan.system:StyleGAN",
        capabilities=("Generator", "Encoder"),
        weights=("faces",),
    ),
    Entry(
        name="gan",
        section="generative",
        slide=21,
        summary="Two networks against each other: one draws, the other tells drawn from real, and both get better",
        target="potmeter.systems.generative.gan.system:GAN",
        capabilities=("Generator", "Encoder"),
        weights=("digits",),
    ),
    Entry(
        name="vae",
        section="generative",
        slide=22,
        summary="Variational autoencoder: pictures from a latent space in which one can walk",
        target="potmeter.systems.generative.vae.system:VAE",
        capabilities=("Generator", "Encoder"),
        weights=("digits", "plane", "faces"),
    ),
    Entry(
        name="latents",
        section="probes",
        slide=24,
        summary="Which way is a smile? Walks, analogies and attribute vectors in the latent space of any generator",
        target="potmeter.probes.latents.probe:Latents",
        kind="probe",
        capabilities=("Generator",),
    ),
    Entry(
        name="autoencoder",
        section="generative",
        slide=23,
        summary="Digits through a bottleneck of 2, 8 or 32 numbers, and the plane one can move in",
        target="potmeter.systems.generative.autoencoder.system:Autoencoder",
        capabilities=("Generator", "Encoder"),
        weights=("digits",),
    ),
    Entry(
        name="patch",
        section="probes",
        slide=27,
        summary="An adversarial patch: a printed sticker that makes a network see a toaster, whatever it lies beside",
        target="potmeter.probes.patch.probe:Patch",
        kind="probe",
        capabilities=("Classifier", "Attackable"),
    ),
)


@cache
def entries() -> dict[str, Entry]:
    """Every known entry by name, in the lecture's order."""
    known = list(BUILT_IN)
    for point in entry_points(group="potmeter.systems"):
        try:
            entry = point.load()
            known.append(entry if isinstance(entry, Entry) else reject("It must be an Entry.", entry))
        except Exception as error:  # a broken third party must not take the others down
            print(f"potmeter: warning: {point.name} ({point.value}) cannot be used: {error}", file=sys.stderr)
    return {entry.name: entry for entry in sorted(known, key=lambda entry: (entry.slide, entry.name))}


@dataclass(frozen=True)
class Reference:
    """What a user's word names: ``NAME``, ``NAME.TAG``, ``NAME:TASK``, ``NAME.TAG:TASK`` or an ejected folder."""

    entry: Entry
    tag: str | None = None
    task: str = "run"


def resolve(word: str) -> Reference:
    """Look a user's word up. Raises UserError, with the nearest name, when there is none."""
    path, _, task = word.rpartition(":") if ":" in word else (word, "", "")
    name, _, tag = path.partition(".")
    if name not in entries() or "/" in path:  # a folder called vae is ./vae: what lies about must not hide a system
        if os.path.isfile(os.path.join(word, "system.json")):
            return Reference(read_entry(Path(word)))
        if os.path.isfile(os.path.join(path, "system.json")):  # unlike Path's method, False for what can be no path
            return Reference(read_entry(Path(path)), None, task or "run")
    if name not in entries():
        near = difflib.get_close_matches(name, entries(), 1)
        hint = f" Did you mean {near[0]}?" if near else " `potmeter list` shows them all."
        raise UserError(f"There is no system of that name.{hint}", received=word)
    entry = entries()[name]
    if tag and tag not in entry.weights:
        reject(f"{name} has weights {', '.join(entry.weights) or 'none'}.", word)
    return Reference(entry, tag or None, task or "run")


# Ejected systems: a folder of the user's with a system.json ------------------------------------------------------


def entry_json(entry: Entry) -> str:
    """The text of the ``system.json`` that makes a copied folder a system."""
    module, _, name = entry.target.partition(":")
    values = asdict(entry) | {"target": f"{module.rpartition('.')[2]}:{name}"}
    del values["folder"]
    return json.dumps(values, indent=1) + "\n"


def read_entry(folder: Path) -> Entry:
    """The entry of an ejected folder. Raises UserError when its ``system.json`` is damaged."""
    try:
        values = json.loads((folder / "system.json").read_text())
        tuples = {key: tuple(values[key]) for key in ("capabilities", "weights", "fetched")}
        return Entry(**values | tuples | {"folder": str(folder.resolve())})
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{folder}/system.json is damaged: {error}.", received=str(folder)) from None


@cache
def import_ejected(folder: Path, module: str) -> ModuleType:
    """Import ``folder`` as a package of its own, whatever its name and place, and return its ``module``."""
    package = f"potmeter_ejected_{zlib.crc32(str(folder).encode()):08x}"
    spec = importlib.util.spec_from_file_location(
        package, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None or not (folder / "__init__.py").is_file():
        raise UserError(f"{folder} has no __init__.py.", received=str(folder))
    sys.modules[package] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(sys.modules[package])
    except BaseException:
        del sys.modules[package]  # half a package must not be found at the next attempt
        raise
    return importlib.import_module(f"{package}.{module}")
