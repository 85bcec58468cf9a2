"""TensorData hands out whole batches, pictures as float in [0, 1]."""

import pytest
import torch
from torch.utils.data import DataLoader

from potmeter.data.splits import Splits, TensorData
from potmeter.errors import UserError


@pytest.fixture
def data():
    image = torch.arange(10, dtype=torch.uint8).mul(25).view(10, 1, 1, 1).expand(10, 3, 2, 2).contiguous()
    return TensorData(classes=("a", "b"), names=[f"p{i}" for i in range(10)], image=image, label=torch.arange(10) % 2)


def test_a_batch_equals_its_items(data):
    batch = data.__getitems__([7, 0, 7])
    assert batch["image"].dtype == torch.float32 and batch["label"].tolist() == [1, 0, 1]
    for row, i in enumerate([7, 0, 7]):
        assert torch.equal(batch["image"][row], data[i]["image"])
    assert batch["image"][0].unique().item() == pytest.approx(175 / 255)


def test_a_batch_does_not_share_memory_with_the_data(data):
    data.__getitems__([0])["label"].fill_(9)
    assert data[0]["label"] == 0


def test_it_works_in_a_data_loader(data):
    batches = list(DataLoader(data, batch_size=4, collate_fn=lambda batch: batch))
    assert [len(batch["image"]) for batch in batches] == [4, 4, 2]


def test_head_and_select_keep_names_and_classes(data):
    assert data.head(3).names == ("p0", "p1", "p2") and len(data.head(99)) == 10
    part = data.select([9, 1])
    assert part.names == ("p9", "p1") and part.classes == ("a", "b") and part.tensors["label"].tolist() == [1, 1]


def test_classes_of_splits_are_those_of_train(data):
    assert Splits(data).classes == ("a", "b")


def test_lengths_must_agree():
    with pytest.raises(UserError, match=r"one length.*Received: .*'label': 3"):
        TensorData(image=torch.zeros(2, 1, 1, 1), label=torch.zeros(3))
    with pytest.raises(UserError, match="at least one tensor"):
        TensorData()
