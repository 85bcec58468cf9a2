"""The attack on segmenters: small changes, saved as they are judged, after which masks are gone or others."""

import numpy as np
import pytest
import torch
from torch import nn

from potmeter.core.capabilities import Classifier, Segmenter
from potmeter.data.samples import sample
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.probes.attack import Attack


class Bright(nn.Module):
    """Takes what is brighter than its surroundings for a thing."""

    name, input_shape, classes = "bright", (3, 32, 32), ("ground", "thing")

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(20.0))

    def logits_of(self, x):
        grey = x.mean(1, keepdim=True)
        thing = self.scale * (grey - nn.functional.avg_pool2d(grey, 9, 1, 4, count_include_pad=False) - 0.05)
        return torch.cat([-thing, thing], 1)

    def masks(self, x):
        return self.logits_of(x).softmax(1)

    def input_loss(self, x, target):
        target = target[:, None, None].expand(-1, *x.shape[2:]) if target.ndim == 1 else target
        return nn.functional.cross_entropy(self.logits_of(x), target, reduction="none").mean((1, 2))


MODEL = Bright().requires_grad_(False)
PICTURE = sample("cat")


def test_a_segmenter_is_no_classifier():
    assert isinstance(MODEL, Segmenter) and not isinstance(MODEL, Classifier)


@pytest.mark.parametrize("method, eps, least", [("pgd", 0.1, 0.8), ("fgsm", 0.02, 0.2)])
def test_masks_shrink_after_a_change_of_few_levels(method, eps, least):
    result = Attack(MODEL).run(PICTURE, target="ground", eps=eps, method=method)
    before, after = (row[2] for row in result.table.rows)
    assert before > 0.05 and after < (1 - least) * before
    assert result.table.rows[1][4] <= 25 and result.slide.size[0] > 1000
    again = Image.decode(result.adversarial.encode(".png")).tensor()[None]
    found = float((MODEL.masks(again).argmax(1) == 1).float().mean())
    assert found == pytest.approx(after), "what is judged is what is saved"


def test_without_a_target_pixels_are_taken_for_anything_but_what_they_are():
    result = Attack(MODEL).run(PICTURE, eps=0.1)
    assert result.table.rows[0][3] == 0 and result.table.rows[1][3] > 0.3, "the share of pixels of another class"


def test_a_change_smaller_than_a_level_is_none():
    result = Attack(MODEL).run(PICTURE, eps=0.001)
    assert result.table.rows[1][3:] == (0, 0, 0)


def test_what_is_not_for_segmenters_is_told():
    probe = Attack(MODEL)
    with pytest.raises(UserError, match="the attacks are fgsm and pgd. Received: square"):
        probe.run(PICTURE, method="square")
    with pytest.raises(UserError, match="no class of that name.*Received: hat"):
        probe.run(PICTURE, target="hat")
    with pytest.raises(UserError, match="taken for ground already"):
        probe.run(Image(np.zeros((32, 32, 3), np.uint8)), target="ground")
    for task in (probe.transfer, probe.universal, probe.robustness):
        with pytest.raises(UserError, match="This task is for a classifier"):
            task([PICTURE, PICTURE])


def test_what_can_be_attacked_but_answers_nothing_is_told():
    class Deaf(Bright):
        masks = None

    with pytest.raises(
        UserError, match="works on a Classifier, a Segmenter, a Detector or a Captioner. Received: bright"
    ):
        Attack(Deaf())
