"""In tests the shapes that a model's annotations promise are checked at every call."""

import pytest
import torch
from jaxtyping import Float, TypeCheckError

from potmeter.systems.generative.vae.model import Config, VariationalAutoencoder


def test_a_picture_of_other_dimensions_is_refused_at_the_door():
    network = VariationalAutoencoder(Config(widths=(8,), latent_dim=2))
    network.encode(torch.zeros(3, 1, 28, 28))
    with pytest.raises(TypeCheckError, match="images"):
        network.encode(torch.zeros(3, 784))


def test_dimensions_of_one_name_have_one_size():
    network = VariationalAutoencoder(Config(widths=(8,), latent_dim=2))
    with pytest.raises(TypeCheckError, match="noise"):
        network.elbo(torch.zeros(3, 1, 28, 28), torch.zeros(2, 2))


def test_a_part_of_an_annotation_may_have_a_shape_and_what_has_none_is_left_alone():
    from fixtures.shapes import SHAPE

    assert SHAPE.search('tuple[Float[Tensor, "b c"], int]') and SHAPE.search(str(Float[torch.Tensor, "b c"]))
    assert SHAPE.search('Int[np.ndarray, " n"] | None') and not SHAPE.search("dict[str, Tensor]")
