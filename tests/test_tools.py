"""The tools that make and compare weights tell the truth."""

import json
import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import torch

from potmeter.systems.language.gpt2 import GPT2
from potmeter.systems.language.gpt2.texts import Held
from potmeter.systems.language.gpt2.tokenizer import Tokenizer

TOOLS = Path(__file__).parents[1] / "tools"


def test_weights_that_are_only_measured_again_keep_the_command_of_their_card(tmp_path):
    ship = runpy.run_path(str(TOOLS / "ship.py"))
    recipe = {"seed": 0, "steps": 13_000, "seconds": 8465.6}
    assert ship["command_of"](tmp_path, "potmeter train", recipe) == "potmeter train"
    (tmp_path / "card.json").write_text(json.dumps({"command": "potmeter train, then more", "recipe": recipe}))
    assert ship["command_of"](tmp_path, "potmeter train", recipe) == "potmeter train, then more"
    assert ship["command_of"](tmp_path, "potmeter train", recipe | {"seconds": 90.0}) == "potmeter train", (
        "trained anew"
    )


def test_nanogpts_model_is_measured_as_ours_is():
    system = GPT2(replace(GPT2.presets["tiny"], vocabulary=300, context=16)).eval().requires_grad_(False)
    system.tokenizer = Tokenizer.train(["Anne walked to the shore. " * 20], 300)
    text, ours = Held.of("Anne walked to the shore and back. " * 30), system.model
    expected = system.evaluate(text)["bits_per_byte"]
    parts = SimpleNamespace(wte=ours.tokens, wpe=ours.positions, h=ours.blocks, ln_f=ours.norm)  # nanoGPT's names
    model = SimpleNamespace(transformer=parts, lm_head=ours.scores, config=SimpleNamespace(block_size=16))
    system.model = runpy.run_path(str(TOOLS / "nanogpt.py"))["Theirs"](model)
    torch.testing.assert_close(system.evaluate(text)["bits_per_byte"], expected)
