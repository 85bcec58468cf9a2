"""The attack as a user meets it: what is saved deceives, what cannot be is told, any network will do."""

import io

import numpy as np
import PIL.Image
import pytest
import timm
import torch
import torchvision
from torch import nn

from potmeter.core.capabilities import has_capabilities
from potmeter.core.loading import load
from potmeter.core.networks import ClassifierAdapter
from potmeter.data.samples import one_of_each_digit, sample
from potmeter.errors import UserError
from potmeter.media import Chart, Image, Table
from potmeter.probes.attack import Attack
from potmeter.probes.attack.probe import SIZES, read_back
from potmeter.probes.attack.quantisation import Method, add_in_8_bits, attack_in_8_bits

from .networks import curved, pictures_of

MODEL = curved()
PROBE = Attack(MODEL)
PICTURES = [Image.from_tensor(x) for x in pictures_of(MODEL, 6)[0]]
METHODS = ["fgsm", "pgd", "pgd_l2", "deepfool", "carlini_wagner", "square"]


def random_network(build, **options):
    """A network of a library with random weights, whose answers depend on the picture."""
    torch.manual_seed(0)
    return build(**options).eval()


NETWORKS = {
    "torchvision": lambda: random_network(torchvision.models.squeezenet1_1, weights=None, num_classes=7),
    "timm": lambda: random_network(timm.create_model, model_name="test_vit2", pretrained=False, num_classes=7),
}


def test_the_probe_knows_all_its_methods():
    assert set(METHODS) == set(Method.__args__)


@pytest.mark.parametrize("method", METHODS)
def test_the_saved_file_read_back_deceives_and_keeps_its_size(method, tmp_path):
    picture, room = PICTURES[0], 30 if method in ("fgsm", "pgd", "square") else 255
    result = PROBE.run(picture, method=method, eps=30.4 / 255, steps=40)
    again = Image.open(result.adversarial.save(tmp_path / "saved.png"))
    x, worse = (read_back(image, 1)[None] for image in (picture, again))
    with torch.no_grad():
        before, after = (int(MODEL.logits(images).argmax()) for images in (x, worse))
    assert after != before
    assert 0 < round(float(255 * (worse - x).abs().max())) <= room
    original, adversarial = result.table.json()
    assert original["answer"] == str(before) and adversarial["answer"] == str(after)
    assert adversarial["largest perturbation / 255"] == round(float(255 * (worse - x).abs().max()))


def test_a_target_is_reached_by_its_name():
    x = PROBE.inputs([PICTURES[0]])
    answer = int(MODEL.logits(x).argmax())
    target = str((answer + 1) % 5)
    result = PROBE.run(PICTURES[0], target=target, eps=0.4)
    assert result.table.rows[1][1] == target and "of " + target in result.table.columns


def test_the_slide_shows_three_pictures():
    result = PROBE.run(PICTURES[0], eps=0.2)
    assert result.slide.size == (1648, 580) and len(np.unique(result.slide.pixels)) > 50
    assert result.adversarial.size == (8, 8)


def test_the_seed_decides():
    one, same = (PROBE.run(PICTURES[1], eps=0.1, seed=3).adversarial.pixels for _ in range(2))
    assert (one == same).all()


