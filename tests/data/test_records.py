"""The records of the data sets say what their readers return."""

import pytest
import torch

from potmeter import registry
from potmeter.data.fetching.packages import PACKAGES
from potmeter.data.pictures import load_pictures
from potmeter.data.sets.records import DATA_SETS, is_light_on_dark
from potmeter.errors import UserError
from potmeter.media.image_batch import to_light_on_dark

ALL = pytest.mark.parametrize("name", DATA_SETS)
PICTURES = ("digits", *(pytest.param(name, marks=pytest.mark.network) for name in ("mnist", "fashion", "orl", "faces")))


@ALL
def test_reader_packages_and_classifier_are_there(name):
    record = DATA_SETS[name]
    assert record.name == name and callable(record.load_reader())
    assert set(record.packages) <= PACKAGES.keys()
    assert record.classifier is None or (registry.WEIGHTS / record.classifier).is_dir()


@pytest.mark.parametrize("name", PICTURES)
def test_classes_sizes_and_ground_are_those_of_the_pictures(name):
    record = DATA_SETS[name]
    size, channels = (record.sizes or (64,))[0], record.channels[0]
    splits = load_pictures(name, size, channels)
    assert splits.dataset == name and splits.classes == record.classes
    images = splits.test.__getitems__(range(min(1000, len(splits.test))))["image"]
    assert images.shape[1:] == (channels, size, size)
    if record.light_on_dark:
        assert torch.equal(to_light_on_dark(images), images)  # no picture of its own is taken for one on a light ground
        torch.testing.assert_close(to_light_on_dark(1 - images), images)  # as the photo or the drawing it was


def test_a_users_own_pictures_are_not_turned():
    assert not is_light_on_dark("own data") and is_light_on_dark("fashion")


@pytest.mark.parametrize(
    ("name", "size", "channels", "told"),
    [
        ("mnist", 32, 1, r"mnist has grey pictures of 28×28: --image-size 28 --channels 1\. Received: 32, 1"),
        ("digits", 28, 3, "digits has grey pictures of 28×28"),
        ("cifar10", 28, 3, "cifar10 has coloured pictures of 32×32: --image-size 32 --channels 3"),
        ("faces", (64, 32), 3, "64×64 or 128×128"),
        ("photos4", 64, 1, "coloured pictures of any size: --channels 3"),
    ],
)
def test_what_a_set_has_not_is_told_before_it_is_fetched(name, size, channels, told):
    with pytest.raises(UserError, match=told):
        load_pictures(name, size, channels)
