"""The warm-up homework: load CIFAR-10, show image 12, train a classifier on it, predict.

python course/homework.py            downloads CIFAR-10 (170 MB) where it is not there yet
python course/homework.py FOLDER     uses FOLDER/cifar-10-batches-py
"""

import sys
from pathlib import Path

from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options
from potmeter.data.sets.cifar10 import cifar10
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.systems.vision.classifier import ImageClassifier


def main() -> None:
    """The four steps."""
    # 1. Load the data
    data = cifar10(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    print(f"{len(data.train):,} pictures for training, {len(data.test):,} for testing: {', '.join(data.classes)}")

    # 2. Show image 12
    example = data.train[12]
    print("image 12 is a", data.classes[example["label"]])
    print("saved as", Image.from_tensor(example["image"]).enlarged(8).save("image-12.png"))

    # 3. Train
    config = ImageClassifier.fit_config(ImageClassifier.presets["homework"], data)
    trainer = Trainer(
        build_system(ImageClassifier, config, seed=0),
        data,
        Options(budget="10m", out=Path("runs/homework"), resume=True),
    )
    trainer.fit()

    # 4. Predict
    picture = data.test[0]
    print("the first test image is a", data.classes[picture["label"]])
    print(trainer.system.run(Image.from_tensor(picture["image"])))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"homework: {error}")
