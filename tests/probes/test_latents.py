"""Ways through a latent space keep what they promise, and a balanced vector changes what it is for and nothing else."""

import json
import math

import pytest
import torch

from fixtures.painter import SIDE as SIDE_OF_PAINTING
from fixtures.painter import Mute, Painter, PaintingClassifier, Searching, paintings
from potmeter.core.probe import Probe
from potmeter.core.random import RandomStream
from potmeter.data.sets.records import DATA_SETS, DataSet
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.media.image_batch import to_batch
from potmeter.probes.latents import (  # fmt: skip
    Latents,
    analogy,
    attribute_classifier,
    balanced_difference,
    jdiagram,
    mean_difference,
    mine_grid,
    svm_normal,
    vectors,
)
from potmeter.probes.latents import labelled_codes as labelling
from potmeter.probes.latents import probe as pages
from potmeter.probes.latents.attribute_classifier import attribute_words, predict_attributes
from potmeter.probes.latents.labelled_codes import encode_labelled, fingerprint, sample_labelled
from potmeter.probes.latents.planted_correlation import correlated_subset
from potmeter.probes.latents.space import Pixels, Space
from potmeter.probes.latents.strips import SIDE
from potmeter.systems.generative.gan import GAN

from .looks import looks_like

# Diagrams -----------------------------------------------------------------------------------------------------------


def test_a_grid_has_its_anchors_where_they_belong():
    anchors = torch.randn(6, 5)
    grid = mine_grid(anchors, 3, 4).view(4, 7, 5)
    assert torch.equal(grid[::3, ::3].reshape(6, 5), anchors)
    straight = mine_grid(anchors, 3, 4, "lerp").view(4, 7, 5)
    torch.testing.assert_close(straight[0, 1], anchors[0] + (anchors[1] - anchors[0]) / 3)
    opposite = mine_grid(torch.stack([anchors[0], -anchors[0], anchors[1], -anchors[1]]), 2, 5)
    assert opposite.isfinite().all() and opposite.norm(dim=1).min() > 0.5, "plat's chain grid crashes here"


def test_a_j_diagram_has_the_analogy_in_its_fourth_corner():
    a, b, c = torch.randn(3, 5)
    square = jdiagram(a, b, c, 4).view(4, 4, 5)
    assert torch.equal(square[0, 0], a) and torch.equal(square[0, -1], b) and torch.equal(square[-1, 0], c)
    torch.testing.assert_close(square[-1, -1], c + b - a)
    torch.testing.assert_close(analogy(a, b, a), b)


# Vectors ------------------------------------------------------------------------------------------------------------


def planted(n=6000, agreement=0.9, seed=0):
    """Codes with two attributes that agree in so many; each lies along an axis of its own."""
    z = torch.randn(n, 16, generator=torch.Generator().manual_seed(seed))
    has, other = z[:, 0] > 0, z[:, 1] > 0
    some = correlated_subset(has, other, agreement=agreement)
    return z[some], has[some], other[some]


def test_a_planted_correlation_has_the_share_that_was_asked_for():
    _, has, other = planted()
    assert float((has == other).float().mean()) == pytest.approx(0.9, abs=1e-3)
    assert float(has.float().mean()) == pytest.approx(0.5, abs=0.03)


def test_the_biased_vector_takes_the_other_attribute_along_and_the_balanced_one_does_not():
    z, has, other = planted()
    biased, balanced = mean_difference(z, has), balanced_difference(z, has, other)
    assert biased[1] > 0.7 * biased[0] and abs(balanced[1]) < 0.1 * balanced[0]
    assert balanced[0] == pytest.approx(2 * (2 / math.pi) ** 0.5, rel=0.05), "the distance of a half-normal's means"


def test_without_correlation_both_are_the_same():
    z = torch.randn(8000, 16)
    has, other = z[:, 0] > 0, z[:, 1] > 0
    torch.testing.assert_close(mean_difference(z, has), balanced_difference(z, has, other), atol=0.06, rtol=0)


def test_a_separating_plane_finds_the_axis():
    z, has, other = planted()
    for normal in (svm_normal(z, has), svm_normal(z, has, other)):
        assert normal[0] / normal.norm() > 0.98
    assert svm_normal(z, has)[0] == pytest.approx(float(mean_difference(z, has)[0]), rel=0.15)


def test_a_separating_plane_is_found_wherever_the_codes_lie_and_however_small_they_are():
    z, has, other = planted()
    for scale, centre in ((0.05, 9.9), (30.0, -100.0)):
        moved = scale * z + centre
        for kinds in ((has,), (has, other)):
            torch.testing.assert_close(svm_normal(moved, *kinds) / scale, svm_normal(z, *kinds), rtol=1e-2, atol=1e-2)


