"""Compare with nanoGPT: ``python tools/nanogpt.py CHECKOUT``, a folder with nanoGPT's train.py, model.py, configurator.py.

Its recipe for CPUs (4 layers, 128 dimensions, a context of 64, minibatches of 12, 2,000 steps) and the preset ``nanogpt``
are trained on the same novels with the same tokenizer, one seed after the other, in turns. Both training losses are shown
in ten parts of the run, then bits per byte of the novel that neither has seen, measured in the same way, and the seconds.
"""

from __future__ import annotations

import argparse
import json
import pickle
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from potmeter.core.loading import load
from potmeter.systems.language.gpt2.system import GPT2
from potmeter.systems.language.gpt2.tokens import map_tokens

SEEDS, STEPS, PARTS = 3, 2000, 10
SHAPE = "--block_size=64 --batch_size=12 --n_layer=4 --n_head=4 --n_embd=128 --dropout=0.0"
LENGTH = f"--max_iters={STEPS} --lr_decay_iters={STEPS}"
RECIPE = (
    f"config/train_shakespeare_char.py --device=cpu --compile=False --eval_iters=20 --log_interval=1 {SHAPE} {LENGTH}"
)
"""As nanoGPT's README has it for a cheap computer."""


class NanoGPT(nn.Module):
    """nanoGPT's model behind the interface of our Transformer."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model, self.config = model, SimpleNamespace(context_length=model.config.block_size)

    def forward(self, ids: Tensor) -> Tensor:
        modules = self.model.transformer
        x = modules.wte(ids) + modules.wpe(torch.arange(ids.shape[1]))
        for block in modules.h:
            x = block(x)
        return modules.ln_f(x)  # type: ignore[no-any-return]

    def logits(self, x: Tensor) -> Tensor:
        return self.model.lm_head(x)  # type: ignore[no-any-return]


def main() -> None:
    """Train both, a seed after the other, and show what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, help="a folder with a copy of nanoGPT")
    checkout = parser.parse_args().checkout.resolve()
    (checkout / "train.py").is_file() or parser.error(f"there is no train.py in {checkout}")
    results: dict[str, list[dict[str, Any]]] = {"nanoGPT": [], "potmeter": []}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(SEEDS):
            run = Path(folder) / f"ours-{seed}"
            results["potmeter"].append(train_potmeter(run, seed))
            results["nanoGPT"].append(train_nanogpt(checkout, Path(folder) / f"theirs-{seed}", run, seed))
            for name, measured in results.items():
                print(f"seed {seed} {name:8}", json.dumps(measured[-1]), flush=True)
    for name, measured in results.items():
        for key in ("losses", "bits_per_byte", "seconds"):
            values = np.array([one[key] for one in measured])  # (seeds, …)
            print(f"{name:8} {key}: mean {values.mean(0).round(4)}, deviation {values.std(0, ddof=1).round(4)}")


def train_potmeter(run: Path, seed: int) -> dict[str, Any]:
    """Train the preset."""
    command = f"-m potmeter train gpt2 --preset nanogpt --data austen --steps {STEPS} --eval-every 250 --seed {seed}"
    seconds, _ = run_timed([sys.executable, *command.split(), "--out", str(run)], run.parent)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    losses: list[float] = []
    for line in lines:
        if "loss" in line:  # the mean of all steps since the line before
            losses += [line["loss"]] * (line["step"] - len(losses))
    return measure(losses, load("gpt2", run), seconds)


def train_nanogpt(checkout: Path, folder: Path, run: Path, seed: int) -> dict[str, Any]:
    """Train nanoGPT, in a copy with another seed."""
    (folder / "data" / "potmeter").mkdir(parents=True)
    (folder / "config").mkdir()
    for name in ("train.py", "model.py", "configurator.py", "config/train_shakespeare_char.py"):
        shutil.copy(checkout / name, folder / name)
    script = (folder / "train.py").read_text(encoding="utf-8")
    assert "manual_seed(1337 + seed_offset)" in script
    (folder / "train.py").write_text(
        script.replace("manual_seed(1337 +", f"manual_seed({1337 + seed} +"), encoding="utf-8"
    )
    system = load("gpt2", run)
    splits = GPT2.data(system.config)
    data = folder / "data" / "potmeter"
    np.asarray(map_tokens(splits.train, system.tokenizer), np.uint16).tofile(data / "train.bin")
    np.array(system.tokenizer.encode(splits.valid.text), np.uint16).tofile(data / "val.bin")
    (data / "meta.pkl").write_bytes(pickle.dumps({"vocab_size": len(system.tokenizer)}))
    seconds, text = run_timed([sys.executable, "train.py", *RECIPE.split(), "--dataset=potmeter"], folder)
    losses = [float(loss) for loss in re.findall(r"^iter \d+: loss ([\d.]+)", text, re.MULTILINE)][:STEPS]
    saved = torch.load(folder / "out-shakespeare-char" / "ckpt.pt", weights_only=True)
    module = runpy.run_path(str(folder / "model.py"))
    model = module["GPT"](module["GPTConfig"](**saved["model_args"]))
    model.load_state_dict(saved["model"])
    system.model = NanoGPT(model).eval()
    return measure(losses, system, seconds)


def measure(losses: list[float], system: GPT2, seconds: float) -> dict[str, Any]:
    """Mean loss in every part of the run, bits per byte of the test novel, and how long it took."""
    parts = np.array(losses).reshape(PARTS, -1).mean(1)
    with torch.no_grad():
        bits = system.evaluate(GPT2.data(system.config).test)["bits_per_byte"].mean()
    return {"losses": parts.round(4).tolist(), "bits_per_byte": float(bits), "seconds": seconds}


def run_timed(command: list[str], folder: Path) -> tuple[float, str]:
    """Run a command; seconds, and what it printed."""
    began = time.monotonic()
    text = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return time.monotonic() - began, text


if __name__ == "__main__":
    main()
