"""A file of the PyTorch port gives the very pictures that its tensors stand for, computed here by the original's definition."""

import pytest
import torch
import torch.nn.functional as F

from potmeter.errors import UserError
from potmeter.systems.generative.stylegan import StyleGAN

SIDES, FILTERS, LATENT, DEPTH = (4, 8, 16, 32, 64, 128), (8, 8, 6, 6, 4, 4), 8, 3


def tensors():
    """A small generator's file, filled at random."""
    rng = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.randn(*shape, generator=rng)
    stored = {}
    for i in range(DEPTH):
        stored |= {f"g_mapping.dense{i}.weight": 100 * draw(LATENT, LATENT), f"g_mapping.dense{i}.bias": draw(LATENT)}
    before = None
    for side, filters in zip(SIDES, FILTERS, strict=True):
        at = f"g_synthesis.blocks.{side}x{side}."
        if before is None:
            stored |= {at + "const": draw(1, filters, 4, 4), at + "bias": draw(filters)}
        else:
            stored |= {at + "conv0_up.weight": draw(filters, before, 3, 3), at + "conv0_up.bias": draw(filters)}
            stored[at + "conv0_up.intermediate.kernel"] = torch.tensor([[[[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]]]) / 16
        name = "conv" if before is None else "conv1"
        stored |= {at + name + ".weight": draw(filters, filters, 3, 3), at + name + ".bias": draw(filters)}
        for epilogue in ("epi1", "epi2"):
            stored |= {
                f"{at}{epilogue}.top_epi.noise.weight": draw(filters),
                f"{at}{epilogue}.style_mod.lin.weight": draw(2 * filters, LATENT),
                f"{at}{epilogue}.style_mod.lin.bias": draw(2 * filters),
            }
        before = filters
    return stored | {"g_synthesis.torgb.weight": draw(3, before, 1, 1), "g_synthesis.torgb.bias": draw(3)}


def original(stored, z, noises):
    """The picture, layer by layer as the TensorFlow program computes it."""
    w = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
    for i in range(DEPTH):
        weight = stored[f"g_mapping.dense{i}.weight"] * 0.01 * (2 / LATENT) ** 0.5
        w = F.leaky_relu(w @ weight.T + 0.01 * stored[f"g_mapping.dense{i}.bias"], 0.2)

    def convolved(x, name):
        weight = stored[name]
        return F.conv2d(x, weight * (2 / (weight.shape[1] * 9)) ** 0.5, padding=1)

    def epilogue(x, bias, name, noise):
        x = x + stored[bias].view(1, -1, 1, 1) + stored[name + ".top_epi.noise.weight"].view(1, -1, 1, 1) * noise
        x = F.leaky_relu(x, 0.2)
        x = (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-8).sqrt()
        style = w @ stored[name + ".style_mod.lin.weight"].T / LATENT**0.5 + stored[name + ".style_mod.lin.bias"]
        scale, shift = style.view(len(z), 2, -1, 1, 1).unbind(1)
        return x * (scale + 1) + shift

    for number, side in enumerate(SIDES):
        at = f"g_synthesis.blocks.{side}x{side}."
        if number == 0:
            x, bias, second = stored[at + "const"].expand(len(z), -1, -1, -1), at + "bias", at + "conv"
        else:
            name, bias, second = at + "conv0_up.weight", at + "conv0_up.bias", at + "conv1"
            if side >= 128:  # "fused": a transposed convolution of four kernels laid over each other
                weight = stored[name].transpose(0, 1) * (2 / (stored[name].shape[1] * 9)) ** 0.5
                laid = torch.zeros(*weight.shape[:2], 4, 4)
                for down in (0, 1):
                    for across in (0, 1):
                        laid[:, :, down : down + 3, across : across + 3] += weight
                x = F.conv_transpose2d(x, laid, stride=2, padding=1)
            else:
                x = convolved(x.repeat_interleave(2, 2).repeat_interleave(2, 3), name)
            x = F.conv2d(
                x, stored[at + "conv0_up.intermediate.kernel"].expand(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1]
            )
        x = epilogue(x, bias, at + "epi1", noises[2 * number])
        x = epilogue(convolved(x, second + ".weight"), second + ".bias", at + "epi2", noises[2 * number + 1])
    weight = stored["g_synthesis.torgb.weight"]
    return F.conv2d(x, weight / weight.shape[1] ** 0.5, stored["g_synthesis.torgb.bias"])


@pytest.fixture
def stored():
    return tensors()


def save(stored, folder):
    path = folder / "karras2019stylegan-small.for_g_all.pt"
    torch.save(stored, path)
    return path


def test_a_file_of_the_port_gives_the_originals_pictures(stored, tmp_path):
    system = StyleGAN.from_pretrained(save(stored, tmp_path))
    assert (
        system.config.level_filters == FILTERS
        and system.config.mapping_layers == DEPTH
        and system.growth_stage == (5, 1.0)
    )
    z = torch.randn(2, LATENT)
    noises = [getattr(system.generator.synthesis, f"noise{layer}") for layer in range(12)]
    with torch.no_grad():
        torch.testing.assert_close(system.generator(z), original(stored, z, noises), rtol=1e-3, atol=1e-3)
    assert system.decode(z).shape == (2, 3, 128, 128)


def test_the_mean_style_is_the_files_or_that_of_many(stored, tmp_path):
    system = StyleGAN.from_pretrained(save(stored, tmp_path))
    with torch.no_grad():
        expected = system.generator.mapping(torch.randn(20_000, LATENT)).mean(0)
    torch.testing.assert_close(system.generator.w_avg, expected, atol=0.05 * float(expected.abs().max()), rtol=0.05)
    system = StyleGAN.from_pretrained(
        save(stored | {"truncation.avg_latent": torch.arange(8.0).expand(12, 8)}, tmp_path)
    )
    assert torch.equal(system.generator.w_avg, torch.arange(8.0))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"g_synthesis.blocks.8x8.conv1.weight": torch.zeros(8, 7, 3, 3)}, "conv1.weight should be"),
        ({"g_synthesis.blocks.8x8.what": torch.zeros(1)}, "what is unknown"),
        ({"g_synthesis.blocks.8x8.conv0_up.weight": None}, "conv0.weight is missing"),
        ({"g_synthesis.torgb.weight": None}, "no generator of StyleGAN"),
        ({"g_mapping.dense0.weight": None}, "has no mapping network"),
    ],
)
def test_a_file_that_does_not_fit_is_told(stored, tmp_path, change, words):
    stored = {key: value for key, value in (stored | change).items() if value is not None}
    with pytest.raises(UserError, match=f"{words}.*Received"):
        StyleGAN.from_pretrained(save(stored, tmp_path))


def test_a_file_of_something_else_is_told(tmp_path):
    (tmp_path / "text.pt").write_text("It was a truth")
    with pytest.raises(UserError, match="no file of tensors"):
        StyleGAN.from_pretrained(tmp_path / "text.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(UserError, match="no generator of StyleGAN.*Received: no tensors"):
        StyleGAN.from_pretrained(tmp_path / "list.pt")
