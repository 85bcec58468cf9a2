"""What each of the classifier's weights is worth being tried on; none of it was trained on."""

from __future__ import annotations

from potmeter.core.system import Example
from potmeter.data.samples import sample


def examples(dataset: str) -> list[Example]:
    """The examples of the weights that were trained on a data set."""
    if dataset == "imagenet":
        cat, coffee, rocket = (sample(name) for name in ("cat", "coffee", "rocket"))
        return [
            Example("A cat", image=cat),
            Example("A cup of coffee", image=coffee),
            Example("A rocket on its pad", image=rocket),
        ]
    if dataset == "photos4":
        return [
            Example("A cat that is in none of the training photographs", image=sample("cat")),
            Example("A flower, photographed out of doors", image=sample("flower")),
            Example(
                "A cup of coffee, which is none of the four: it has to answer all the same", image=sample("coffee")
            ),
        ]
    if dataset == "fashion":
        return [
            *(Example(f"Test picture {n}", image=sample(f"fashion-{n}")) for n in (0, 12, 40)),
            Example("What is taken for what, on 1,000 test pictures", task="confusion"),
        ]
    if dataset == "faces":
        return [
            Example("A drawn test face, with a beard that hides half of the mouth", image=sample("face-9")),
            Example("Another: the styling is hair and beard by a rule", image=sample("face-15")),
        ]
    if dataset == "digits":
        return [Example(f"A {n} that was not trained on", image=sample(f"digit-{n}")) for n in (3, 8)]
    if dataset == "mnist":
        return [
            *(Example(f"A {n} from another collection, 8×8 pixels", image=sample(f"digit-{n}")) for n in (3, 8)),
            *(Example(f"Test digit number {n}", image=sample(f"mnist-{n}")) for n in (8, 247)),
            Example("What is taken for what, on 1,000 test digits", task="confusion"),
            Example("Is it right as often as it says?", task="calibration"),
        ]
    return []  # of a user's own data, or of others that no sample is of
