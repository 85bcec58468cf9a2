"""What shipped weights give, on the CPU, for inputs that never change: ``python tests/golden/outputs.py [NAME.TAG …]`` writes it.

A file for each set of weights holds, of every output, the shape and a few values, or the text. Only run this after a
change that is meant to change what the weights give, and say so where the change is described.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from potmeter import registry
from potmeter.core.capabilities import has_capabilities
from potmeter.core.loading import load
from potmeter.core.random import RandomStream

HERE = Path(__file__).parent
NAMES = [
    f"{e.name}.{tag}" for e in registry.built_in_entries() for tag, facts in e.weights.items() if not facts.fetched
]
KEPT = 12
"""Values of a tensor, spread evenly over it."""
TEXT = "It was a truth, that a single man of 30 must be in want."


def measure(name: str) -> dict[str, Any]:
    """The outputs of shipped weights, each a text or the record of a tensor."""
    torch.manual_seed(0)
    system = load(name)
    with torch.no_grad():
        found = by_capability(system) | BY_SYSTEM.get(system.name, lambda _: {})(system)
    return {what: record(value) if isinstance(value, Tensor) else value for what, value in found.items()}


def record(values: Tensor) -> dict[str, Any]:
    """The shape of a tensor and some of its values, with the largest there is, by which they are compared."""
    flat = values.double().flatten()
    places = [i * len(flat) // KEPT for i in range(KEPT)] if len(flat) > KEPT else range(len(flat))
    return {
        "shape": list(values.shape),
        "largest": float(f"{flat.abs().max():.6g}"),
        "values": [float(f"{flat[place]:.6g}") for place in places],
    }


def by_capability(system: Any) -> dict[str, Tensor]:
    """What a system gives through the protocols that it fulfils."""
    found = {}
    if has_capabilities(system, ["Classifier"]):
        found["logits"] = system.logits(waves(2, *system.input_shape))
    if has_capabilities(system, ["Segmenter"]):
        found["masks"] = system.masks(waves(2, *system.input_shape))
    if has_capabilities(system, ["Detector"]):
        channels, height, width = system.input_shape
        for number, logits in enumerate(system.model.region_logits(waves(2, channels, height, width))):
            found[f"regions of picture {number}"] = logits[:8]
    if has_capabilities(system, ["Generator"]):
        for space in system.latent_spaces:
            found[f"decode {space}"] = system.decode(system.sample(2, RandomStream(1), space), space)
    if has_capabilities(system, ["LanguageModel"]):
        found["surprisal"] = system.surprisal(TEXT)
        found["next token, bits"] = -system.next_token_probs(TEXT).log2()
    return found


def waves(count: int, channels: int, height: int, width: int) -> Tensor:
    """Pictures (N, C, H, W) in [0, 1] that are the same everywhere: no two rows, columns, channels alike."""
    sizes = (count, channels, height, width)
    n, c, y, x = torch.meshgrid(*(torch.arange(size, dtype=torch.float64) / size for size in sizes), indexing="ij")
    return (0.5 + 0.5 * torch.sin(2 * math.pi * (3 * x * (1 + y) + 2 * y + c / 3 + n / 2))).float()


def of_wavenet(system: Any) -> dict[str, Tensor]:
    """The distributions of the samples of a wave."""
    frames, bands = 4, system.config.n_mels
    time = torch.arange(1 + system.config.linear_prediction + frames * system.config.hop_length - 1)
    mel = 4 * waves(1, 1, frames + 5, bands)[0] - 8
    return {"distributions": system.predict(0.1 * torch.sin(time / 9)[None], mel, torch.tensor([0]))}


def of_alphazero(system: Any) -> dict[str, Tensor]:
    """Policy and value of two positions."""
    logits, values = system.predict(
        waves(2, 2 * system.config.history + 1, system.rules.rows, system.rules.columns).round()
    )
    return {"policy": logits, "value": values}


def of_autoencoder(system: Any) -> dict[str, Tensor]:
    """The codes of two pictures."""
    pictures = waves(2, *(system.config.channels, system.config.image_size, system.config.image_size))
    return {f"encode {space}": system.encode(pictures, space) for space in system.latent_spaces}


def of_blackbox(system: Any) -> dict[str, Tensor]:
    """The answers on a line through the middle."""
    line = torch.linspace(-1, 1, 7)[:, None].expand(-1, system.config.widths[0])
    return {"predict": system.network.predict(line)}


def of_captioner(system: Any) -> dict[str, Tensor]:
    """The logits of each word and the attention weights, for feature maps that never change: the backbone is not shipped."""
    from potmeter.systems.vision.captioner.model import CLASSES

    side = round(len(system.decoder.place_embedding) ** 0.5)
    maps = 3 * waves(2, system.decoder.annotation_projection.in_features, side, side)
    if system.decoder.evidence is not None:
        maps = torch.cat([maps, (9 * waves(2, CLASSES, side, side)).softmax(1)], 1)
    logits, weights = system.decoder(maps, torch.tensor([[3, 8, 13, 21], [4, 34, 9, 17]]))
    return {"logits": logits} if weights is None else {"logits": logits, "attention": weights}


def of_densepose(system: Any) -> dict[str, Tensor]:
    """The surface maps of two boxes in a picture."""
    picture = waves(1, *system.input_shape)
    shape = (picture.shape[2], picture.shape[3])
    maps = system.model.backbone(system.model.prepare(picture, [shape]))
    boxes = torch.tensor([[0.1, 0.2, 0.6, 0.9], [0.3, 0.0, 1.0, 1.0]]) * min(shape)
    return system.model.roi_heads.surface_maps(maps[:-1], [boxes], shape)._asdict()


def of_locomotion(system: Any) -> dict[str, Tensor]:
    """The policy's logits or means, for observations on a line."""
    return {"forward": system(torch.linspace(-1, 1, 7)[:, None].expand(-1, system.config.num_observations))}