def test_a_step_between_groups_that_overlap_is_as_long_as_the_codes_spread():
    z, has, _ = planted()
    torch.testing.assert_close(
        vectors.attribute_direction(z, has), mean_difference(z, has), msg="far apart: nothing is added"
    )
    has = torch.randn(len(z), generator=torch.Generator().manual_seed(1)) + 0.1 * z[:, 0] > 0
    step, short = vectors.attribute_direction(z, has), mean_difference(z, has)
    assert short.norm() < 0.3 and float(step.norm()) == pytest.approx(1, abs=0.1)
    torch.testing.assert_close(step / step.norm(), short / short.norm())


def test_an_attribute_that_all_have_or_none_is_told():
    z, all_of_them = torch.randn(10, 3), torch.ones(10, dtype=torch.bool)
    for has in (all_of_them, ~all_of_them):
        with pytest.raises(UserError, match="have the attribute and pictures that have not. Received: (10|0) of 10"):
            mean_difference(z, has)
    half = torch.arange(10) < 5
    with pytest.raises(UserError, match="with both attributes, with either, and with neither"):
        balanced_difference(z, half, half)


# What they do to pictures -------------------------------------------------------------------------------------------


@pytest.fixture
def painted(monkeypatch):
    """The painter's own pictures stand in for a named data set, its classifier for a classifier's weights."""
    monkeypatch.setattr(labelling, "load_pictures", lambda source, size, channels, labels: paintings(6000))
    monkeypatch.setattr(attribute_classifier, "load_model", {"classifier.paintings": PaintingClassifier()}.get)
    record = DataSet(name="paintings", what="the painter's own", reader="none:none", classifier="classifier.paintings")
    monkeypatch.setitem(DATA_SETS, "paintings", record)
    model = Painter()
    model.config = type("Config", (), {"dataset": "paintings"})()
    return model


def test_the_words_of_classes_are_attributes():
    assert attribute_words(PaintingClassifier.classes)["smiling"] == [1, 3] and attribute_words(
        PaintingClassifier.classes
    )["masculine styling"] == [0, 1]
    assert attribute_words(("a, x", "b, x")) == {"a": [0], "b": [1]}, "what all classes share tells nothing"


def test_codes_of_pictures_have_their_labels(painted):
    known = encode_labelled(Space(painted, "z"), paintings(), "train", 500)
    assert known.codes.shape == (500, 16) and known.attribute_names[:2] == ("smiling", "feminine styling")
    assert ((known.codes[:, 0] > 0) == known.has("smiling")).float().mean() > 0.98
    assert torch.equal(known.has("serious"), ~known.has("smiling"))
    with pytest.raises(UserError, match="Did you mean smiling"):
        known.has("smilng")


def test_drawn_codes_are_labelled_by_what_a_classifier_sees():
    known = sample_labelled(Space(Mute(), "z"), PaintingClassifier(), 300)
    assert torch.equal(known.has("smiling"), known.codes[:, 0] > 0)
    assert torch.equal(known.codes, sample_labelled(Space(Mute(), "z"), PaintingClassifier(), 300).codes), (
        "the same every time"
    )


def test_a_classifier_sees_pictures_of_any_size_and_colour():
    grey = Painter().decode(torch.randn(5, 16))[:, :1]
    large = torch.nn.functional.interpolate(grey, scale_factor=3)
    assert torch.equal(predict_attributes(PaintingClassifier(), grey), predict_attributes(PaintingClassifier(), large))


def test_under_a_planted_correlation_only_the_balanced_vector_leaves_the_styling(painted):
    figures = Latents(painted).evaluate()
    assert figures["seen_smile"] > 0.95
    assert figures["balanced_smile_flip"] > 0.9 and figures["balanced_styling_change"] < 0.1
    assert figures["biased_smile_flip"] > 0.9 and figures["biased_styling_change"] > 0.3


def test_a_generator_without_a_quick_encoder_is_measured_by_drawing(painted):
    for kind in (Mute, Searching):
        model = kind()
        model.config = painted.config
        figures = Latents(model).evaluate()
        assert figures["balanced_smile_flip"] > 0.9 > 0.3 < figures["biased_styling_change"]


def test_the_measurement_sees_a_vector_that_does_nothing(painted, monkeypatch):
    monkeypatch.setattr(
        "potmeter.probes.latents.planted_correlation.attribute_direction", lambda z, has, other=None: torch.zeros(16)
    )
    figures = Latents(painted).evaluate()
    assert all(
        figures[f"{kind}_{what}"] == 0 for kind in ("biased", "balanced") for what in ("smile_flip", "styling_change")
    )


