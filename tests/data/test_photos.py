"""Labelled photos, named samples, CIFAR-10: everything but the packages themselves is tested offline."""

import hashlib
import pickle
import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from potmeter.data.formats.rcc import read_rcc
from potmeter.data.samples import FIRST_OF_EACH, one_of_each_digit, sample
from potmeter.data.sets import imagenet, photos4
from potmeter.data.sets.cifar10 import cifar10
from potmeter.data.sets.mnist import mnist
from potmeter.data.sets.photos4_cutouts import compose
from potmeter.data.sets.photos4_names import STAMPS, WILD, parse_groups
from potmeter.data.sets.wheel_photos import PHOTOS
from potmeter.errors import UserError


def rcc(path, files, magic=b"qres", child=1):
    """A container of format 1 with these files in its root; even-numbered ones compressed."""
    names, block, nodes = b"", b"", [struct.pack(">IHII", 0, 2, len(files), child)]
    for i, (name, content) in enumerate(files.items()):
        stored = struct.pack(">I", len(content)) + zlib.compress(content) if i % 2 == 0 else content
        nodes.append(struct.pack(">IHHHI", len(names), 1 - i % 2, 0, 0, len(block)))
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
        block += struct.pack(">I", len(stored)) + stored
    tree = b"".join(nodes)
    path.write_bytes(
        struct.pack(">4s4I", magic, 1, 20, 20 + len(tree), 20 + len(tree) + len(block)) + tree + block + names
    )
    return path


def test_qt_containers_are_read(tmp_path):
    files = {"heron.webp": b"x" * 1000, "owl.webp": b"yz"}
    assert read_rcc(rcc(tmp_path / "a.rcc", files)) == files


def test_broken_and_hostile_qt_containers_are_refused(tmp_path, monkeypatch):
    files = {"a": bytes(5000)}
    with pytest.raises(UserError, match="not a Qt resource"):
        read_rcc(rcc(tmp_path / "a.rcc", files, magic=b"rseq"))
    with pytest.raises(UserError, match="loop"):
        read_rcc(rcc(tmp_path / "a.rcc", files, child=0))
    path = rcc(tmp_path / "a.rcc", files)
    path.write_bytes(path.read_bytes()[:25])
    with pytest.raises(UserError, match="broken"):
        read_rcc(path)
    monkeypatch.setattr("potmeter.data.formats.rcc.MAX_BYTES", 1000)
    with pytest.raises(UserError, match="more than is allowed"):
        read_rcc(rcc(tmp_path / "a.rcc", files))


def test_no_photo_is_listed_twice_and_drawings_are_not():
    for listed in (STAMPS.values(), WILD.items()):
        names = [(key, name) for key, text in listed for name, _ in parse_groups(text)]
        assert len(names) == len(set(names))
    assert not {"hedgehog", "echidna", "dogs/dog"} & {name for name, _ in parse_groups(STAMPS["mammal"][1])}


