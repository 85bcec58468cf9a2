"""What runs on one and on two processes: started by test_distributed.py, once for all its tests."""

import contextlib
import sys
from dataclasses import replace
from pathlib import Path

import torch

from fixtures.agent import Corridor
from fixtures.gan import Ring
from fixtures.line import Line
from potmeter.core.training import processes
from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options
from potmeter.systems.basics.blackbox.system import Blackbox
from potmeter.systems.generative.autoencoder import Autoencoder
from potmeter.systems.generative.vae.system import VAE
from potmeter.systems.play.alphazero import AlphaZero
from potmeter.systems.play.alphazero.self_play import SelfPlay
from potmeter.systems.play.locomotion import Locomotion
from potmeter.systems.play.sumo import Sumo
from potmeter.systems.vision.classifier.system import ImageClassifier

TINY = replace(Line.presets["tiny"], jitter=0.1, clip=0.5, weight_decay=0.01)
SQUEEZED = replace(Autoencoder.presets["tiny"], norm="none", lr=1e-3, muon_lr=0.0)
PLAIN = replace(
    ImageClassifier.presets["tiny"], architecture="plain", hidden=16, augment="digits", lr=2e-3,
    classes=tuple("0123456789"),
)  # fmt: skip
CASES = {
    "line": (Line, TINY, {}),
    "average": (Line, replace(TINY, ema=0.9), {}),
    "ring": (Ring, replace(Ring.presets["tiny"], clip=0.5), {}),
    "corridor": (Corridor, Corridor.presets["tiny"], {}),
    "blackbox": (Blackbox, Blackbox.presets["tiny"], {}),
    "autoencoder": (Autoencoder, SQUEEZED, {}),
    "classifier": (ImageClassifier, PLAIN, {}),
    "sharded-line": (Line, TINY, {"shard": True}),
    # Adam turns the rounding of a gradient near 0 into a step of up to lr: at 2e-3 that stays below what is compared
    "sharded-vae": (VAE, replace(VAE.presets["tiny"], lr=2e-3, batch_size=32), {"shard": True}),
    "sharded-autoencoder": (Autoencoder, SQUEEZED, {"shard": True}),
    "sharded-muon": (Autoencoder, replace(SQUEEZED, muon_lr=0.01), {"shard": True}),
}
"""System, Config and further options; none of them normalises by its own batch. On one process ``shard`` changes nothing."""


def locomotion_config():
    """The tiny preset, with what only the environment knows."""
    config = Locomotion.presets["tiny"]
    return Locomotion.fit_config(config, Locomotion.data(config))


GAMES = replace(AlphaZero.presets["tiny"], games=8, batch_size=32, playouts=4, match_every=5)


def moves_of_self_play():
    """The positions of this process's games after a few moves."""
    torch.manual_seed(0)
    experience = SelfPlay(AlphaZero(GAMES).network.eval(), GAMES, seed=0)
    for _ in range(3):
        experience.play_move()
    return torch.from_numpy(experience.search.states)


class Broken(Line):
    """Steps its optimiser without trainer.update: every process goes its own way."""

    def step(self, batch, trainer):
        losses = self.loss(batch)
        losses["loss"].backward()
        trainer.optimizers["model"].step()
        return losses


def train(owner, config, out, steps=10, **options):
    """The losses of each step, and the weights at the end as this process has them."""
    system, losses = build_system(owner, config, 0), []
    trainer = Trainer(
        system, owner.data(config), Options(out=out, steps=steps, eval_every=5, device="cpu", **options), quiet=True
    )
    step = system.step

    def recorded(batch, trainer):
        values = step(batch, trainer)
        losses.append(values["loss"].item())
        return values

    system.step = recorded
    trainer.fit()
    return losses, {
        key: getattr(value, "full_tensor", lambda v=value: v)() for key, value in system.state_dict().items()
    }


def begin(owner, config, out, **options):
    """The first 5 of 10 steps, as Ctrl-C leaves them."""
    system = build_system(owner, config, 0)
    trainer = Trainer(
        system, owner.data(config), Options(out=out, steps=10, eval_every=5, device="cpu", **options), quiet=True
    )
    step = system.step

    def stopping(batch, trainer):
        trainer.interrupt.requested = trainer.step == 4
        return step(batch, trainer)

    system.step = stopping
    with contextlib.suppress(KeyboardInterrupt):
        trainer.fit()


def run_all(out: Path) -> None:
    """Train every case into its folder, and leave this process's results beside them."""
    results = {}
    for name, (owner, config, options) in CASES.items():
        results[name] = train(owner, config, out / name, **options)
        begin(owner, config, out / f"resumed-{name}", **options)
        results[f"resumed-{name}"] = train(owner, config, out / f"resumed-{name}", resume=True, **options)
    torch.save(results, out / f"results-{processes.rank()}.pt")


if __name__ == "__main__":
    torch.set_num_threads(1)
    out = Path(sys.argv[1])
    run_all(out)
    results = {"grown": train(Line, TINY, out / "grown", resume=True)}  # the test began it, on one process
    results["locomotion"] = train(Locomotion, locomotion_config(), out / "locomotion")
    results["sumo"] = train(Sumo, replace(Sumo.presets["tiny"], num_envs=8, batch_size=64), out / "sumo")
    results["alphazero"] = train(AlphaZero, GAMES, out / "alphazero")
    results["positions"] = moves_of_self_play()
    try:
        train(Broken, TINY, out / "broken")
    except RuntimeError as error:
        results["broken"] = str(error)
    torch.save(results, out / f"more-{processes.rank()}.pt")
    torch.distributed.destroy_process_group()
