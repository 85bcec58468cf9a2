"""The probe ``latents`` works on every generator of the catalogue by its capabilities alone."""

import torch

from potmeter.core.loading import load
from potmeter.core.random import RandomStream
from potmeter.data.batches import in_batches
from potmeter.media import Image
from potmeter.media.image_grid import resize_to_side
from potmeter.probes.latents import Latents, analogy
from potmeter.probes.latents import probe as pages
from potmeter.probes.latents.attribute_classifier import attribute_words, predict_attributes
from potmeter.probes.latents.strips import SIDE

from .conftest import for_systems


@for_systems("Generator")
def test_it_walks_and_draws_on_every_generator(trained):
    probe = Latents(trained.system)
    for space in trained.system.latent_spaces:
        assert len(probe.walk(stops=2, frames=4, space=space).film.frames) == 10
        assert probe.jdiagram(side=3, space=space).size[0] > 0
        assert probe.grid(rows=2, columns=2, between=0, space=space).size[0] > 0


@for_systems("Generator", "Encoder")
def test_it_takes_pictures_for_every_generator_that_encodes(trained, monkeypatch):
    probe = Latents(trained.system)
    a, b, c = (Image.from_tensor(x) for x in next(in_batches(trained.splits.test, 3))["image"])
    monkeypatch.setattr(pages, "image_grid", lambda images, columns: images.unflatten(0, (-1, columns)))
    monkeypatch.setattr(pages, "labelled_page", lambda rows: rows)
    for name in trained.system.latent_spaces:
        space = probe.space(name)
        codes = space.encode(space.inputs([a, b, c]))
        above, below = probe.reconstruct([a, b, c], space=name)
        torch.testing.assert_close(above, space.inputs([a, b, c]))
        torch.testing.assert_close(below, space.decode(codes))
        strip = {
            caption: picture for picture, caption in probe.apply(a, b, c, low=0.0, high=2.0, steps=3, space=name)[1][1]
        }
        wanted = space.decode(torch.stack([codes[2], analogy(*codes), codes[2] + 2 * (codes[1] - codes[0])]))
        for caption, x in zip(("0", "+1", "+2"), wanted, strict=True):
            differ = strip[caption].pixels.astype(float) - resize_to_side(x, SIDE).pixels
            assert abs(differ).max() <= 1, f"{caption} in {name}"


@for_systems("Generator")
def test_a_vector_makes_its_attribute_likelier_in_every_generator(trained):
    probe, classifier = Latents(trained.system), load("classifier.digits")
    names = list(attribute_words(classifier.classes))
    codes = trained.system.sample(200, RandomStream(5))

    @torch.no_grad()
    def shares(codes):
        return predict_attributes(classifier, probe.space().decode(codes)).float().mean(0)

    before = shares(codes)
    place = int((before - 0.2).abs().argmin())  # one that it draws now and then: of others it knows too little
    vector = probe.library().make_vector(names[place])
    after = shares(codes + 1.5 * vector.tensor(codes))
    assert after[place] > before[place] + 0.2, f"{names[place]}: {before[place]:.2f} to {after[place]:.2f}"
