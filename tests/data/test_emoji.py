"""Emoji in two styles: what is one group, and that nothing which is tested was trained on."""

import pytest
import torch

from potmeter.data.sets.emoji import ALIKE, BOUNDS, STYLES, drop_alike, emoji, group, read_code_points
from potmeter.errors import UserError


@pytest.mark.parametrize(
    "variants",
    [
        ("1f44b", "1f44b-1f3fb", "1f44b-1f3ff"),  # skin tones of a waving hand
        ("1f468-200d-1f373", "1f469-1f3fd-200d-1f373", "1f9d1-200d-1f373"),  # a cook
        ("1f3c3", "1f3c3-200d-2640-fe0f", "1f3c3-1f3fe-200d-2642-fe0f-200d-27a1-fe0f"),  # who runs, and whereto
        ("2764", "2764-fe0f"),
    ],
)
def test_variants_of_an_emoji_are_one_group(variants):
    assert len({group(read_code_points(name)) for name in variants}) == 1


def test_different_things_are_different_groups():
    names = ("1f44b", "1f44c", "1f1e6-1f1e8", "1f1e8-1f1e6", "1f9d1", "1f9d1-200d-1f373", "2640", "1f3fb")
    assert len({group(read_code_points(name)) for name in names}) == len(names)


def test_pairs_that_are_alike_and_pictures_that_were_trained_on_are_no_test():
    rng = torch.Generator().manual_seed(0)
    pixels = {style: torch.randint(0, 256, (6, 3, 8, 8), generator=rng).to(torch.uint8) for style in STYLES}
    pixels["3d"][1] = pixels["flat"][1]  # drawn alike
    pixels["flat"][2] = pixels["flat"][4]  # looks like a training picture
    assert drop_alike([0, 1, 2, 3], pixels, {"flat": [4], "3d": [5]}) == [0, 3]
    assert 0 < ALIKE < 0.1 and list(BOUNDS) == sorted(BOUNDS)


@pytest.mark.network
def test_no_emoji_is_in_two_parts_and_none_was_trained_on_in_both_styles():
    splits = emoji()
    sets = (splits.train.first, splits.train.second, splits.valid.first, splits.test.first)
    groups = [{group(read_code_points(name)) for name in data.names} for data in sets]
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert splits.test.first.names == splits.test.second.names and splits.test.paired and not splits.train.paired
    assert len(splits.test.first.names) == len(groups[-1])  # one of each group
    assert splits.train.__getitems__([0])["first"].shape == (1, 3, 64, 64)
    assert splits.train.styles == STYLES


def test_another_size_is_told():
    from potmeter.data.two_styles import load_two_styles

    with pytest.raises(UserError, match=r"64×64.*Received: 32, 3"):
        load_two_styles("emoji", None, 32)