def test_the_two_vectors_of_a_planted_correlation_can_be_seen(painted):
    biased, balanced = Latents(painted).library().planted_pair("smiling", "feminine styling")
    assert biased.values[1] > 0.5 * biased.values[0] > 0 and abs(balanced.values[1]) < 0.2 * balanced.values[0]
    assert biased.attribute == "smiling biased by feminine styling" and balanced.balance == "feminine styling"


def test_pixels_are_a_baseline_in_the_same_figures(painted):
    probe_ = Latents(painted)
    assert probe_.baselines().keys() == {f"pixels_{name}" for name in probe_.evaluate()}
    x = torch.rand(2, 3, 4, 4)
    assert torch.equal(Pixels((3, 4, 4)).decode(Pixels((3, 4, 4)).encode(x)), x)


# The probe ----------------------------------------------------------------------------------------------------------


def picture(seed=0):
    return Image.from_tensor(Painter().decode(RandomStream(seed).normal(1, 16))[0])


def test_it_is_a_probe_on_any_generator(painted):
    assert issubclass(Latents, Probe) and Latents.needs == ("Generator",)
    with pytest.raises(UserError, match="latents works on a Generator; classifier is none"):
        Latents(PaintingClassifier())


def test_the_strip_goes_from_less_to_more(painted):
    instrument = Latents(painted)
    vector = instrument.library().get("smiling")
    code = instrument.space().codes([picture()], 1, 0)[0]
    moved = painted.decode(code + torch.tensor([-1.0, 0.0, 1.0, 2.0])[:, None] * vector.tensor(code))
    first = moved[:, 0, :4, :4].mean((1, 2))
    assert (first.diff() > 0).all() and abs(float(moved[1, 0, 0, 0] - picture().tensor()[0, 0, 0])) < 0.02
    page = instrument.run(picture(), attribute="smiling")
    assert page.size[0] > 8 * 100
    assert instrument.run(attribute="smiling", balance="feminine styling", method="svm", steps=3).size[0] > 300


def test_a_vector_is_a_file_that_can_be_used_again(painted, tmp_path):
    instrument = Latents(painted)
    made = instrument.vector("smiling", balance="feminine styling")
    made.vector.save(tmp_path / "smile" / "vector.json")
    facts = json.loads(made.vector.text)
    assert facts["attribute"] == "smiling" and facts["count"] == 3000 and facts["source"] == "paintings"
    again = instrument.library().get(str(tmp_path / "smile"))
    assert again == vectors.read_vector(tmp_path / "smile" / "vector.json") and again.balance == "feminine styling"
    with pytest.raises(UserError, match="is one of other weights"):
        Latents(Painter(scale=2.0)).run(attribute=str(tmp_path / "smile"))
    assert fingerprint(Painter()) == fingerprint(Painter()) != fingerprint(Painter(2.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": [1.0]}, "A vector of z has 16 numbers. Received: 1"),
        ({"values": [1.0] * 15}, "A vector of z has 16 numbers. Received: 15"),
        ({"space": "w"}, "of a space that there is not; there is z. Received: w"),
    ],
)
def test_a_vector_that_does_not_fit_its_space_is_told(painted, tmp_path, change, message):
    facts = {"attribute": "x", "values": [1.0] * 16, "weights": fingerprint(painted)}
    (tmp_path / "vector.json").write_text(json.dumps(facts | change))
    with pytest.raises(UserError, match=message):
        Latents(painted).run(attribute=str(tmp_path))


def test_a_folder_that_is_called_like_an_attribute_does_not_hide_it(painted, elsewhere):
    (elsewhere / "smiling").mkdir()
    instrument = Latents(painted)
    assert instrument.library().get("smiling").attribute == "smiling"
    (elsewhere / "smiling" / "vector.json").write_text(instrument.vector("serious").vector.text)
    assert instrument.library().get("smiling").attribute == "serious"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"attribute": "x"}', '{"attribute": "x", "values": [NaN]}', '{"attribute": "x", "values": []}', '{"attribute": "x", "values": ["a"]}', '{"attribute": 3, "values": [1]}', '{"attribute": null, "values": [1]}', '{"attribute": "x", "space": 1, "values": [1]}'])  # fmt: skip
def test_a_file_that_holds_no_vector_is_told(painted, tmp_path, text):
    (tmp_path / "vector.json").write_text(text)
    with pytest.raises(UserError, match="vector.json holds"):
        Latents(painted).run(attribute=str(tmp_path / "vector.json"))


