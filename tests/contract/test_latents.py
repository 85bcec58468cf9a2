"""The probe ``latents`` works on every generator of the catalogue by its capabilities alone."""

import torch

from potmeter.core.load import load
from potmeter.core.random import Stream
from potmeter.core.system import in_batches
from potmeter.media import Image
from potmeter.probes.latents import Latents
from potmeter.probes.latents.judges import seen, words

from .conftest import for_systems


@for_systems("Generator")
def test_it_walks_and_draws_on_every_generator(trained):
    probe = Latents(trained.system)
    assert len(probe.walk(stops=2, frames=4).film.frames) == 10
    assert probe.jdiagram(side=3).size[0] > 0 and probe.grid(rows=2, columns=2, between=0).size[0] > 0


@for_systems("Generator", "Encoder")
def test_it_takes_pictures_for_every_generator_that_encodes(trained):
    probe = Latents(trained.system)
    a, b, c = (Image.from_tensor(x) for x in next(in_batches(trained.splits.test, 3))["image"])
    assert all(
        picture.size[0] > 0 for picture in (probe.reconstruct([a, b]), probe.analogy(a, b, c), probe.apply(a, b, c))
    )


@for_systems("Generator")
def test_a_vector_makes_its_attribute_likelier_in_every_generator(trained):
    probe, judge = Latents(trained.system), load("classifier.digits")
    names = list(words(judge.classes))
    codes = trained.system.sample(200, Stream(5))

    @torch.no_grad()
    def shares(codes):
        return seen(judge, probe.space().decode(codes)).float().mean(0)

    before = shares(codes)
    place = int((before - 0.2).abs().argmin())  # one that it draws now and then: of others it knows too little
    vector = probe.library().made(names[place])
    after = shares(codes + 1.5 * vector.tensor(codes))
    assert after[place] > before[place] + 0.2, f"{names[place]}: {before[place]:.2f} to {after[place]:.2f}"
