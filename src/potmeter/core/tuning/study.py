"""An Optuna study that many workers share: its storage is opened safely, and trials are counted in it."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import warnings
from pathlib import Path
from typing import Any, Literal

from potmeter.errors import UserError, missing_extra, reject


def open_study(
    out: Path,
    name: str,
    storage: str | None,
    *,
    about: dict[str, Any],
    direction: Literal["maximize", "minimize"],
    warmup: int,
    first: dict[str, Any] | None,
) -> Any:
    """Join the study of that name, or create it.

    Args:
        out: Folder of its SQLite file, where ``storage`` names no other storage, and of its runs.
        name: The study's name in the storage.
        storage: Optuna's address of a storage: ``sqlite:///file.db``, ``postgresql://…``.
        about: What trials must have in common to be compared. A study created with others is refused.
        direction: Which way the goal is better.
        warmup: Evaluations before a trial may be pruned.
        first: Values to try first.

    Raises:
        UserError: Optuna is missing, the storage cannot be used, or the study is another one.
    """
    try:
        import optuna
        from filelock import FileLock
    except ImportError:
        raise missing_extra("potmeter tune", "tune", "optuna") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    about = json.loads(json.dumps(about))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out} cannot be made: {error.strerror}.", received=str(out)) from None
    address = storage or f"sqlite:///{out / 'study.db'}"
    # a worker that finds the file busy waits, instead of failing at once
    options = {"connect_args": {"timeout": 120}} if address.startswith("sqlite") else {}
    with FileLock(out / ".study.lock"), warnings.catch_warnings():  # tables must not be made twice at once
        warnings.simplefilter("ignore")
        try:
            study = optuna.create_study(
                storage=optuna.storages.RDBStorage(address, engine_kwargs=options),
                study_name=name,
                direction=direction,
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=warmup),
            )
            known = study.user_attrs.get("about")
        except Exception as error:  # whatever the database's driver raises
            shown = re.sub(r":(?!//).*@", ":***@", address)  # without its password
            reason = (str(error) or type(error).__name__).splitlines()[0].replace(address, shown)
            with contextlib.suppress(OSError):  # what was made for nothing
                (out / ".study.lock").unlink()
                out.rmdir()
            raise UserError(f"The study's storage cannot be used: {reason}.", received=shown) from None
        if known is None:
            any(out.glob("trial-*")) and reject(
                f"{out} holds trials of another study; --out names another folder.", str(out)
            )
            study.set_user_attr("about", about)
            if first:
                study.enqueue_trial(first)
        elif known != about:
            other = next(key for key in about if known.get(key) != about[key])
            message = f"The study {name} was begun with another {other} ({known.get(other)}); --study names a new one."
            raise UserError(message, received=about[other])
    return study


def count_trials(study: Any, before: int | None = None) -> int:
    """How many trials count: completed, pruned, failed for a reason, or running; ``before``: only earlier ones.

    A trial that was stopped or killed is not counted, and so will be made up for.
    """
    from optuna.trial import TrialState

    count = 0
    for trial in study.get_trials(deepcopy=False):
        if before is not None and trial.number >= before:
            continue
        if trial.state == TrialState.RUNNING and is_abandoned(trial):
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
        elif trial.state == TrialState.FAIL:
            count += "reason" in trial.user_attrs
        else:
            count += trial.state != TrialState.WAITING
    return count


def is_abandoned(trial: Any) -> bool:
    """Whether the worker of a running trial was killed: on this machine, its lock is free. Elsewhere we cannot know."""
    from filelock import FileLock, Timeout

    host, lock = trial.user_attrs.get("worker", (None, ""))
    if host != socket.gethostname() or not Path(lock).parent.is_dir():
        return False
    try:
        with FileLock(lock, timeout=0):
            return True
    except Timeout:
        return False


def best_trial(study: Any) -> Any:
    """The best completed trial; None without any."""
    try:
        return study.best_trial
    except ValueError:
        return None