@pytest.mark.parametrize("size", [(8, 8), (40, 11), (1, 1), (500, 300)])
def test_a_picture_of_another_size_is_brought_to_the_networks(size):
    picture = Image(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    assert PROBE.run(picture, eps=0.3).adversarial.size == (8, 8)


@pytest.mark.parametrize("eps", [0.0, 0.003])
def test_no_room_for_a_change_gives_the_picture_back(eps):
    result = PROBE.run(PICTURES[0], eps=eps)  # 0.003 is less than one step of 8 bits
    assert torch.equal(read_back(result.adversarial, 1), PROBE.inputs([PICTURES[0]])[0])
    assert [row[1] for row in result.table.rows][0] == result.table.rows[1][1]


def test_rounding_keeps_the_bound_exactly():
    x = torch.rand(4, 1, 8, 8).mul(255).round() / 255
    found = add_in_8_bits(x, torch.randn_like(x), 3 / 255)
    assert ((255 * found).round() - 255 * found).abs().max() < 1e-4
    assert round(float(255 * (found - x).abs().max())) == 3


def test_the_change_is_enlarged_only_as_far_as_it_takes():
    x, y = pictures_of(MODEL, 12)
    x = (255 * x).round() / 255
    with torch.no_grad():
        y = MODEL.logits(x).argmax(1)
    found = attack_in_8_bits(MODEL, x, y, 0.1, method="deepfool", targeted=False, steps=50)
    with torch.no_grad():
        assert (MODEL.logits(found).argmax(1) != y).all()
    assert (found - x).flatten(1).norm(dim=1).mean() < 1.5


# Any network ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", NETWORKS)
def test_it_works_on_networks_of_torchvision_and_timm(library):
    network = NETWORKS[library]()
    model = ClassifierAdapter(network, tuple("abcdefg"), (3, 64, 64))
    probe = Attack(model)
    result = probe.run(sample("cat"), eps=0.2, steps=10)
    before, after = (row[3] for row in result.table.rows)
    assert after < before, "the answer has become less likely"
    assert has_capabilities(model, Attack.needs) and all(p.grad is None for p in network.parameters())


@pytest.mark.parametrize("form", [lambda y: (y, "more"), lambda y: {"logits": y}], ids=["tuple", "dict"])
def test_it_works_on_networks_that_return_more_than_logits(form):
    class Wordy(nn.Module):
        def forward(self, x):
            return form(MODEL.network(x))

    probe = Attack(ClassifierAdapter(Wordy(), None, (1, 8, 8), mean=(0.0,), std=(1.0,)))
    assert (
        probe.run(PICTURES[0], eps=0.1).adversarial.pixels == PROBE.run(PICTURES[0], eps=0.1).adversarial.pixels
    ).all()


def test_it_works_on_a_function_in_a_users_file(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\n"
        "def network():\n"
        "    torch.manual_seed(0)\n"
        "    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(48, 5))\n"
    )
    probe = Attack(f"{tmp_path}/mine.py:network")
    assert isinstance(probe.run(sample("cat"), eps=0.3, steps=5).table, Table)


# Tasks ----------------------------------------------------------------------------------------------------------------


def test_transfer_tells_whose_pictures_deceive_whom(monkeypatch):
    other = curved(seed=9)
    monkeypatch.setattr("potmeter.probes.attack.probe.load_model", lambda name: other)
    table = PROBE.transfer(PICTURES, other="another", eps=0.3)
    made, *turns = zip(*table.rows, strict=True)
    assert len(made) == 3 and made[2] == "random noise"
    assert turns[0][0] == 1 and turns[0][2] < 1, "pictures made for a network deceive it"


def test_transfer_needs_the_same_classes(monkeypatch):
    monkeypatch.setattr("potmeter.probes.attack.probe.load_model", lambda name: curved(classes=3))
    with pytest.raises(UserError, match="must have the same classes. Received: another"):
        PROBE.transfer(PICTURES, other="another")


def test_the_universal_change_is_judged_on_pictures_it_was_not_made_from():
    result = PROBE.universal(PICTURES, eps=0.2)
    assert result.table.columns[1:] == ("success rate on the 3 it was made from", "success rate on the 3 others")
    with pytest.raises(UserError, match="At least two images are needed.*Received: 1"):
        PROBE.universal(PICTURES[:1])


def test_in_the_chart_ever_fewer_answers_are_kept_and_pgd_falls_below_noise():
    chart = PROBE.robustness(PICTURES)
    assert isinstance(chart, Chart) and chart.log_x
    noise, fgsm, pgd = chart.lines.values()
    assert [x for x, _ in noise] == [x for x, _ in fgsm] == [x for x, _ in pgd] == list(SIZES)
    assert pgd[0][1] > pgd[-1][1] <= noise[-1][1]


# What is told ---------------------------------------------------------------------------------------------------------


def test_an_unknown_target_gets_the_nearest_name():
    probe = Attack(
        ClassifierAdapter(MODEL.network, ("gibbon", "toaster", "crab", "cup", "cat"), (1, 8, 8), (0.0,), (1.0,))
    )
    with pytest.raises(UserError, match="no class of that name. Did you mean gibbon. Received: gibon"):
        probe.run(PICTURES[0], target="gibon")
    with pytest.raises(UserError, match="no class of that name. There are gibbon, toaster.*Received: zzzz"):
        probe.run(PICTURES[0], target="zzzz")


def test_a_target_that_is_the_answer_already_is_told():
    answer = str(int(MODEL.logits(PROBE.inputs([PICTURES[0]])).argmax()))
    with pytest.raises(UserError, match=f"takes the image for {answer} already.*Received: {answer}"):
        PROBE.run(PICTURES[0], target=answer)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eps": -0.1}, "eps must lie between 0 and 1"),
        ({"eps": 1.5}, "eps must lie between 0 and 1"),
        ({"steps": 0}, "steps must lie between"),
        ({"method": "magic"}, "method is one of fgsm, pgd"),
        ({"seed": -1}, "seed must lie between"),
    ],
)
def test_options_out_of_bounds_are_told(options, message):
    with pytest.raises(UserError, match=f"{message}.*Received: "):
        PROBE.run(PICTURES[0], **options)


