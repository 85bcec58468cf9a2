"""The attack on detectors: small changes, saved as they are judged, after which things are gone or others."""

import pytest
import torch
from torch import nn

from potmeter.core.capabilities import Classifier, Detector, Segmenter
from potmeter.data.samples import sample
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.nn.detection.instances import Instances
from potmeter.probes.attack import Attack


class Quarters(nn.Module):
    """Takes each quarter of the picture for a thing: light or dark, where it is so enough."""

    name, input_shape, classes = "quarters", (3, 32, 32), ("light", "dark")

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(30.0))

    def region_logits(self, x):
        grey = nn.functional.adaptive_avg_pool2d(x.mean(1), 2).flatten(1)  # (B, 4)
        return self.scale * torch.stack([torch.full_like(grey, 0.06), grey - 0.5, 0.5 - grey], 2)

    def detect(self, images):
        found = []
        for logits in self.region_logits(images):
            score, label = logits.softmax(1).max(1)
            chosen = torch.where(label > 0)[0]
            chosen = chosen[score[chosen].argsort(descending=True)]
            top, left = 16 * (chosen // 2), 16 * (chosen % 2)
            masks = torch.zeros(len(chosen), *images.shape[2:])
            for mask, y, x in zip(masks, top, left, strict=True):
                mask[y : y + 16, x : x + 16] = 1
            boxes = torch.stack([left, top, left + 16, top + 16], 1).float()
            found.append(Instances(boxes, label[chosen], score[chosen], masks))
        return found

    def input_loss(self, x, target):
        logits = self.region_logits(x)
        wanted = target[:, None].expand(-1, 4)
        return nn.functional.cross_entropy(logits.transpose(1, 2), wanted, reduction="none").mean(1)


MODEL = Quarters().requires_grad_(False)
PICTURE = sample("cat")


def test_a_detector_is_no_classifier_and_no_segmenter():
    assert isinstance(MODEL, Detector) and not isinstance(MODEL, (Classifier, Segmenter))


def test_things_vanish_after_a_small_change():
    result = Attack(MODEL).run(PICTURE, eps=0.3)
    before, after = (sum(row[1:3]) for row in result.table.rows)
    assert before > after and result.table.rows[1][3] <= 76 and result.slide.size[0] > 1000
    again = Image.decode(result.adversarial.encode(".png")).tensor()[None]
    (found,) = MODEL.detect(again)
    assert int((found.scores >= 0.5).sum()) == after, "what is judged is what is saved"


@pytest.mark.parametrize("method", ["pgd", "fgsm"])
def test_with_a_target_things_are_taken_for_it(method):
    result = Attack(MODEL).run(PICTURE, target="light", eps=0.4, method=method)
    assert result.table.columns[1:3] == ("light", "dark")
    assert result.table.rows[1][1] == 4 and result.table.rows[1][2] == 0


def test_what_is_not_for_detectors_is_told():
    probe = Attack(MODEL)
    with pytest.raises(UserError, match="the attacks are fgsm and pgd. Received: square"):
        probe.run(PICTURE, method="square")
    with pytest.raises(UserError, match="no class of that name.*Received: hat"):
        probe.run(PICTURE, target="hat")
    grey = Image.from_tensor(torch.full((3, 32, 32), 128 / 255))
    with pytest.raises(UserError, match="Nothing is found in the picture that could vanish"):
        probe.run(grey)
    with pytest.raises(UserError, match="of any other model one image"):
        probe.transfer([PICTURE, PICTURE])