def test_walks_grids_and_diagrams_have_their_pictures(painted):
    instrument = Latents(painted)
    walk = instrument.walk([picture(0), picture(1), picture(2)], frames=5)
    assert len(walk.film.frames) == 22
    assert instrument.walk(stops=2, frames=4, interpolation="lerp").row.size[0] > 0
    assert instrument.grid(rows=2, columns=3, between=1).size[0] > instrument.grid(rows=2, columns=2, between=1).size[0]
    assert instrument.jdiagram(side=3).size[0] == instrument.jdiagram(picture(0), side=3).size[0]
    table = instrument.attributes()
    assert dict(table.rows)["smiling"] == pytest.approx(0.5, abs=0.05)


def test_a_strip_reaches_from_the_lowest_to_the_highest_coefficient(painted, rows):
    instrument, where = Latents(painted), Space(painted, "z")
    code = where.codes([picture()], 1, 0)[0]
    step = instrument.library().get("smiling").tensor(code)
    ((title, [(given, _), *strip]),) = instrument.run(picture(), attribute="smiling", low=-3.0, high=5.0, steps=5)
    assert title == "smiling" and [caption for _, caption in strip] == ["-3", "-1", "+1", "+3", "+5"]
    assert looks_like(given, picture().tensor())
    for (image, _), coefficient in zip(strip, (-3, -1, 1, 3, 5), strict=True):
        assert looks_like(image, where.decode((code + coefficient * step)[None])[0])
    two = instrument.library().planted_pair("smiling", "feminine styling")
    for (_, strip), vector in zip(instrument.bias(picture(), low=0.5, high=4.0), two, strict=True):
        for (image, _), coefficient in ((strip[0], 0.5), (strip[-1], 4.0)):
            assert looks_like(image, where.decode((code + coefficient * vector.tensor(code))[None])[0])


def test_a_difference_applied_once_is_the_analogy(painted, rows):
    instrument, where = Latents(painted), Space(painted, "z")
    three = [picture(n) for n in range(3)]
    (_, sources), (_, [given, *strip]) = instrument.apply(*three, low=-1.0, high=2.0, steps=4)
    assert [looks_like(image, x.tensor()) for (image, _), x in zip([*sources, given], three, strict=True)] == [True] * 3
    fourth = where.decode(analogy(*where.encode(where.inputs(three)))[None])[0]
    assert looks_like({caption: image for image, caption in strip}["+1"], fourth)
    (*_, (_, (*_, (last, _)))) = instrument.analogy(*three)
    assert looks_like(last, fourth, 2 * SIDE)


def test_below_each_picture_is_what_its_code_decodes_to(painted, monkeypatch):
    monkeypatch.setattr(pages, "image_grid", lambda images, columns: images.unflatten(0, (-1, columns)))
    above, below = Latents(painted).reconstruct([picture(0), picture(1)])
    torch.testing.assert_close(above, torch.stack([picture(n).tensor() for n in (0, 1)]))
    torch.testing.assert_close(below, painted.decode(painted.encode(above)))


def test_an_analogy_takes_over_what_differs(painted):
    dark, light = torch.zeros(2, 16)
    light[3] = 2.0
    one, two = (Image.from_tensor(painted.decode(z[None])[0]) for z in (dark, light))
    three = Image.from_tensor(painted.decode(torch.full((1, 16), -1.0))[0])
    instrument = Latents(painted)
    codes = instrument.space().three_codes(one, two, three, 0)
    found = painted.decode(analogy(*codes)[None])[0, 0, :4, 12:].mean()
    assert float(found) == pytest.approx(float(torch.sigmoid(torch.tensor(1.0))), abs=0.02)


def test_pictures_for_a_generator_without_an_encoder_are_told():
    with pytest.raises(UserError, match="painter is no Encoder"):
        Latents(Mute()).reconstruct([picture()])
    with pytest.raises(UserError, match="painter is no Encoder.*leave --data out. Received: faces"):
        Latents(Mute()).run(attribute="smiling", data="faces")
    assert Latents(Mute()).jdiagram(side=2).size


class Counting(Searching):
    """A generator that counts the pictures whose codes are searched for."""

    searched = 0

    def encode(self, images, space=None, steps=100):
        self.searched += len(images)
        return Painter.encode(self, images)


def test_a_generator_that_searches_is_given_few_labelled_pictures_and_says_so(painted, capsys):
    model = Counting()
    vector = Latents(model).library().get("smiling", data="paintings")
    assert model.searched == vector.count == 200 and vector.values[0] == max(vector.values)
    assert "painter searches for the code of each picture, which takes minutes; 200 of 3,000" in capsys.readouterr().err