def of_sumo(system: Any) -> dict[str, Tensor]:
    """The policy's actions and the oldest version's, for observations on a line, and the league's ratings."""
    line = torch.linspace(-1, 1, 7)[:, None].expand(-1, 41)
    ratings = torch.tensor(system.ladder.rate().mean(0), dtype=torch.float32)
    return {"forward": system(line), "v1": system.ladder.members[0].act(line), "elo": ratings}


def of_stackgan(system: Any) -> dict[str, Tensor]:
    """The embedding of a sentence, and both stages' pictures of it, made small."""
    text = system.embed_sentences(["this bird is blue with white and has a very short beak"])
    z = torch.linspace(-1.5, 1.5, system.config.latent_dim)[None]
    small, large = system.decode_text(text, z)
    return {"text": text, "stage I": small[..., ::4, ::4], "stage II": large[..., ::16, ::16]}


def of_styletransfer(system: Any) -> dict[str, Tensor]:
    """The paintings of two pictures."""
    return {"forward": system(waves(2, 3, 48, 64))}


def of_deepfakes(system: Any) -> dict[str, Tensor]:
    """A picture drawn as each identity, and the detector's logits."""
    pictures = waves(2, 3, system.config.image_size, system.config.image_size)
    return {"forward": system(pictures, torch.tensor([0, 1])), "detector": system.detector(pictures)}


def of_unit(system: Any) -> dict[str, Tensor]:
    """Two pictures in the second style, and in the first."""
    return {"there": system(waves(2, 3, 48, 64)), "back": system(waves(2, 3, 48, 64), 1)}


def of_translator(system: Any) -> dict[str, str]:
    """A translation in each direction, greedy."""
    sentence = {"en": "Click the button to save the file.", "hu": "A fájl mentéséhez kattintson a gombra."}
    return {way: system.run(sentence[way[:2]], direction=way, beam=1).translation.text for way in system.directions}


def of_word2vec(system: Any) -> dict[str, Any]:
    """The neighbours of a word, and how near they are."""
    rows = system.run(["king"], top=5).rows
    return {
        "near king": ", ".join(str(row[0]) for row in rows),
        "cosine": torch.tensor([float(row[1]) for row in rows]),
    }


def of_tacotron2(system: Any) -> dict[str, Tensor | str]:
    """Frames and attention weights of a short text, spoken without a teacher."""
    from potmeter.systems.speech.tacotron2.symbols import encode, spell
    from potmeter.systems.speech.tacotron2.synthesis import synthesise

    spelt = spell("It was a truth.", system.config)
    (speech,) = synthesise(system.network, [encode(spelt, system.config)], 0)
    return {"symbols": spelt, "mel": speech.mel, "attention": speech.attention}


BY_SYSTEM = {
    "alphazero": of_alphazero,
    "autoencoder": of_autoencoder,
    "blackbox": of_blackbox,
    "captioner": of_captioner,
    "deepfakes": of_deepfakes,
    "densepose": of_densepose,
    "locomotion": of_locomotion,
    "sumo": of_sumo,
    "stackgan": of_stackgan,
    "styletransfer": of_styletransfer,
    "tacotron2": of_tacotron2,
    "translator": of_translator,
    "unit": of_unit,
    "vae": of_autoencoder,
    "wavenet": of_wavenet,
    "word2vec": of_word2vec,
}
"""What no capability gives."""


if __name__ == "__main__":
    torch.set_num_threads(1)
    for weights in sys.argv[1:] or NAMES:
        lines = [
            f" {json.dumps(what)}: {json.dumps(value, ensure_ascii=False)}" for what, value in measure(weights).items()
        ]
        (HERE / f"{weights}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        print(weights)