def test_deepfool_takes_no_target():
    other = str((int(MODEL.logits(PROBE.inputs([PICTURES[0]])).argmax()) + 1) % 5)
    with pytest.raises(UserError, match="it takes no target. Received: deepfool"):
        PROBE.run(PICTURES[0], target=other, method="deepfool")


def test_a_network_without_a_gradient_is_told():
    class Frozen(nn.Module):
        def forward(self, x):
            return MODEL.network(x).detach()

    with pytest.raises(UserError, match="must be differentiable.*Received: "):
        Attack(ClassifierAdapter(Frozen(), None, (1, 8, 8), (0.0,), (1.0,))).run(PICTURES[0], eps=0.1)


@pytest.mark.network
@pytest.mark.slow
def test_the_panda_becomes_a_gibbon_by_one_step_of_8_bits():
    probe = Attack()
    result = probe.run(sample("panda"), target="gibbon")
    saved = Image.from_pil(PIL.Image.open(io.BytesIO(result.adversarial.encode(".png"))))
    answer, *_ = probe.model.run(saved, top=1).values.items()
    assert answer[0] == "gibbon" and answer[1] > 0.9
    original = sample("panda").tensor(224)
    assert round(float(255 * (saved.tensor() - original).abs().max())) == 1
    assert next(iter(probe.model.run(sample("panda"), top=1).values)) == "giant panda"


@pytest.mark.parametrize("method", METHODS)
def test_of_every_shipped_digit_s_attack_the_saved_file_gets_the_answer_that_is_reported(method, tmp_path):
    """Through the network's own way of reading pictures, which turns dark on light to its negative."""
    probe = Attack(load("classifier.digits"))
    answers = []
    for number, digit in enumerate(one_of_each_digit("mnist")[:4]):
        result = probe.run(digit, method=method, eps=0.15, steps=10)
        saved = Image.open(result.adversarial.save(tmp_path / f"{number}.png"))
        (answer, probability), *_ = probe.model.run(saved, top=1).values.items()
        original, adversarial = result.table.json()
        assert answer == adversarial["answer"] and probability == pytest.approx(adversarial["probability"], abs=1e-4)
        answers.append(answer != original["answer"])
    assert sum(answers) >= 2, "most are deceived, and what is not is said"


@pytest.mark.parametrize("tag", ["digits", "faces"])
def test_a_classifier_of_other_things_than_the_slides_is_shown_its_own_pictures(tag):
    probe = Attack(f"classifier.{tag}")
    own = [example.inputs["image"] for example in probe.model.examples() if example.task == "run"]
    *attacks, chart = probe.examples()
    assert len(attacks) == len(own)
    assert all(
        np.array_equal(one.inputs["image"].pixels, image.pixels) for one, image in zip(attacks, own, strict=True)
    )
    original, adversarial = probe.run(**attacks[0].inputs).table.json()
    assert adversarial["answer"] != original["answer"]
    assert len(probe.robustness(**chart.inputs).lines["FGSM"]) == len(SIZES)


def test_a_network_that_comes_without_pictures_has_no_examples():
    assert PROBE.examples() == []
