"""The attack on captioners: small changes, saved as they are judged, after which the sentence is a chosen one or another."""

import pytest
import torch
from torch import nn

from potmeter.core.capabilities import Captioner, Classifier, Detector, Segmenter
from potmeter.data.samples import sample
from potmeter.errors import UserError, reject
from potmeter.media import Image
from potmeter.probes.attack import Attack


class Weather(nn.Module):
    """Says of a picture whether it is light above and dark below, or the other way round."""

    name, input_shape, languages = "weather", (3, 32, 32), ("en",)
    captions = ("a light sky", "a dark sky", "a light sky and a dark lake")

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(40.0))

    def scores(self, x):
        above, below = x[:, :, :16].mean((1, 2, 3)), x[:, :, 16:].mean((1, 2, 3))
        return self.scale * torch.stack([above - 0.5, 0.5 - above, above - below - 0.1], 1)

    def caption(self, images, language=None):
        return [self.captions[number] for number in self.scores(images).argmax(1)]

    def input_loss(self, x, target):
        numbers = torch.tensor([self.captions.index(each.lower()) for each in target])
        return nn.functional.cross_entropy(self.scores(x), numbers, reduction="none")

    def check_caption(self, caption):
        caption.lower() in self.captions or reject("Unknown words.", caption)


MODEL = Weather().requires_grad_(False)
PICTURE = sample("cat")


def test_a_captioner_is_a_captioner_alone():
    assert isinstance(MODEL, Captioner) and not isinstance(MODEL, (Classifier, Detector, Segmenter))


@pytest.mark.parametrize("method", ["pgd", "fgsm"])
def test_the_caption_becomes_the_chosen_one(method):
    target = "a light sky and a dark lake"
    result = Attack(MODEL).run(PICTURE, target=target, eps=0.3, method=method)
    before, after = result.table.rows
    assert before[1] != target and after[1] == target and before[2] < after[2] <= 1 and 0 < after[3] <= 76
    again = Image.decode(result.adversarial.encode(".png")).tensor()[None]
    assert MODEL.caption(again) == [target], "what is judged is what is saved"
    assert result.slide.size[0] > 1000


def test_without_a_target_it_is_any_other():
    result = Attack(MODEL).run(PICTURE, eps=0.3)
    before, after = result.table.rows
    assert before[1] != after[1] and before[2] > after[2]
    assert result.table.columns[2] == f"probability of a word of “{before[1]}”"


def test_what_is_not_for_captioners_is_told():
    probe = Attack(MODEL)
    with pytest.raises(UserError, match="the attacks are fgsm and pgd. Received: square"):
        probe.run(PICTURE, method="square")
    with pytest.raises(UserError, match="Unknown words"):
        probe.run(PICTURE, target="a hat")
    own = MODEL.caption(probe.inputs([PICTURE]))[0]
    with pytest.raises(UserError, match="caption already"):
        probe.run(PICTURE, target=own.upper())
    with pytest.raises(UserError, match="This task is for a classifier"):
        probe.robustness([PICTURE])


def test_its_examples_are_of_captions():
    chosen, other = Attack(MODEL).examples()
    assert chosen.inputs["target"] in MODEL.captions and "target" not in other.inputs
