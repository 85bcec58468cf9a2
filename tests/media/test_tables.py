"""Tables as people have them: commas, semicolons or tabs; numbers that are numbers, and names that only look like them."""

import numpy as np
import pytest

from potmeter.errors import UserError
from potmeter.media import Table
from potmeter.systems.basics.blackbox.datasets import read_table


def written(tmp_path, text, name="t.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return Table.open(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n1.5,2\n-0.25,1000.0\n",
        "x;y\n1.5;2\n-0.25;1000\n",
        "x;y\r\n1,5;2\r\n-0,25;1000\r\n",
        "x\ty\n1.5\t2\n-0.25\t1000\n",
        "\ufeffx; y\n1,5; 2\n-0,25;1000\n",
        '"x","y"\n"1.5","2"\n"-0.25","1000"\n',
    ],
)
def test_columns_are_separated_as_header_and_rows_show(tmp_path, text):
    table = written(tmp_path, text)
    assert table.columns == ("x", "y") and table.rows == [(1.5, 2.0), (-0.25, 1000.0)]


def test_commas_in_texts_are_no_columns(tmp_path):
    table = written(tmp_path, 'name;note, or none\n"a;b";"1,5"\nc;1,5 m\n')
    assert table.columns == ("name", "note, or none") and table.rows == [("a;b", 1.5), ("c", "1,5 m")]
    assert written(tmp_path, '"a,b";c\n1;2\n').columns == ("a,b", "c")
    assert written(tmp_path, "a;b,c\n1,2\n").columns == ("a;b", "c")


@pytest.mark.parametrize(
    "cell",
    [
        *("01234", "+49", "1_000", "nan", "inf", "1e999", "0x10", "1.10", "1.2.3", "2024-01-31"),
        *("12345678901234567891", "½", "٣"),
    ],
)
def test_what_would_lose_a_letter_as_a_number_stays_as_it_is(tmp_path, cell):
    assert written(tmp_path, f"a,b\n{cell},1\n").rows == [(cell, 1.0)]


def test_a_table_goes_through_tabs_and_back(tmp_path):
    table = Table(("word", "n"), [("a\tb", 1.0), ("c,d;e", 2.5)])
    again = Table.open(table.save(tmp_path / "t.tsv"))
    assert again.columns == table.columns and again.rows == table.rows


def test_two_columns_of_one_name_are_refused(tmp_path):
    with pytest.raises(UserError, match="two columns of one name. Received: x"):
        written(tmp_path, "x,x\n1,2\n")


LABELS = {
    "zeros in front": ("01234", "1234"),
    "dates": ("20240101", "20240102"),
    "dates with dots": ("01.02.2024", "02.01.2024"),
    "versions": ("1.1", "1.10"),
    "long numbers": ("12345678901234567", "12345678901234568"),
    "case": ("A", "a"),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_are_names(tmp_path, labels):
    rng = np.random.default_rng(0)
    lines = [f"{x:.3f},{y:.3f},{labels[i % 2]}" for i, (x, y) in enumerate(rng.normal(size=(40, 2)))]
    splits = read_table(written(tmp_path, "\n".join(["x1,x2,label", *lines])))
    assert splits.classes == labels
    assert splits.train.tensors["label"].bincount().tolist() == [12, 12]
