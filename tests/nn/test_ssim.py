"""SSIM: the values of scikit-image."""

import torch

from potmeter.nn.ssim import ssim


def test_ssim_is_one_for_equal_pictures_and_scikit_images_otherwise():
    from skimage.metrics import structural_similarity

    x, y = (torch.rand(1, 3, 40, 30, generator=torch.Generator().manual_seed(n)) for n in (0, 1))
    torch.testing.assert_close(ssim(x, x), torch.ones_like(x))
    _, full = structural_similarity(
        x[0].double().numpy(), y[0].double().numpy(), win_size=7, data_range=1, channel_axis=0, full=True,
        use_sample_covariance=False,
    )  # fmt: skip
    torch.testing.assert_close(ssim(x.double(), y.double())[0, :, 4:-4, 4:-4], torch.tensor(full)[:, 4:-4, 4:-4])
