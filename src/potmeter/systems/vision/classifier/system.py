"""The classifier as a system: data, loss, training, use."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch, in_batches
from potmeter.data.domain_shift import note_domain_shift
from potmeter.data.folder import check_classes
from potmeter.data.imagenet_weights import load_imagenet_weights
from potmeter.data.pictures import load_pictures
from potmeter.data.sets.imagenet import imagenet_classes
from potmeter.data.sets.photos4 import SETTINGS, photos4_varied
from potmeter.data.sets.records import is_light_on_dark
from potmeter.data.splits import Splits, take_evenly
from potmeter.errors import reject
from potmeter.media import Bars, Chart, Image, Table, name_images
from potmeter.media.image_batch import to_batch
from potmeter.nn.backbones import MobileNetV2

from . import model
from .adversarial import attack_minibatch, is_correct_under_fgsm, is_correct_under_pgd
from .augment import augment
from .baselines import linear_accuracy, nearest_accuracy
from .calibration import calibration_error, reliability
from .confusion_matrix import draw_confusion_matrix
from .cross_validation import cross_validate, learning_curve, wilson
from .examples import examples
from .presets import PRESETS

ROBUST_VALIDATION = 500
"""Validation pictures on which adversarial training is measured meanwhile."""


class ImageClassifier(System):
    """Says which of its categories a picture shows, and how sure it is."""

    name = "classifier"
    Config = model.Config
    presets = PRESETS
    goal = Goal("accuracy", "higher")

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        len(config.classes) >= 2 or reject("Telling classes apart takes two.", config.classes)
        mobile = config.architecture == "mobilenet"
        small = model.PlainNet if config.architecture == "plain" else model.ResNet
        self.model: Any = MobileNetV2(len(config.classes), config.mean, config.std) if mobile else small(config)
        self.fine_tunes = mobile and config.pretrained
        self.eps_factor = 1.0  # share of adversarial_eps that the warm-up has reached
        if self.fine_tunes and not config.feature_lr:
            self.model.features.requires_grad_(False)
        self.to(memory_format=torch.channels_last)  # convolutions are faster so, on CPUs and GPUs

    # 1. Pictures with the names of what they show

    @classmethod
    def data(cls, config: model.Config, source: str | None = None) -> Splits:
        """Pictures with labels.

        Args:
            source: photos4, mnist, fashion, digits, cifar10, faces, orl, imagenet, or a folder with a subfolder per class
        """
        splits = load_pictures(source or config.dataset, config.image_size, config.channels, classes=config.classes)
        check_classes(config.classes, splits.classes)
        return splits

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        return replace(config, classes=splits.classes)

    @classmethod
    def fine_tune_config(cls, config: model.Config) -> model.Config:
        """The same network; the classes are those of the data to come."""
        return replace(config, classes=())

    def warm_start(self) -> None:
        """Begin with the public ImageNet weights, in all layers but a last one for other classes."""
        if self.config.architecture == "mobilenet" and self.config.pretrained:
            load_imagenet_weights(self.model)

    @classmethod
    def fetch_pretrained(cls, tag: str) -> Self:
        """MobileNetV2 with torchvision's ImageNet weights, and their 1000 classes."""
        system = cls(replace(cls.presets["paper"], classes=imagenet_classes()))
        load_imagenet_weights(system.model)
        system.card = {
            "training": {"data": "ImageNet (ILSVRC 2012)", "by": "torchvision, MobileNet_V2_Weights.IMAGENET1K_V1"}
        }
        return system

    # 3. The loss: cross-entropy

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of augmented pictures, or of adversarial examples of them, and the accuracy."""
        images, labels = augment(batch["image"], self.config.augment, self.rng), batch["label"]
        if self.training and self.config.adversarial_training != "none":
            images = attack_minibatch(self, images, labels, self.eps_factor)
        logits = self.model(images.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits, labels, label_smoothing=self.config.label_smoothing)
        return {"loss": loss, "accuracy": (logits.argmax(1) == labels).float().mean()}

    # 4. Training

    def step(self, batch: Batch, trainer: TrainingLoop) -> dict[str, Tensor]:
        """The default step, after the warm-up of adversarial training's ε."""
        self.eps_factor = min(1.0, trainer.fraction_done / (self.config.adversarial_warmup or 1e-9))
        return super().step(batch, trainer)

    def optimizers(self) -> dict[str, Optimizer]:
        """The default AdamW; pretrained layers learn more slowly than the new one."""
        chosen = super().optimizers()
        if self.fine_tunes and self.config.feature_lr:
            head = self.model.classifier.parameters()
            features = self.model.features.parameters()
            groups = [{"params": list(head)}, {"params": list(features), "lr": self.config.lr * self.config.feature_lr}]
            chosen["model"] = torch.optim.AdamW(groups, lr=self.config.lr, weight_decay=self.config.weight_decay)
        return chosen

    def train(self, mode: bool = True) -> Self:
        """Set the mode; pretrained layers keep the statistics of the many pictures they were made with."""
        super().train(mode)
        if self.fine_tunes:
            self.model.features.eval()
        return self

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Whether each picture was classified rightly, its cross-entropy in nats, and the calibration error."""
        logits, labels = self.predictions(data)
        right = (logits.argmax(1) == labels).float()
        if self.config.dataset == "imagenet":
            in_top5 = (logits.topk(5).indices == labels[:, None]).any(1).float()
            return {"top1": right, "top5": in_top5}
        nats = F.cross_entropy(logits, labels, reduction="none")
        values = {"accuracy": right, "nats": nats, "calibration_error": calibration_error(logits, labels)}
        if self.config.adversarial_training != "none":
            values["fgsm_accuracy"] = is_correct_under_fgsm(self, data)
            values["pgd_accuracy"] = is_correct_under_pgd(self, data, steps=40, step=1 / 30)
        return values

    def validate(self, data: Any) -> dict[str, Tensor]:
        """As ``evaluate``; in adversarial training, ``accuracy``, the goal, is that under a quick attack."""
        if self.config.adversarial_training == "none":
            return self.evaluate(data)
        part = take_evenly(data, ROBUST_VALIDATION)
        logits, labels = self.predictions(part)
        clean = (logits.argmax(1) == labels).float()
        return {"accuracy": is_correct_under_pgd(self, part, steps=10, step=0.25), "clean_accuracy": clean}

    def predictions(self, data: Any) -> tuple[Tensor, Tensor]:
        """Logits (N, classes) and labels (N,) of a data set."""
        size = max(1, 500 * 32**2 // self.config.image_size**2)
        parts = [(self.logits(batch["image"]), batch["label"]) for batch in in_batches(data, size, self.device)]
        logits, labels = zip(*parts, strict=True)
        return torch.cat(logits), torch.cat(labels)

    def baselines(self, splits: Splits) -> dict[str, float]:
        """What the pixels alone tell: the most alike training picture, and a linear map."""
        if self.config.dataset == "imagenet":
            return {}  # nothing was trained here: there are no training pictures to compare with
        return {"nearest_accuracy": nearest_accuracy(splits), "linear_accuracy": linear_accuracy(splits)}

    # 5. Use

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes) of pictures (B, C, H, W) in [0, 1]."""
        return self.logits(images)

    @torch.no_grad()
    def run(self, image: Image, *, top: Annotated[int, Range(1, 1000)] = 5) -> Bars:
        """Say what a picture shows: the likeliest categories with their probabilities.

        Args:
            image: the picture; the middle square counts
            top: how many categories to name
        """
        return self.bars(self.logits(self.inputs([image]))[0], top)

    @task
    @torch.no_grad()
    def batch(self, images: list[Image]) -> Table:
        """Classify many pictures, a row each in the order they are given; those of a folder in the order of their names.

        Args:
            images: pictures, or folders of them
        """
        rows = []
        for title, image in zip(name_images(images), images, strict=True):
            (name, share), *_ = self.bars(self.logits(self.inputs([image]))[0], 1).values.items()
            rows.append((title, name, share))
        return Table(("picture", "category", "probability"), rows)

    @task
    @torch.no_grad()
    def confusion(self, *, data: str | None = None, count: Annotated[int, Range(1, 10**6)] = 1000) -> Image:
        """What is taken for what: true categories down, predicted ones across, on test pictures.

        Args:
            data: a data set or folder; default: the one the weights were trained on
            count: how many test pictures
        """
        logits, labels = self.predictions(self.test_part(data, count))
        return draw_confusion_matrix(logits.argmax(1), labels, self.classes)

    @task
    @torch.no_grad()
    def calibration(self, *, data: str | None = None, count: Annotated[int, Range(10, 10**6)] = 1000) -> Chart:
        """Is it right as often as it says? Accuracy over confidence, in bins, on test pictures.

        Args:
            data: a data set or folder; default: the one the weights were trained on
            count: how many test pictures
        """
        logits, labels = self.predictions(self.test_part(data, count))
        points = [(float(c), float(a)) for c, a, _ in reliability(logits, labels)]
        lines = {"this network": points, "as it should be": [(0.0, 0.0), (1.0, 1.0)]}
        return Chart(lines, x="probability it gives its answer", y="share that was right")

    @task
    def learning_curve(self, *, data: str | None = None, steps: Annotated[int, Range(1, 10**5)] = 60) -> Chart:
        """Data hunger: accuracy over the number of training pictures, the same network trained anew on ever more.

        Args:
            data: a data set or folder; default: the one the weights were trained on
            steps: training steps of each network
        """
        splits = self.data(self.config, data)
        len(splits.train) > 0 or reject("There is nothing to train on: name pictures with --data.", splits.dataset)
        splits = replace(splits, test=take_evenly(splits.test, 1000)) if splits.test is not None else splits
        return learning_curve(type(self), self.config, splits, steps=steps, device=str(self.device))

    @task
    def cross_validation(
        self,
        *,
        steps: Annotated[int, Range(1, 10**5)] = 240,
        apart: Literal["photograph", "species"] = "photograph",
        seed: Annotated[int, Range(0, 2**31)] = 0,
    ) -> Table:
        """The four categories of photographs by five-fold cross-validation, a row for each setting.

        Args:
            steps: training steps of each of the five networks
            apart: what no two folds share: a photograph (or shoot of one animal), or, harder, a whole species
            seed: start of the randomness of the cuts and of training
        """
        c = self.config
        c.dataset == "photos4" or reject("Cross-validation is for few pictures: photos4.", c.dataset)
        data = photos4_varied(c.image_size, apart)
        result = cross_validate(type(self), c, data, steps=steps, seed=seed)
        right, settings = result.predicted == result.labels, data.tensors["setting"]
        rows = []
        for name, which in {name: settings == number for number, name in enumerate(SETTINGS)}.items():
            if count := int(which.sum()):
                low, high = wilson(int(right[which].sum()), count)
                rows.append((name, count, int(right[which].sum()), float(right[which].float().mean()), low, high))
        return Table(("setting", "pictures", "right", "accuracy", "95 % from", "to"), rows)

    def examples(self) -> list[Example]:
        return examples(self.config.dataset)

    # What probes and other systems use (core.capabilities)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the categories, in the order of the logits."""
        return tuple(self.config.classes)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures it takes."""
        return self.config.channels, self.config.image_size, self.config.image_size

    def logits(self, images: Tensor) -> Tensor:
        """Unnormalised log-probabilities (B, classes) of pictures (B, C, H, W) in [0, 1]."""
        images = images.contiguous(memory_format=torch.channels_last)
        if not self.config.test_time_flip:
            logits: Tensor = self.model(images)
            return logits
        both = self.model(torch.cat([images, images.flip(-1)])).log_softmax(1)
        return both.unflatten(0, (2, -1)).logsumexp(0)  # log of the summed probabilities

    @property
    def feature_channels(self) -> dict[int, int]:
        """Channels of the feature maps by stride."""
        return dict(self.model.feature_channels)

    def feature_maps(self, images: Tensor) -> dict[int, Tensor]:
        """Feature maps (B, feature_channels[stride], H / stride, W / stride) by stride, of images (B, C, H, W) in [0, 1]."""
        maps: dict[int, Tensor] = self.model.feature_maps(images.contiguous(memory_format=torch.channels_last))
        return maps

    def embed(self, images: Tensor) -> Tensor:
        """Features (B, F) before the last linear layer, of pictures (B, C, H, W) in [0, 1]."""
        vectors: Tensor = self.model.embed(images.contiguous(memory_format=torch.channels_last))
        return vectors

    def input_loss(self, x: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy (B,) of each picture for the class ``target`` (B,)."""
        return F.cross_entropy(self.logits(x), target, reduction="none")

    def export_modules(self) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
        return {"classifier": (self.model, (torch.rand(2, *self.input_shape),))}

    # Pictures in, answers out

    def inputs(self, images: list[Image]) -> Tensor:
        """A user's pictures as (B, C, H, W); as light on dark where the data set is."""
        c = self.config
        note_domain_shift(images, c.dataset)
        return to_batch(images, c.image_size, c.channels, light_on_dark=is_light_on_dark(c.dataset)).to(self.device)

    def bars(self, logits: Tensor, top: int) -> Bars:
        """The likeliest categories, with their probabilities, of one picture's logits (classes,)."""
        shares, numbers = logits.softmax(0).topk(min(top, len(self.classes)))
        return Bars({self.classes[n]: float(share) for share, n in zip(shares, numbers.tolist(), strict=True)})

    def test_part(self, source: str | None, count: int) -> Any:
        """Test pictures of a data set or folder, spread evenly over it."""
        test: Any = self.data(self.config, source).test
        return take_evenly(test, count) if test is not None else reject("There are no test pictures.", source)
