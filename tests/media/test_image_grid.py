"""Pictures on pages keep their shape."""

import torch

from potmeter.media.image_grid import resize_to_side


def test_a_pictures_longer_side_is_brought_to_size_and_its_shape_is_kept():
    for height, width, size in ((28, 28, (112, 112)), (20, 40, (112, 56)), (300, 100, (37, 112)), (1, 400, (112, 1))):
        assert resize_to_side(torch.rand(3, height, width), 112).size == size
    x = torch.rand(3, 4, 8)
    whole = torch.from_numpy(resize_to_side(x, 64).pixels)[4::8, 4::8].permute(2, 0, 1) / 255
    torch.testing.assert_close(whole, x, atol=1 / 255, rtol=0)
