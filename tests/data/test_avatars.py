"""The masks of drawn people are those of the layers that they are drawn from, and no held-out style is trained on."""

import json

import numpy as np
import pytest
import torch

from potmeter.data.mask_data import VOID
from potmeter.data.samples import sample
from potmeter.data.sets import avatars as module
from potmeter.data.sets.avatar_layers import BACKGROUND, CLOTHES, HAIR, SKIN, mask_definition, mask_emoji, read_mask
from potmeter.data.sets.records import DATA_SETS
from potmeter.data.sets.shapes import shapes
from potmeter.errors import UserError


def element(name="path", children=(), **attributes):
    return {"type": "element", "name": name, "attributes": attributes} | (
        {"children": list(children)} if children else {}
    )


def named(colour):
    return {"type": "color", "name": colour}


def paints(definition, component, variant="one"):
    return [e["attributes"].get("fill") for e in definition["components"][component]["variants"][variant]["elements"]]


def test_an_element_has_the_class_of_its_component_or_of_its_named_colour():
    drawn = [element(fill="#123456"), element(fill=named("skin")), element(fill=named("hair")), element(fill="none")]
    parts = {
        name: {"variants": {"one": {"elements": drawn}, "hat": {"elements": drawn}}}
        for name in ("hair", "eyes", "clothes")
    }
    style = {"canvas": {"elements": [element(fill=named("skin")), element(fill="black", **{"fill-opacity": ".1"})]}, "components": parts}  # fmt: skip
    before = json.dumps(style)
    masked = mask_definition("any", style)
    red, green, blue = "#ff0000", "#00ff00", "#0000ff"
    assert json.dumps(style) == before, "the style itself is left as it is"
    assert paints(masked, "hair") == [red, green, red, "none"]
    assert paints(masked, "hair", "hat") == [blue, green, red, "none"]
    assert paints(masked, "eyes") == [green, green, green, "none"], "brows have the hair's colour and are no hair"
    assert paints(masked, "clothes") == [blue, green, red, "none"]
    assert [e["attributes"] for e in masked["canvas"]["elements"]] == [{"fill": green}], "shade is no part of its own"


def test_what_shapes_others_is_not_painted():
    mask = element("mask", [element(fill="white")])
    style = {"canvas": {"elements": [mask]}, "components": {}}
    assert mask_definition("any", style)["canvas"]["elements"] == [mask]


def test_an_emojis_layers_are_its_mask_and_without_hair_there_is_none():
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><g id="hair"><path fill="#111" d="M0 0h9v9z"/></g><g id="skin"><g><path fill="#fc0" d="M0 0z"/></g></g><g id="line"><path stroke="#000" d="M0 0z"/></g></svg>'
    painted = mask_emoji(svg)
    assert "#ff0000" in painted and "#00ff00" in painted and "#111" not in painted and 'id="line"' not in painted
    assert mask_emoji(svg.replace('<path fill="#111" d="M0 0h9v9z"/>', "")) is None


def test_a_pixel_belongs_to_what_covers_most_of_it():
    painted = np.uint8([[[0, 0, 0, 0], [255, 0, 0, 255], [0, 255, 0, 200], [0, 0, 255, 100], [100, 155, 0, 255]]])
    assert read_mask(painted).tolist() == [[BACKGROUND, HAIR, SKIN, BACKGROUND, SKIN]] and CLOTHES == 3


def test_held_out_styles_and_emoji_are_in_one_part_only(monkeypatch):
    monkeypatch.setattr(
        module, "emoji_names", lambda: [f"1F{n}{tone}" for n in range(400, 500) for tone in ("", "-1F3FB", "-1F3FF")]
    )
    parts = module.list_parts()
    rows = [row for part in parts.values() for row in part]
    assert len(rows) == len(set(rows)), "no picture is in two parts"
    styles = {part: {style for style, _ in rows} for part, rows in parts.items()}
    assert styles["train"] == {*module.STYLES, "emoji"}
    assert styles["test"] - styles["train"] == {"adventurer", "big-ears", "lorelei"} and "personas" in styles["valid"]
    assert module.part_of_emoji("1F469-1F3FB-200D-1F9B0") == module.part_of_emoji("1F469-200D-1F9B0"), "all skin tones"


@pytest.fixture
def few(tmp_path, monkeypatch):
    """A cache of its own with three people of a style, of one that is held out, and no emoji."""
    monkeypatch.setenv("POTMETER_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "STYLES", ("avataaars",))
    monkeypatch.setattr(module, "COUNTS", {"train": 3, "valid": 1, "test": 1})
    monkeypatch.setattr(module, "UNSEEN", {"valid": 1, "test": 1})
    monkeypatch.setattr(module, "emoji_names", list)


def test_people_are_drawn_once_and_then_read(few, monkeypatch, capsys):
    first = module.avatars()
    assert [len(part) for part in (first.train, first.valid, first.test)] == [3, 2, 4] and first.dataset == "avatars"
    assert "drawing 9 people" in capsys.readouterr().err
    assert first.classes == DATA_SETS["avatars"].classes and first.test.names[0] == "avataaars-4"
    batch = first.test.__getitems__(range(4))
    assert batch["unseen"].tolist() == [False, True, True, True]
    assert batch["image"].shape == (4, 3, 128, 128) and batch["mask"].shape == (4, 128, 128)
    for mask in batch["mask"]:
        assert set(mask.unique().tolist()) <= {0, 1, 2, 3, VOID} and (mask == SKIN).float().mean() > 0.03
    monkeypatch.setattr(module, "renderer", lambda: pytest.fail("drawn twice"))
    assert torch.equal(module.avatars().train.tensors["mask"], first.train.tensors["mask"])


def test_a_person_does_not_depend_on_the_others(few):
    draw = module.renderer()
    once = draw("lorelei", 5)
    draw("avataaars", 1)
    assert np.array_equal(draw("lorelei", 5), once) and not np.array_equal(draw("lorelei", 6), once)


def test_shapes_are_told_apart_by_form_alone():
    splits = shapes(24)
    batch = splits.train.__getitems__(range(200))
    assert splits.classes == DATA_SETS["shapes"].classes and batch["image"].shape == (200, 3, 24, 24)
    inside = batch["mask"] == 1
    colours = [batch["image"].movedim(1, -1)[where].mean(0) for where in (inside, ~inside)]
    torch.testing.assert_close(*colours, atol=0.05, rtol=0), "neither colour says what it is"
    assert torch.equal(shapes(24).test[5]["image"], splits.test[5]["image"])


@pytest.mark.parametrize("name", ["drawn-600", "drawn--1", "drawn-x", "person-3", "person-0", "person-11", "person-"])
def test_samples_that_there_are_not_are_told(name):
    with pytest.raises(UserError, match=f"No sample has this name.*drawn-599.*person-10.*Received: {name}"):
        sample(name)


def test_a_drawn_sample_is_of_a_held_out_style():
    assert np.array_equal(sample("drawn-4").pixels, module.renderer()("big-ears", 1)[..., :3])