class Grey(Mute):
    """A generator of grey pictures that says nothing of how it takes them."""

    encode = Painter.encode

    def decode(self, z, space=None, condition=None):
        return super().decode(z)[:, :1]


class Board(Grey):
    """The same, of chalk on a board: it turns pictures with a light border into their negative, as those of digits do."""

    def inputs(self, images):
        return to_batch(images, 16, 1, light_on_dark=True)


def test_pictures_are_taken_as_the_generator_takes_them():
    light = Image.from_tensor(torch.full((1, 16, 16), 0.8))
    torch.testing.assert_close(Space(Grey(), "z").inputs([light]), light.tensor(None, 1)[None])
    torch.testing.assert_close(Space(Board(), "z").inputs([light]), 1 - light.tensor(None, 1)[None])
    system = GAN(GAN.presets["tiny"])
    assert system.inputs([light]).mean() < 0.3 and torch.equal(
        Space(system, "z").inputs([light]), system.inputs([light])
    )


class Wide(Painter):
    """A generator of pictures twice as wide as high."""

    def decode(self, z, space=None, condition=None):
        return super().decode(z).repeat(1, 1, 1, 2)

    def encode(self, images, space=None):
        return super().encode(images[..., :SIDE_OF_PAINTING])


def test_pictures_need_not_be_square(rows):
    wide = Image.from_tensor(Wide().decode(torch.randn(1, 16))[0])
    instrument = Latents(Wide())
    (_, sources), (_, strip) = instrument.apply(wide, wide, wide, steps=2)
    assert {image.size for image, _ in [*sources, *strip]} == {(112, 56)}
    assert instrument.reconstruct([wide]).size == (96, 2 * 48 + 6)


WRONG = {
    "nan": (lambda p: p.run(attribute="smiling", high=float("nan")), "high must be finite"),
    "too far": (lambda p: p.run(attribute="smiling", low=-11.0), "low must lie between"),
    "an unknown attribute": (lambda p: p.run(attribute="smilling"), "Did you mean smiling"),
    "balanced against itself": (lambda p: p.run(attribute="smiling", balance="smiling"), "not balanced against itself"),
    "a walk from one": (lambda p: p.walk([picture()]), "at least two"),
    "a grid with a hole": (lambda p: p.grid([picture()] * 5, rows=2, columns=3), "takes 6 pictures. Received: 5"),
    "no vector there": (lambda p: p.run(attribute="missing.json"), "cannot be read"),
}


@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_told(painted, call, message):
    with pytest.raises(UserError, match=message):
        call(Latents(painted))


def test_a_generator_that_does_not_say_what_it_was_trained_on_asks_for_data():
    with pytest.raises(UserError, match="Name some with --data"):
        Latents(Painter()).run(attribute="smiling")


# The shipped classifier --------------------------------------------------------------------------------------------------


def test_the_shipped_classifier_sees_smile_and_styling_of_drawn_test_faces():
    from potmeter.core.loading import load
    from potmeter.data.samples import sample
    from potmeter.data.sets.faces import ATTRIBUTES, COUNTS, face

    classifier, numbers = load("classifier.faces"), range(40)
    found = predict_attributes(classifier, torch.stack([sample(f"face-{n}").tensor() for n in numbers]))
    names = list(attribute_words(classifier.classes))
    for name in ("smiling", "feminine styling"):
        true = [face(COUNTS["train"] + COUNTS["valid"] + n)[1][ATTRIBUTES.index(name)] for n in numbers]
        assert sum(a == b for a, b in zip(found[:, names.index(name)].tolist(), true, strict=True)) >= 39


def test_the_shipped_vectors_are_those_of_the_shipped_weights_and_make_smiles():
    from potmeter.data.samples import sample
    from potmeter.probes.latents.demo import demo

    instrument = Latents()
    shipped = instrument.library().shipped
    assert {"smiling", "glasses", "bearded"} <= shipped.keys() and all(len(v.values) == 64 for v in shipped.values())
    numbers = (5, 13, 15, 18, 22, 33, 35, 38, 39, 40)  # serious ones
    with torch.no_grad():
        start = instrument.space().codes([sample(f"face-{n}") for n in numbers], 10, 0)
        moved = instrument.space().decode(start + 2 * shipped["smiling"].tensor(start))
    names = list(attribute_words(instrument.face_classifier.classes))
    assert predict_attributes(instrument.face_classifier, moved)[:, names.index("smiling")].sum() >= 9
    sliders = demo(instrument)
    still, moved = (sliders.show((0.0,) * (len(sliders.names) - 1) + (c,)) for c in (0.0, 2.0))
    assert sliders.names[-1] == "smiling" and (still.pixels != moved.pixels).any()
