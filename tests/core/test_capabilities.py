"""Names that differ in case only are two names."""

import pytest

from potmeter.core.capabilities import class_index
from potmeter.errors import UserError

DOG_AND_JACKET = ("Pembroke", "Cardigan", "cardigan", "Straße")


@pytest.mark.parametrize(
    ("name", "number"), [("Cardigan", 1), ("cardigan", 2), ("pembroke", 0), ("PEMBROKE", 0), ("STRASSE", 3)]
)
def test_a_class_is_found_as_it_is_written_else_in_any_case(name, number):
    assert class_index(DOG_AND_JACKET, name) == number


def test_a_name_that_fits_two_classes_is_refused_with_both():
    with pytest.raises(UserError, match="Several classes have that name: Cardigan, cardigan. Received: CARDIGAN"):
        class_index(DOG_AND_JACKET, "CARDIGAN")
    with pytest.raises(UserError, match="Several classes have that name: crane, crane. Received: crane"):
        class_index(("crane", "crane"), "crane")


@pytest.mark.parametrize(("name", "hint"), [("Pembrok", "Did you mean Pembroke"), ("xyz", "There are Pembroke, Card")])
def test_a_name_of_no_class_is_told_with_the_nearest(name, hint):
    with pytest.raises(UserError, match=f"no class of that name. {hint}.*Received: {name}"):
        class_index(DOG_AND_JACKET, name)
