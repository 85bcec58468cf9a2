"""DiffAugment: the paper's operations, differentiably, and nothing of it where nothing was asked for."""

from dataclasses import replace

import pytest
import torch

from potmeter.nn.augmentation import DIFF_NUMBERS, diff_augment
from potmeter.systems.generative.stackgan import StackGAN
from potmeter.systems.generative.unit import UNIT

STILL = torch.tensor([0.5, 0.5, 0.5, 0.5, 0.5, 0.0, 0.0])
"""Numbers by which colours and places stay as they are; the piece that is cut out is a quarter in the upper left corner."""


def numbers(**changes):
    """Numbers for one picture."""
    names = ("brightness", "saturation", "contrast", "down", "right", "cut_down", "cut_right")
    return torch.tensor([[changes.get(name, float(still)) for name, still in zip(names, STILL, strict=True)]])


def test_a_piece_of_half_the_side_is_cut_out_where_it_is_asked_for():
    x = torch.rand(1, 3, 16, 12) + 0.1
    corner = diff_augment(x, numbers())
    assert not corner[..., :4, :3].any()
    torch.testing.assert_close(corner[..., 4:, :], x[..., 4:, :])
    torch.testing.assert_close(corner[..., :4, 3:], x[..., :4, 3:])
    middle = diff_augment(x, numbers(cut_down=0.5, cut_right=0.5))
    assert not middle[..., 4:12, 3:9].any() and middle[..., :4, :].all() and middle[..., 9:].all()


def test_pictures_are_moved_by_an_eighth_at_most_and_what_comes_in_is_grey():
    x = torch.rand(1, 3, 16, 16) + 0.1
    moved = diff_augment(x, numbers(down=0.999, right=0.0, cut_down=0.999, cut_right=0.999))
    torch.testing.assert_close(moved[..., 2:11, :8], x[..., :9, 2:10])
    assert not moved[..., :2, :].any() and not moved[..., 14:].any()


def test_colours_change_by_the_papers_formulas():
    x = torch.rand(1, 3, 16, 16)
    free = (..., slice(4, None), slice(4, None))  # what is not cut out
    torch.testing.assert_close(diff_augment(x, numbers(brightness=0.9))[free], x[free] + 0.4)
    grey = x.mean(1, keepdim=True)
    torch.testing.assert_close(diff_augment(x, numbers(saturation=0.0))[free], grey.expand_as(x)[free])
    torch.testing.assert_close(diff_augment(x, numbers(contrast=0.0))[free], (x.mean() + (x - x.mean()) / 2)[free])


def test_each_picture_is_changed_by_its_own_numbers_and_gradients_go_back_through_it():
    x, given = torch.rand(4, 3, 16, 16, requires_grad=True), torch.rand(4, DIFF_NUMBERS)
    together = diff_augment(x, given)
    alone = [diff_augment(one[None], own[None]) for one, own in zip(x, given, strict=True)]
    torch.testing.assert_close(together, torch.cat(alone))
    together.square().sum().backward()
    assert x.grad.isfinite().all() and all(grad.any() for grad in x.grad)


@pytest.mark.parametrize("owner", [UNIT, StackGAN])
def test_discriminators_see_changed_pictures_only_where_it_is_asked_for(owner, monkeypatch):
    module = f"{owner.__module__}.diff_augment"
    seen = []
    monkeypatch.setattr(module, lambda images, given: seen.append(images.detach()) or 0 * images)
    for asked in (False, True):
        seen.clear()
        torch.manual_seed(0)
        given = {"vocabulary": ("bird",)} if owner is StackGAN else {}
        system = owner(replace(owner.presets["tiny"], diff_augment=asked, **given)).train()
        if owner is UNIT:
            first, second = torch.rand(2, 2, 3, 32, 32)
            _, translated = system.generator_losses((first, second))
            system.discriminators_loss((first, second), translated)
        else:
            real, fake, text = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16), torch.randn(2, 48)
            system.discriminator_loss(system.first_discriminator, real, fake, text)
            system.generator_losses(system.first_discriminator, real, fake, text)
        expected = {UNIT: 6, StackGAN: 3}[owner]
        assert len(seen) == (expected if asked else 0), "real and generated ones, of both networks' steps"
        assert all(float(x.min()) >= -1.1 and float(x.max()) <= 1.1 for x in seen)
