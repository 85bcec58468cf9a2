"""The probe ``latents`` works in any space of a generator, and takes the classifier that knows what the generator draws."""

import json
from dataclasses import replace

import pytest
import torch

from fixtures.painter import Painter
from potmeter import registry
from potmeter.errors import UserError
from potmeter.nn.interpolation import interpolate_path
from potmeter.probes.latents import Latents, Vector, attribute_classifier
from potmeter.probes.latents import library as books
from potmeter.probes.latents import probe as pages
from potmeter.probes.latents.attribute_classifier import attribute_words, load_attribute_classifier
from potmeter.probes.latents.labelled_codes import fingerprint
from potmeter.probes.latents.space import Space
from potmeter.systems.generative.stylegan import StyleGAN

from .looks import looks_like


class Light(torch.nn.Module):
    """Sees whether a picture is lighter than its generator's usual one."""

    name, input_shape, classes = "light", (1, 28, 28), ("dark", "light")
    level = None

    def logits(self, images):
        brightness = images.mean((1, 2, 3))
        self.level = brightness.median() if self.level is None else self.level
        return torch.stack([self.level - brightness, brightness - self.level], 1)


@pytest.fixture(scope="module")
def stylegan():
    """A small one with the weights that it begins with; it knows its full size."""
    torch.manual_seed(0)
    system = StyleGAN(replace(StyleGAN.presets["tiny"], latent_dim=8, filters=(8, 8, 4))).eval().requires_grad_(False)
    system.images_seen.fill_(10**9)
    return system


# Spaces ---------------------------------------------------------------------------------------------------------------


def test_codes_are_drawn_decoded_and_encoded_in_the_space_that_is_asked_for(stylegan, monkeypatch):
    w = Space(stylegan, "w")
    codes = w.sample(3, 5)
    assert torch.equal(codes, stylegan.generator.mapping(Space(stylegan, "z").sample(3, 5))) and w.size == 8
    assert torch.equal(w.decode(codes), stylegan.decode(codes, "w")) and w.shape == (1, 28, 28)
    assert not torch.equal(w.decode(codes), Space(stylegan, "z").decode(codes))
    asked = []
    monkeypatch.setattr(StyleGAN, "encode", lambda self, images, space=None: asked.append(space))
    w.encode(torch.zeros(1, 1, 28, 28))
    assert asked == ["w"]


def test_the_usual_space_is_asked_for_without_its_name():
    assert Space(Painter(), "z").space_kwargs == {}, "for the sake of generators whose sample takes no name"


def test_ways_are_round_in_z_and_straight_in_w(stylegan, monkeypatch):
    assert Space(stylegan, "z").interpolation == "slerp" and Space(stylegan, "w").interpolation == "lerp"
    taken = []
    monkeypatch.setattr(
        pages, "interpolate_path", lambda codes, frames, way: taken.append(way) or interpolate_path(codes, frames, way)
    )
    instrument = Latents(stylegan)
    instrument.walk(stops=2, frames=2)
    instrument.walk(stops=2, frames=2, space="w")
    instrument.walk(stops=2, frames=2, space="w", interpolation="slerp")
    assert taken == ["slerp", "lerp", "slerp"]
    with pytest.raises(UserError, match="space is one of z, w. Received: v"):
        instrument.walk(space="v")


def test_walks_and_diagrams_in_w_go_through_codes_of_w(stylegan, monkeypatch):
    monkeypatch.setattr(pages, "image_grid", lambda images, **rest: images)
    w, instrument = Space(stylegan, "w"), Latents(stylegan)
    a, b, c = w.sample(3)
    row = instrument.walk(stops=3, frames=2, space="w").row
    torch.testing.assert_close(row[:3], w.decode(torch.stack([a, (a + b) / 2, b])))
    square = instrument.jdiagram(side=2, space="w")
    torch.testing.assert_close(square, w.decode(torch.stack([a, b, c, c + b - a])))


def test_a_vector_of_w_is_made_shown_and_kept_as_one_of_w(stylegan, monkeypatch, rows, tmp_path):
    monkeypatch.setattr(books, "NUM_SAMPLED", 400)
    monkeypatch.setattr(attribute_classifier, "load_model", lambda name: Light())
    instrument, w = Latents(stylegan), Space(stylegan, "w")
    for method in ("mean", "svm"):
        made = instrument.vector("light", method=method, space="w")
        vector = Vector(**json.loads(made.vector.text))
        assert (vector.space, len(vector.values), vector.method, vector.count) == ("w", 8, method, 400)
        code = w.sample(1)[0]
        step = vector.tensor(code)
        ((_, strip),) = made.strip
        assert looks_like(strip[0][0], w.decode((code - step)[None])[0])
        assert looks_like(strip[-1][0], w.decode((code + 2 * step)[None])[0])
        codes = w.sample(50, 7)
        assert w.decode(codes + step).mean() > w.decode(codes).mean(), "what it is for"
    made.vector.save(tmp_path / "vector.json")
    ((_, again),) = instrument.run(attribute=str(tmp_path), low=-1.0, high=2.0, steps=7)
    assert all((x.pixels == y.pixels).all() for (x, _), (y, _) in zip(strip, again, strict=True))
    with pytest.raises(UserError, match="not one of z. Received: w"):
        instrument.run(attribute=str(tmp_path), space="z")


def test_shipped_vectors_are_those_of_their_space(stylegan, monkeypatch, tmp_path):
    (tmp_path / "latents.some").mkdir()
    weights = fingerprint(stylegan)
    for space in ("z", "w"):
        vector = Vector(attribute=f"of {space}", values=(1.0,) * 8, space=space, weights=weights)
        (tmp_path / "latents.some" / f"{space}.json").write_text(vector.text())
    monkeypatch.setattr(registry, "WEIGHTS", tmp_path)
    instrument = Latents(stylegan)
    assert [list(instrument.library(space).shipped) for space in ("z", "w")] == [["of z"], ["of w"]]


# Classifiers ---------------------------------------------------------------------------------------------------------------


def test_the_attribute_classifier_is_that_of_what_the_generator_was_trained_on():
    for dataset, word in (("mnist", "3"), ("digits", "3"), ("fashion", "Sneaker"), ("faces", "smiling")):
        model = Painter()
        model.config = type("Config", (), {"dataset": dataset})()
        assert word.lower() in {known.lower() for known in attribute_words(load_attribute_classifier(model).classes)}
    with pytest.raises(UserError, match="Name one with --classifier. Received: none"):
        load_attribute_classifier(Painter())
    with pytest.raises(UserError, match="is no classifier. Received: vae.plane"):
        load_attribute_classifier(Painter(), "vae.plane")


def test_a_generator_of_other_things_than_faces_is_not_measured_by_smiles(stylegan):
    with pytest.raises(
        UserError, match="Measured are changes of faces, smiling and feminine styling; .* Received: 0, 1"
    ):
        Latents(stylegan).evaluate()
