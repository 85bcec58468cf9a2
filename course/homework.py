"""The warm-up homework: load CIFAR-10, show image 12, train a classifier on it, predict.

python course/homework.py                  downloads CIFAR-10 (170 MB) where it is not there yet
python course/homework.py --data FOLDER    uses FOLDER/cifar-10-batches-py
python course/homework.py --data digits    uses scikit-learn's handwritten digits, which need no network

Where CIFAR-10 can be neither found nor downloaded, it says so and goes on with the digits.
"""

import argparse
import sys
from pathlib import Path

from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options
from potmeter.data.sets.cifar10 import cifar10
from potmeter.data.sets.mnist import sklearn_digits
from potmeter.data.splits import Splits
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.systems.vision.classifier import ImageClassifier


def load(data: str | None) -> tuple[str, Splits]:
    """The preset to train, and the pictures: those that are asked for; else CIFAR-10, or digits where there is none."""
    if data == "digits":
        return "tiny", sklearn_digits()
    try:
        return "homework", cifar10(Path(data) if data else None)
    except UserError as error:
        if data:
            raise
        print(f"homework: {error} Going on with scikit-learn's handwritten digits instead.", file=sys.stderr)
        return "tiny", sklearn_digits()


def main() -> None:
    """The four steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="FOLDER", help="the folder that holds cifar-10-batches-py; or digits")
    parser.add_argument("--budget", default="10m", help="how long to train in all: 90s, 10m, 1h (default: 10m)")
    flags = parser.parse_args()

    # 1. Load the data
    preset, data = load(flags.data)
    print(f"{len(data.train):,} pictures for training, {len(data.test):,} for testing: {', '.join(data.classes)}")

    # 2. Show image 12
    example = data.train[12]
    print("image 12 is a", data.classes[example["label"]])
    print("saved as", Image.from_tensor(example["image"]).enlarge(8).save("image-12.png"))

    # 3. Train
    config = ImageClassifier.fit_config(ImageClassifier.presets[preset], data)
    options = Options(budget=flags.budget, out=Path("runs") / f"{preset}-homework", resume=True)
    trainer = Trainer(build_system(ImageClassifier, config, seed=0), data, options)
    trainer.fit()

    # 4. Predict
    picture = data.test[0]
    print("the first test image is a", data.classes[picture["label"]])
    print(trainer.system.run(Image.from_tensor(picture["image"])))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"homework: error: {error}")
