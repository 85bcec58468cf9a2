# Written by tools/overloads.py from the system.json files.
from pathlib import Path
from typing import Any, Literal, overload

from potmeter.errors import UserError as UserError
from potmeter.probes.attack.probe import Attack as Attack
from potmeter.probes.featurevis.probe import FeatureVisualisation as FeatureVisualisation
from potmeter.probes.latents.probe import Latents as Latents
from potmeter.probes.patch.probe import Patch as Patch
from potmeter.systems.basics.blackbox.system import Blackbox as Blackbox
from potmeter.systems.generative.autoencoder.system import Autoencoder as Autoencoder
from potmeter.systems.generative.deepfakes.system import DeepFakes as DeepFakes
from potmeter.systems.generative.gan.system import GAN as GAN
from potmeter.systems.generative.stackgan.system import StackGAN as StackGAN
from potmeter.systems.generative.stylegan.system import StyleGAN as StyleGAN
from potmeter.systems.generative.styletransfer.system import StyleTransfer as StyleTransfer
from potmeter.systems.generative.unit.system import UNIT as UNIT
from potmeter.systems.generative.vae.system import VAE as VAE
from potmeter.systems.language.gpt2.system import GPT2 as GPT2
from potmeter.systems.language.translator.system import Translator as Translator
from potmeter.systems.language.word2vec.system import Word2Vec as Word2Vec
from potmeter.systems.play.alphazero.system import AlphaZero as AlphaZero
from potmeter.systems.play.locomotion.system import Locomotion as Locomotion
from potmeter.systems.play.sumo.system import Sumo as Sumo
from potmeter.systems.speech.tacotron2.system import Tacotron2 as Tacotron2
from potmeter.systems.speech.wavenet.system import WaveNetSystem as WaveNetSystem
from potmeter.systems.vision.captioner.system import ImageCaptioner as ImageCaptioner
from potmeter.systems.vision.classifier.system import ImageClassifier as ImageClassifier
from potmeter.systems.vision.densepose.system import DensePose as DensePose
from potmeter.systems.vision.maskrcnn.system import ObjectDetector as ObjectDetector
from potmeter.systems.vision.segmenter.system import Segmenter as Segmenter
from potmeter.version import __version__ as __version__

__all__ = ["UserError", "__version__", "list_systems", "load"]

def list_systems(kind: Literal["system", "probe"] | None = None) -> list[str]: ...
@overload
def load(name: Literal["attack"], weights: str | Path | None = None, *, device: str = "cpu") -> Attack: ...
@overload
def load(
    name: Literal["featurevis"], weights: str | Path | None = None, *, device: str = "cpu"
) -> FeatureVisualisation: ...
@overload
def load(name: Literal["latents"], weights: str | Path | None = None, *, device: str = "cpu") -> Latents: ...
@overload
def load(name: Literal["patch"], weights: str | Path | None = None, *, device: str = "cpu") -> Patch: ...
@overload
def load(
    name: Literal["blackbox", "blackbox.moons", "blackbox.sine"],
    weights: str | Path | None = None,
    *,
    device: str = "cpu",
) -> Blackbox: ...
@overload
def load(
    name: Literal["autoencoder", "autoencoder.digits"], weights: str | Path | None = None, *, device: str = "cpu"
) -> Autoencoder: ...
@overload
def load(
    name: Literal["deepfakes", "deepfakes.pair"], weights: str | Path | None = None, *, device: str = "cpu"
) -> DeepFakes: ...
@overload
def load(name: Literal["gan", "gan.digits"], weights: str | Path | None = None, *, device: str = "cpu") -> GAN: ...
@overload
def load(
    name: Literal["stackgan", "stackgan.birds"], weights: str | Path | None = None, *, device: str = "cpu"
) -> StackGAN: ...
@overload
def load(
    name: Literal["stylegan", "stylegan.faces"], weights: str | Path | None = None, *, device: str = "cpu"
) -> StyleGAN: ...
@overload
def load(
    name: Literal["styletransfer", "styletransfer.starry-night"],
    weights: str | Path | None = None,
    *,
    device: str = "cpu",
) -> StyleTransfer: ...
@overload
def load(name: Literal["unit", "unit.emoji"], weights: str | Path | None = None, *, device: str = "cpu") -> UNIT: ...
@overload
def load(
    name: Literal["vae", "vae.digits", "vae.plane", "vae.faces", "vae.avatars"],
    weights: str | Path | None = None,
    *,
    device: str = "cpu",
) -> VAE: ...
@overload
def load(name: Literal["gpt2", "gpt2.austen"], weights: str | Path | None = None, *, device: str = "cpu") -> GPT2: ...
@overload
def load(
    name: Literal["translator", "translator.en-hu", "translator.plain"],
    weights: str | Path | None = None,
    *,
    device: str = "cpu",
) -> Translator: ...
@overload
def load(
    name: Literal["word2vec", "word2vec.english"], weights: str | Path | None = None, *, device: str = "cpu"
) -> Word2Vec: ...
@overload
def load(
    name: Literal["alphazero", "alphazero.go5", "alphazero.go7", "alphazero.tictactoe"],
    weights: str | Path | None = None,
    *,
    device: str = "cpu",
) -> AlphaZero: ...
@overload
def load(
    name: Literal[
        "locomotion", "locomotion.walker", "locomotion.hopper", "locomotion.halfcheetah", "locomotion.cartpole"
    ],
    weights: str | Path | None = None,
    *,
    device: str = "cpu",
) -> Locomotion: ...
@overload
def load(name: Literal["sumo", "sumo.bug"], weights: str | Path | None = None, *, device: str = "cpu") -> Sumo: ...
@overload
def load(
    name: Literal["tacotron2", "tacotron2.flite"], weights: str | Path | None = None, *, device: str = "cpu"
) -> Tacotron2: ...
@overload
def load(
    name: Literal["wavenet", "wavenet.english"], weights: str | Path | None = None, *, device: str = "cpu"
) -> WaveNetSystem: ...
@overload
def load(
    name: Literal["captioner", "captioner.scenes"], weights: str | Path | None = None, *, device: str = "cpu"
) -> ImageCaptioner: ...
@overload
def load(
    name: Literal[
        "classifier",
        "classifier.digits",
        "classifier.fashion",
        "classifier.photos4",
        "classifier.robust",
        "classifier.faces",
        "classifier.imagenet",
    ],
    weights: str | Path | None = None,
    *,
    device: str = "cpu",
) -> ImageClassifier: ...
@overload
def load(
    name: Literal["densepose", "densepose.bodies"], weights: str | Path | None = None, *, device: str = "cpu"
) -> DensePose: ...
@overload
def load(
    name: Literal["maskrcnn", "maskrcnn.cutouts"], weights: str | Path | None = None, *, device: str = "cpu"
) -> ObjectDetector: ...
@overload
def load(
    name: Literal["segmenter", "segmenter.hair"], weights: str | Path | None = None, *, device: str = "cpu"
) -> Segmenter: ...
@overload
def load(name: str | Path, weights: str | Path | None = None, *, device: str = "cpu") -> Any: ...
