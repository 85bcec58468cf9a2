"""A run knows what it is trained on: weights say so, other data are not taken for the same, and no path is kept."""

import json
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import torch

from fixtures.line import Line
from potmeter.core.loading import load_model
from potmeter.data.fingerprint import NUM_PARTS, digest, digest_files, fingerprint
from potmeter.data.folder import image_folder
from potmeter.data.splits import Splits, TensorData
from potmeter.errors import UserError
from potmeter.probes.latents.attribute_classifier import load_attribute_classifier
from potmeter.systems.generative.autoencoder.system import Autoencoder
from potmeter.systems.generative.vae.system import VAE

from .helpers import stop_after, trainer

TINY = Line.presets["tiny"]


def pictures(folder, count=24, seed=0):
    """A folder of grey pictures."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for i in range(count):
        PIL.Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(folder / f"{i:02}.png")
    return folder


@pytest.mark.parametrize("owner", [VAE, Autoencoder])
def test_weights_of_own_pictures_say_so_and_want_them_again(owner, tmp_path):
    source = pictures(tmp_path / "private" / "holiday")
    config = owner.presets["tiny"]
    ready = trainer(owner, config, tmp_path / "run", owner.data(config, str(source)), steps=2)
    system = owner.from_pretrained(ready.fit())
    assert system.config.dataset == "own data" and system.card["training"]["data"] == "own data"
    with pytest.raises(UserError, match="Data of your own are needed: name them with --data. Received: own data"):
        owner.data(system.config)
    assert len(owner.data(system.config, str(source)).test) > 0
    for file in (tmp_path / "run").rglob("*"):
        assert file.is_dir() or b"holiday" not in file.read_bytes(), file
    with pytest.raises(UserError, match="Name one with --classifier"):
        load_attribute_classifier(load_model(str(tmp_path / "run")))
    with pytest.raises(UserError, match=r"was trained with dataset='own data'\. Received: dataset='digits'"):
        trainer(owner, config, tmp_path / "run", owner.data(config, "digits"), steps=2, resume=True).fit()


def test_a_named_set_that_is_not_the_presets_is_remembered_by_its_name(tmp_path):
    config = replace(VAE.presets["tiny"], dataset="mnist")
    ready = trainer(VAE, config, tmp_path / "run", VAE.data(config, "digits"), steps=1)
    assert VAE.from_pretrained(ready.fit()).config.dataset == "digits"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda folder: (folder / "02.png").unlink(),
            r"own data \(16 train, 4 valid\)\. Received: own data \(15 train, 4 valid\)",
        ),
        (
            lambda folder: (folder / "03.png").write_bytes((folder / "02.png").read_bytes()),
            r"own data \(16 train, 4 valid\), of which some have changed",
        ),
    ],
)
def test_a_run_does_not_go_on_with_other_pictures(tmp_path, change, says):
    config = Autoencoder.presets["tiny"]
    read = lambda folder: Autoencoder.data(config, str(folder))
    for seed, (part, count) in enumerate({"train": 16, "val": 4, "test": 4}.items()):
        pictures(tmp_path / "a" / part, count, seed)
    stop_after(1, trainer(Autoencoder, config, tmp_path / "run", read(tmp_path / "a"), steps=3))
    moved = (tmp_path / "a").rename(tmp_path / "b")
    ready = trainer(Autoencoder, config, tmp_path / "run", read(moved), steps=3, resume=True)
    ready.prepare_folder()  # the folder's name and place do not count
    change(moved / "train")
    with pytest.raises(UserError, match=f"was begun with other data: .*{says}"):
        trainer(Autoencoder, config, tmp_path / "run", read(moved), steps=3, resume=True).fit()


def test_every_system_refuses_other_data(tmp_path):
    stop_after(2, trainer(Line, TINY, tmp_path / "run", Line.data(TINY, points=100), steps=4))
    with pytest.raises(
        UserError,
        match=r"other data: generated \(100 train, 128 valid\)\. Received: generated \(101 train, 128 valid\)",
    ):
        trainer(Line, TINY, tmp_path / "run", Line.data(TINY, points=101), steps=4, resume=True).fit()
    trainer(Line, TINY, tmp_path / "run", Line.data(TINY, points=100), steps=4, resume=True).fit()


def test_a_run_that_was_begun_before_data_were_noted_goes_on(tmp_path):
    ready = stop_after(2, trainer(Line, TINY, tmp_path / "run", steps=4))
    file = tmp_path / "run" / "step-00000002" / "training.pt"
    state = torch.load(file, weights_only=True)
    assert state.pop("data") == ready.data
    torch.save(state, file)
    trainer(Line, TINY, tmp_path / "run", steps=4, resume=True).fit()


def test_a_fingerprint_tells_values_order_names_and_types():
    values = [
        [1, 2], [2, 1], [[1], 2], ["1", 2], ["12"], {"a": 1}, {"b": 1}, torch.tensor([1.0, 2.0]), torch.tensor([2.0, 1.0]),
        torch.tensor([[1.0, 2.0]]), torch.tensor([1.0, 2.0]).double(), np.array([], np.int32), None, True,
    ]  # fmt: skip
    digests = [digest(value) for value in values]
    assert len(set(digests)) == len(values) and digests == [digest(value) for value in values]


def test_large_arrays_and_many_files_are_sampled_to_their_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("potmeter.data.fingerprint.MAX_WHOLE", 6400)
    x = np.zeros(10_000, np.uint8)
    ends = [x.copy(), x.copy()]
    ends[0][0], ends[1][-1] = 1, 1
    assert len({digest(value) for value in (x, *ends)}) == 3
    folder = pictures(tmp_path / "many", NUM_PARTS + 6)
    files = sorted(folder.iterdir())
    before = digest_files(files)
    assert sum(file.stat().st_size for file in files) > 6400
    files[0].write_bytes(files[1].read_bytes())
    assert digest_files(files) != before


def test_data_of_a_third_party_are_known_by_some_of_their_samples():
    class Squares:
        def __init__(self, size, factor=1):
            self.size, self.factor = size, factor

        def __len__(self):
            return self.size

        def __getitem__(self, i):
            return {"x": torch.tensor(self.factor * i**2)}

    assert fingerprint(Squares(1000)) == fingerprint(Squares(1000))
    assert len({fingerprint(data) for data in (Squares(1000), Squares(999), Squares(1000, 2), Squares(3))}) == 4


def test_validation_data_count_and_test_data_do_not(tmp_path):
    data = lambda seed: TensorData(x=torch.rand(5, generator=torch.Generator().manual_seed(seed)))
    base = Splits(data(0), data(1), data(2)).fingerprint()
    assert Splits(data(0), data(1), data(3)).fingerprint() == base
    assert Splits(data(0), data(3), data(2)).fingerprint() != base != Splits(data(3), data(1), data(2)).fingerprint()


def test_labels_of_pictures_count(tmp_path):
    for name in ("cat", "dog"):
        pictures(tmp_path / name, 10, seed=len(name))
    before = image_folder(tmp_path, 8).train.fingerprint()
    (tmp_path / "dog").rename(tmp_path / "dingo")
    assert image_folder(tmp_path, 8).train.fingerprint() != before


def test_no_path_stands_in_a_card(tmp_path):
    ready = trainer(Line, TINY, tmp_path / "run", steps=1)
    card = json.loads((ready.fit() / "card.json").read_text(encoding="utf-8"))
    assert card["training"]["data"] == "generated" and card["training"]["samples"] == {"train": 512, "valid": 128}
    assert str(tmp_path) not in json.dumps(card)
