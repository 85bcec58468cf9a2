"""Train the classifier that judges stackgan's birds: on birds for training only, shifted, blurred and recoloured a little.

python tools/train_bird_judge.py              writes judge.safetensors beside stackgan's judge.py, a few minutes
python tools/train_bird_judge.py --seconds N  stops after N seconds of the processor
"""

from __future__ import annotations

import argparse
import time

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from potmeter.core.weights import shrink
from potmeter.data.sets.bird_anatomy import ATTRIBUTES
from potmeter.data.sets.birds import birds
from potmeter.systems.generative.stackgan.batches import load_pixels
from potmeter.systems.generative.stackgan.judge import FILE, SIDE, BirdJudge, load_judge

BATCH = 64
LR = 3e-3
LARGE, LARGE_SIDE = 2_730, 256
"""Birds that are seen drawn large and made small too, as stage II's are; stackgan's training has them in the cache."""


def augment(images: Tensor) -> Tensor:
    """Pictures in [0, 1] a little shifted, brighter or darker, blurred and noisy, as generated ones may be."""
    images = F.pad(images, (3, 3, 3, 3), mode="replicate")
    x, y = torch.randint(7, (2,)).tolist()
    images = images[:, :, y : y + SIDE, x : x + SIDE]
    if torch.rand(()) < 0.3:
        blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
        images = torch.lerp(images, blurred, torch.rand(()))
    images = images * (1 + 0.05 * torch.randn(len(images), 3, 1, 1))
    return (images + 0.03 * torch.rand(()) * torch.randn_like(images)).clamp(0, 1)


def main() -> None:
    """Train, store in int8, and say how often it is right about each attribute of test birds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0)
    seconds = parser.parse_args().seconds
    torch.manual_seed(0)
    splits, judge = birds(LARGE_SIDE), BirdJudge().train().to(memory_format=torch.channels_last)
    large = load_pixels(splits.train, LARGE_SIDE, LARGE)
    reduced = torch.cat([F.interpolate(part.float(), size=SIDE, mode="area").byte() for part in large.split(BATCH)])
    images = torch.cat([load_pixels(splits.train, SIDE, len(splits.train)), reduced])
    attributes = splits.train.attributes
    targets = torch.cat([attributes, attributes[:LARGE]])
    optimizer = torch.optim.AdamW(judge.parameters(), lr=LR, weight_decay=0.02)
    start, told = time.process_time(), 0.1
    while (done := (time.process_time() - start) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = LR * (1 - done)
        places = torch.randint(len(images), (BATCH,))
        with torch.autocast("cpu", torch.bfloat16):
            logits = judge.split(judge(augment(images[places].float() / 255)).float())
        losses = [F.cross_entropy(each, target) for each, target in zip(logits, targets[places].T, strict=True)]
        optimizer.zero_grad()
        loss = torch.stack(losses).sum()
        loss.backward()
        optimizer.step()
        if done >= told:
            print(f"{done:.0%}  loss {loss:.3f}", flush=True)
            told += 0.1
    state = {key: value.contiguous() for key, value in judge.state_dict().items()}
    save_file(shrink(state, "int8"), FILE)
    load_judge.cache_clear()
    seen = load_judge().predict(load_pixels(splits.test, LARGE_SIDE, len(splits.test)).float() / 255)
    right = (seen == splits.test.attributes).float().mean(0)
    for name, share in zip(ATTRIBUTES, right.tolist(), strict=True):
        print(f"{name:12} {share:.3f}")
    print(f"{'all':12} {float(right.mean()):.3f}")


if __name__ == "__main__":
    main()