def test_cut_outs_fill_the_picture_whatever_their_size(tmp_path):
    for side in (20, 500):
        pixels = np.zeros((side, side, 4), np.uint8)
        pixels[side // 4 : side // 2, side // 4 : side // 2] = (200, 0, 0, 255)
        pixels[..., 1] = 255 * (pixels[..., 3] == 0)  # green where nothing is to be seen
        PIL.Image.fromarray(pixels).save(tmp_path / "a.png")
        picture = compose(tmp_path / "a.png", 100, "white")
        red = (picture == (200, 0, 0)).all(-1)
        assert 0.65 < red.mean() < 0.75 and (picture[0, 0] == 255).all()
        assert (picture[..., 1] <= picture[..., 0]).all(), "invisible colour bled into the edge"
    for background in ("plain", "scene"):
        first, again = (compose(tmp_path / "a.png", 100, background) for _ in range(2))
        assert np.array_equal(first, again) and not (first[0] == 255).all()


def test_an_unknown_background_is_told():
    with pytest.raises(UserError, match="white, plain, scene.*Received: pink"):
        photos4.photos4(background="pink")


def test_imagenet_classes_are_in_order():
    names = imagenet.imagenet_classes()
    assert len(names) == 1000 and (names[0], names[368], names[859]) == ("tench", "gibbon", "toaster")


@pytest.mark.parametrize("name", [*PHOTOS, "digit-0", "digit-9"])
def test_samples_need_no_network(name, cache, monkeypatch):
    monkeypatch.setenv("POTMETER_OFFLINE", "1")
    assert min(sample(name).size) >= 28


@pytest.mark.network
def test_one_of_each_digit_is_one_of_each():
    labels = mnist().test.tensors["label"].tolist()
    assert [labels.index(digit) for digit in range(10)] == list(FIRST_OF_EACH)
    assert np.array_equal(one_of_each_digit("mnist")[8].pixels, sample("mnist-61").pixels)


@pytest.mark.parametrize("name", ["", "dog", "digit-10", "digit-", "mnist-10000", "mnist--1", "fashion-²", "mnist-1.5"])
def test_unknown_samples_name_the_known_ones(name):
    with pytest.raises(UserError, match="astronaut.*Received: "):
        sample(name)


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """A tiny copy of the authors' layout, with the md5 sums that torchvision would expect of it."""
    from torchvision.datasets import CIFAR10

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()

    def write(name, content):
        (folder / name).write_bytes(pickle.dumps(content))
        return [name, hashlib.md5((folder / name).read_bytes()).hexdigest()]

    rng = np.random.default_rng(0)
    batches = {
        name: write(
            name,
            {"data": rng.integers(256, size=(1200, 3072), dtype=np.uint8), "labels": [i % 10 for i in range(1200)]},
        )
        for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    }
    meta = write("batches.meta", {"label_names": [f"class {i}" for i in range(10)]})
    monkeypatch.setattr(CIFAR10, "test_list", [batches.pop("test_batch")])
    monkeypatch.setattr(CIFAR10, "train_list", list(batches.values()))
    monkeypatch.setattr(CIFAR10, "meta", {"filename": meta[0], "key": "label_names", "md5": meta[1]})
    return folder


def test_cifar10_is_read_from_the_authors_layout(cifar):
    for source in (cifar, cifar.parent):
        splits = cifar10(source)
        assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [1000, 5000, 1200]
    raw = pickle.loads((cifar / "test_batch").read_bytes())
    assert splits.test.tensors["image"][12].flatten().tolist() == raw["data"][12].tolist()
    assert splits.classes[3] == "class 3" and splits.test.tensors["label"][13] == 3


def test_a_changed_cifar10_file_is_refused_unread(cifar, tmp_path, monkeypatch):
    class Evil:
        def __reduce__(self):
            return open, (str(tmp_path / "pwned"), "w")

    (cifar / "data_batch_3").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(UserError, match=r"is incomplete or was changed.*--data"):
        cifar10(cifar)
    assert not (tmp_path / "pwned").exists()


def test_missing_cifar10_says_where_it_is_expected(cache, tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"not at .*cifar-10-batches-py.*--data"):
        cifar10(tmp_path / "nowhere")
    monkeypatch.setenv("POTMETER_OFFLINE", "1")
    with pytest.raises(UserError, match=r"not at .*cache.*--data"):
        cifar10()


@pytest.mark.network
def test_four_categories_of_photos():
    data = photos4.photos4(32)
    assert data.tensors["label"].bincount().tolist() == [33, 60, 23, 26]
    for group in data.tensors["group"].unique():
        assert len(data.tensors["label"][data.tensors["group"] == group].unique()) == 1
    assert photos4.wild_animals(32).tensors["label"].bincount().tolist() == [11, 37]


@pytest.mark.network
def test_mobilenet_knows_18_of_the_20_imagenet_photos():
    import torch
    from torchvision.models import mobilenet_v2

    from potmeter.data.imagenet_weights import imagenet_checkpoint
    from potmeter.nn.backbones import MobileNetV2

    model = mobilenet_v2().eval()
    model.load_state_dict(torch.load(imagenet_checkpoint(MobileNetV2), weights_only=True))
    batch = imagenet.foolbox_photos(224).__getitems__(range(20))
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 3, 1, 1)
    with torch.inference_mode():
        assert (model((batch["image"] - mean) / std).argmax(1) == batch["label"]).sum() == 18
    assert sample("panda").size == (1024, 681) and sample("imagenet-0").size == (512, 512)
