"""The state of a box, its Config and the value of every knob, as a short text for the end of an address: ``https://…/blackbox#b1.AQ…``.

``b1.`` + base64url( size of the JSON, 2 bytes | JSON of the Config's fields that are not the default | the knobs,
float32 little-endian | CRC-32 of all that, 4 bytes ). The knobs are stored as they are computed with, so a state
brings back the same box to the bit. A box has at most 1,000 knobs, so a state has at most ``MAX_STATE_LENGTH`` characters.
Nothing in it is executed: it is JSON and numbers, each checked.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
import zlib
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from potmeter.core.config import build_config
from potmeter.errors import UserError, reject

from .model import MAX_KNOB_VALUE, MAX_KNOBS, Config

PREFIX = "b1."
"""Version of the format: other defaults of Config would need another one."""
MAX_JSON_BYTES = 1600
"""Of a state's Config."""
MAX_STATE_LENGTH = len(PREFIX) + -(-(2 + MAX_JSON_BYTES + 4 * MAX_KNOBS + 4) * 4 // 3)
"""Longest state, in characters."""


def encode_state(config: Config, knobs: Tensor) -> str:
    """The state of a box.

    Args:
        config: Its Config.
        knobs: Its knobs, float32 (N,), in the order of ``parameters_to_vector``.
    """
    default = asdict(Config())
    changed = {key: value for key, value in asdict(config).items() if value != default[key]}
    text = json.dumps(changed, separators=(",", ":"), ensure_ascii=False).encode()
    len(text) <= MAX_JSON_BYTES or reject("This Config is too long for a state.", f"{len(text)} bytes")
    body = struct.pack("<H", len(text)) + text + knobs.detach().cpu().numpy().astype("<f4").tobytes()
    return PREFIX + base64.urlsafe_b64encode(body + struct.pack("<I", zlib.crc32(body))).decode().rstrip("=")


def decode_state(state: str) -> tuple[Config, Tensor]:
    """Config and knobs of a state, or of an address that ends in ``#`` and one. Raises UserError for anything else."""
    code = state.rpartition("#")[2].strip()
    code.startswith(PREFIX) or reject(f"A state starts with {PREFIX}", state)
    len(code) <= MAX_STATE_LENGTH or reject(
        f"A state has at most {MAX_STATE_LENGTH} characters.", f"{len(code)} characters"
    )
    code = code.removeprefix(PREFIX)
    try:
        data = base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True)
        body, check = data[:-4], struct.unpack("<I", data[-4:])[0]
        size = struct.unpack("<H", body[:2])[0]
    except (binascii.Error, struct.error, ValueError):
        raise UserError("This state is cut off or mistyped.", received=state) from None
    zlib.crc32(body) == check or reject("This state is cut off or mistyped.", state)
    try:
        values = json.loads(body[2 : 2 + size])
        isinstance(values, dict) or reject("The Config of a state is a JSON object.", values)
        config = build_config(Config, values)
    except (ValueError, RecursionError, OverflowError) as error:
        raise UserError(f"The Config of this state cannot be read ({type(error).__name__}).", received=state) from None
    numbers = body[2 + size :]
    len(numbers) == 4 * config.knobs or reject(
        f"A box like this has {config.knobs} knobs.", f"{len(numbers)} bytes of knobs"
    )
    knobs = np.frombuffer(numbers, "<f4").astype(np.float32)
    if not np.all(np.abs(knobs) <= MAX_KNOB_VALUE):  # not a number fails too
        reject(f"Every knob must be a number of at most {MAX_KNOB_VALUE:g}.", state)
    return config, torch.from_numpy(knobs)
