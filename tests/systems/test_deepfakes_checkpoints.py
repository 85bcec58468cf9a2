"""faceswap's checkpoints: the faces that Keras gives."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from data.test_hdf5 import write_hdf5
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.systems.generative.deepfakes import DeepFakes


def keras_weights(filters=(4, 6), code=5, side=4, shared=3, decoder=(2,)):
    """Layers of the three files, as Keras has them: kernels (height, width, in, out), dense ones (in, out)."""
    rng, number = np.random.default_rng(0), {"conv2d": 0, "dense": 0}

    def layer(kind, *shape):
        number[kind] += 1
        arrays = {"kernel:0": 0.3 * rng.standard_normal(shape), "bias:0": 0.3 * rng.standard_normal(shape[-1])}
        return f"{kind}_{number[kind]}", arrays

    widths = (3, *filters)
    encoder = [layer("conv2d", 5, 5, a, b) for a, b in zip(widths, filters, strict=False)]
    flat = filters[-1] * side**2
    encoder += [layer("dense", flat, code), layer("dense", code, flat), layer("conv2d", 3, 3, filters[-1], 4 * shared)]
    files = {"encoder": encoder}
    for name in ("decoder_A", "decoder_B"):
        widths = (shared, *decoder)
        layers = [layer("conv2d", 3, 3, a, 4 * b) for a, b in zip(widths, decoder, strict=False)]
        files[name] = [*layers, layer("conv2d", 5, 5, decoder[-1], 3)]
    return {name: dict(layers) for name, layers in files.items()}


def keras_forward(files, decoder, bgr):
    """The model on pictures (B, H, W, 3), with channels last, as Keras computes it."""

    def conv(x, layer, stride=1):
        kernel = torch.tensor(layer["kernel:0"])
        size = kernel.shape[0]
        total = max((-(-x.shape[1] // stride) - 1) * stride + size - x.shape[1], 0)  # "same": the odd one at the end
        x = F.pad(x.permute(0, 3, 1, 2), (total // 2, total - total // 2) * 2)
        return F.conv2d(x, kernel.permute(3, 2, 0, 1), torch.tensor(layer["bias:0"]), stride).permute(0, 2, 3, 1)

    def upscale(x, layer):
        x = F.leaky_relu(conv(x, layer), 0.1)
        b, h, w, c = x.shape
        return x.reshape(b, h, w, 2, 2, c // 4).permute(0, 1, 3, 2, 4, 5).reshape(b, 2 * h, 2 * w, c // 4)

    encoder = list(files["encoder"].values())
    convs = [layer for layer in encoder if layer["kernel:0"].ndim == 4]
    x = bgr
    for layer in convs[:-1]:
        x = F.leaky_relu(conv(x, layer, 2), 0.1)
    shape = x.shape
    x = x.flatten(1)
    for layer in encoder:
        if layer["kernel:0"].ndim == 2:
            x = x @ torch.tensor(layer["kernel:0"]) + torch.tensor(layer["bias:0"])
    x = upscale(x.reshape(shape), convs[-1])
    *upscales, last = files[decoder].values()
    for layer in upscales:
        x = upscale(x, layer)
    return conv(x, last).sigmoid()


def test_faceswaps_files_give_the_faces_that_keras_gives(tmp_path):
    files = keras_weights()
    for name, layers in files.items():
        write_hdf5(tmp_path / f"{name}.h5", layers)
    loaded = DeepFakes.from_pretrained(tmp_path / "encoder.h5")
    assert loaded.config.image_size == 16 and loaded.identities == ("A", "B")
    assert (
        dict(loaded.detect(Image(np.zeros((64, 64, 3), np.uint8))).rows)["faces"]
        == "not looked at: these weights came without a detector"
    )
    x = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    for number, decoder in enumerate(("decoder_A", "decoder_B")):
        with torch.no_grad():
            ours = loaded(x, torch.full((3,), number))
        theirs = keras_forward(files, decoder, x.flip(1).permute(0, 2, 3, 1).double())
        torch.testing.assert_close(ours.double(), theirs.permute(0, 3, 1, 2).flip(1), rtol=0, atol=1e-5)


def test_one_of_faceswaps_files_alone_is_refused(tmp_path):
    write_hdf5(tmp_path / "encoder.h5", keras_weights()["encoder"])
    with pytest.raises(UserError, match=r"encoder.h5, decoder_A.h5, decoder_B.h5, in one folder.*decoder_A.h5"):
        DeepFakes.from_pretrained(tmp_path / "encoder.h5")
