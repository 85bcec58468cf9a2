"""The tools that make and compare weights tell the truth."""

import json
import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from potmeter import registry
from potmeter.errors import shorten
from potmeter.media import Image
from potmeter.probes.patch import Patch
from potmeter.systems.language.gpt2 import GPT2
from potmeter.systems.language.gpt2.texts import HeldOut
from potmeter.systems.language.gpt2.tokenizer import Tokenizer
from potmeter.systems.speech.tacotron2.examples import TEXTS

TOOLS = Path(__file__).parents[1] / "tools"


@pytest.fixture(autouse=True)
def tools_find_each_other(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))


def test_weights_that_are_only_measured_again_keep_the_command_of_their_card(tmp_path):
    ship = runpy.run_path(str(TOOLS / "ship.py"))
    training = {"seed": 0, "steps": 13_000, "seconds": 8465.6}
    assert ship["command_of"](tmp_path, "potmeter train", training) == "potmeter train"
    (tmp_path / "card.json").write_text(json.dumps({"command": "potmeter train, then more", "training": training}))
    assert ship["command_of"](tmp_path, "potmeter train", training) == "potmeter train, then more"
    assert ship["command_of"](tmp_path, "potmeter train", training | {"seconds": 90.0}) == "potmeter train", (
        "trained anew"
    )


def test_everything_in_the_weights_folder_is_shipped_by_a_recipe_and_the_other_way_round():
    ship = runpy.run_path(str(TOOLS / "ship.py"))
    assert set(ship["list_shipped"]()) == {folder.name for folder in registry.WEIGHTS.iterdir()}
    for entry in registry.built_in_entries():
        for tag, facts in (entry.weights | entry.artefacts).items():
            assert facts.licence and (facts.recipe or facts.fetched or entry.name == "latents"), f"{entry.name}.{tag}"


@pytest.mark.parametrize(
    "name", [f"{e.name}.{tag}" for e in registry.built_in_entries() for tag in e.weights | e.artefacts]
)
def test_the_origins_of_weights_are_those_on_their_card(name):
    from origins import list_origins

    owner, _, tag = name.partition(".")
    facts = (registry.entries()[owner].weights | registry.entries()[owner].artefacts)[tag]
    found = list_origins(facts)
    assert all(origin["licence"] for origin in found)
    path = registry.WEIGHTS / name / "card.json"
    if path.is_file():
        told = {origin["name"] for origin in json.loads(path.read_text())["data"]}
        assert told <= {origin["name"] for origin in found}


def test_the_card_s_hard_sentences_and_sounds_are_those_that_the_tool_speaks():
    heard = runpy.run_path(str(TOOLS / "heard.py"))
    card = (registry.ROOT / "systems/speech/tacotron2/card.md").read_text(encoding="utf-8")
    for kind, text in heard["HARD"]:
        assert f"| {kind} | {shorten(text, 60)} |" in card
    for _, text in TEXTS["en"]:
        assert f"| {text} |" in card
    page = heard["replace_rows"](card, heard["COMPLAINTS"], "| new |\n")
    assert heard["COMPLAINTS"] + "| new |\n\n**Sounds" in page and page.count(heard["SOUNDS"]) == 1
    spoken = (
        (registry.ROOT / "systems/speech/wavenet/card.md")
        .read_text(encoding="utf-8")
        .partition(heard["RESYNTHESES"])[2]
    )
    prompts = [row.split("`")[1] for row in spoken.partition("\n\n")[0].splitlines()]
    assert tuple(prompts) == heard["PROMPTS"]


def test_a_patch_s_recipe_is_what_its_task_takes():
    ship_patch = runpy.run_path(str(TOOLS / "ship_patch.py"))
    inputs = ship_patch["inputs_of"](Patch, "--steps 400 --disguise crab.png --eps 0.15")
    assert inputs.keys() == {"steps", "disguise", "eps"}
    assert isinstance(inputs["disguise"], Image) and (inputs["steps"], inputs["eps"]) == (400, 0.15)


def test_nanogpts_model_is_measured_as_ours_is():
    system = GPT2(replace(GPT2.presets["tiny"], vocab_size=300, context_length=16)).eval().requires_grad_(False)
    system.tokenizer = Tokenizer.train(["Anne walked to the shore. " * 20], 300)
    text, ours = HeldOut.split("Anne walked to the shore and back. " * 30), system.model
    expected = system.evaluate(text)["bits_per_byte"]
    modules = {"wte": ours.token_embedding, "wpe": ours.position_embedding, "h": ours.blocks, "ln_f": ours.norm}
    model = SimpleNamespace(
        transformer=SimpleNamespace(**modules), lm_head=ours.logits, config=SimpleNamespace(block_size=16)
    )
    system.model = runpy.run_path(str(TOOLS / "nanogpt.py"))["NanoGPT"](model)
    torch.testing.assert_close(system.evaluate(text)["bits_per_byte"], expected)
