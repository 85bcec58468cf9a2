"""The variables of tensorflow/nmt as the state of our LSTMs. A name begins with its scope; then, for W units:

    encoder/embedding_encoder, decoder/embedding_decoder     (V, W)
    encoder/bidirectional_rnn/{fw,bw}                        LSTM
    decoder/memory_layer/kernel                              (M, W)
    decoder/output_projection/kernel                         (W, V)

    standard: decoder/attention/multi_rnn_cell/cell_{0,1}    LSTM
              decoder/attention/attention_layer/kernel       (W + M, W)
    gnmt_v2:  encoder/rnn/multi_rnn_cell/cell_N              LSTM
              decoder/multi_rnn_cell/cell_{1,2,…}            LSTM
              decoder/multi_rnn_cell/cell_0_attention/attention

An LSTM of I inputs is ``basic_lstm_cell/kernel`` (I + W, 4 W), with the rows of [x; h] and the columns of the gates i, j, f, o,
and ``bias`` (4 W), without the 1 that the forget gate gets when it runs. Beside the one that attends is ``luong_attention``
with its scale, or ``bahdanau_attention``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from potmeter.errors import reject

from .model import Config
from .recurrent import RecurrentSeq2Seq

SOURCE, TARGET = "encoder/embedding_encoder", "decoder/embedding_decoder"
OUTPUT = "decoder/output_projection/kernel"
WORDS = (SOURCE, TARGET, OUTPUT)
"""Variables with a row or column for each word."""


def convert(bundle: Mapping[str, np.ndarray], config: Config) -> dict[str, Tensor]:
    """nmt's variables as the state of our network; padding, which nmt has not, gets the numbers of <s>: neither follows.

    Raises:
        UserError: When a variable is missing, unknown, or of another shape.
    """
    stored = {name.partition("/")[2]: array for name, array in bundle.items()}
    stored = {name: array for name, array in stored.items() if name and not re.search(r"/Adam(_1)?$", name)}
    require(
        stored, SOURCE, (config.vocab_size - 1, config.embedding_dim)
    )  # no network is made that the file cannot fill
    config.encoder_layers < len(stored) or reject(
        "The checkpoint does not fit: it has fewer layers.", config.encoder_layers
    )
    with torch.device("meta"):
        wanted = {key: tensor.shape for key, tensor in RecurrentSeq2Seq(config).state_dict().items()}
    names = map_variables(config)
    state: dict[str, Tensor] = {}
    for name, keys in names.items():
        shapes = [wanted[key] for key in keys]
        tensor = torch.from_numpy(np.array(require(stored, name, stored_shape(name, shapes)))).float()
        tensor = tensor.T if name.endswith("kernel") else tensor
        if name in WORDS:
            tensor = tensor[[1, 1, 2, 0, *range(3, len(tensor))]]  # padding, <s>, </s>, <unk>, the words
        parts = tensor.split([shape[1] for shape in shapes], 1) if len(keys) > 1 else [tensor]
        state |= {key: part.contiguous() for key, part in zip(keys, parts, strict=True)}
    for name in stored.keys() - names.keys():
        reject(f"The checkpoint does not fit: {name} is unknown.", name)
    return state


def stored_shape(name: str, shapes: Sequence[torch.Size]) -> tuple[int, ...]:
    """The shape of a variable that holds parameters of these shapes side by side."""
    if len(shapes[0]) < 2:
        return tuple(shapes[0])
    rows, columns = shapes[0][0] - (name in WORDS), sum(shape[1] for shape in shapes)
    return (columns, rows) if name.endswith("kernel") else (rows, columns)


def require(stored: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A variable of this shape. Raises UserError when there is none."""
    name in stored or reject(f"The checkpoint does not fit: {name} is missing.", name)
    stored[name].shape == shape or reject(f"The checkpoint does not fit: {name} should be {shape}.", stored[name].shape)
    return stored[name]


def map_variables(config: Config) -> dict[str, tuple[str, ...]]:
    """Each of nmt's variables, and which of our parameters it holds side by side."""
    gnmt, last = config.architecture == "gnmt", config.encoder_layers - 1
    attention = "decoder/multi_rnn_cell/cell_0_attention/attention" if gnmt else "decoder/attention"
    upper = "decoder/multi_rnn_cell" if gnmt else "decoder/attention/multi_rnn_cell"
    cells = {f"encoder/bidirectional_rnn/{way[0]}w": f"encoder.{way}ward_layers.0" for way in ("for", "back")}
    for n in range(last if gnmt else 0):
        cells[f"encoder/rnn/multi_rnn_cell/cell_{n}" if last > 1 else "encoder/rnn"] = f"encoder.upper_layers.{n}"
    cells[attention if gnmt else f"{upper}/cell_0"] = "bottom_layer"
    cells |= {f"{upper}/cell_{n + 1}": f"upper_layers.{n}" for n in range(last)}
    names: dict[str, tuple[str, ...]] = {
        SOURCE: ("source_embedding.weight",),
        TARGET: ("target_embedding.weight",),
        OUTPUT: ("output_projection.weight",),
        "decoder/memory_layer/kernel": ("key_projection.weight",),
    }
    for path, cell in cells.items():
        names[f"{path}/basic_lstm_cell/kernel"] = (f"{cell}.weight_input", f"{cell}.weight_hidden")
        names[f"{path}/basic_lstm_cell/bias"] = (f"{cell}.bias",)
    if not gnmt:
        names[f"{attention}/attention_layer/kernel"] = ("attention_layer.weight",)
    if config.attention == "multiplicative":
        return names | {f"{attention}/luong_attention/attention_g": ("attention_scale",)}
    added = {"query_layer/kernel": "query_projection.weight", "attention_b": "attention_bias"}
    parts = {"attention_v": "attention_vector", "attention_g": "attention_scale"} | added
    return names | {f"{attention}/bahdanau_attention/{part}": (key,) for part, key in parts.items()}
