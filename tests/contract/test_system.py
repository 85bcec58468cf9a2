"""What every system must do: learn, come back from a file, go on to the bit, show its examples, tell mistakes."""

import json
from collections.abc import Iterator
from dataclasses import MISSING, asdict, fields, replace

import pytest
import torch

from core.helpers import same, state, stop_after, trainer
from potmeter import media, registry
from potmeter.core.capabilities import has_capabilities
from potmeter.core.config import BaseConfig, build_config, config_parameters
from potmeter.core.evaluation import summarise
from potmeter.core.random import RandomStream
from potmeter.core.signature import parameters, tasks
from potmeter.core.system import System
from potmeter.data.batches import in_batches
from potmeter.errors import UserError

from .conftest import FIXTURES, SYSTEMS, entry_of, for_systems, owner_of, tiny

each = pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in SYSTEMS])


# What it says of itself ---------------------------------------------------------------------------------------------


@each
def test_it_is_what_the_catalogue_says(name):
    owner = owner_of(name)
    assert owner.name == name and issubclass(owner, System) and issubclass(owner.Config, BaseConfig)
    assert entry_of(name).better(owner.goal.metric) == owner.goal.better
    assert {"tiny", "lecture", "paper"} <= owner.presets.keys()
    assert owner.__doc__ and "\n" not in owner.__doc__.split(". ")[0].strip()


@each
def test_its_interface_is_typed_so_that_every_face_can_serve_it(name):
    owner = owner_of(name)
    for method in tasks(owner).values():
        assert method.__doc__, f"{method.__name__} says what it does"
        for p in parameters(method):
            assert p.name not in ("weights", "out", "device", "json"), "these flags are reserved"
    for p in parameters(owner.data):
        assert not p.medium and p.default is not MISSING, "data have defaults"


@each
def test_every_preset_comes_back_from_json(name):
    owner = owner_of(name)
    for preset in owner.presets.values():
        assert build_config(owner.Config, json.loads(json.dumps(asdict(preset)))) == preset
        replace(preset)


@each
def test_its_config_refuses_nonsense(name):
    base = owner_of(name).presets["tiny"]
    for p in config_parameters(type(base)).values():
        if p.type is int and not p.many:
            with pytest.raises(UserError, match="Received: "):
                replace(base, **{p.name: -1})
    with pytest.raises(UserError, match="batch_size"):
        replace(base, batch_size=0)


@each
def test_every_field_of_its_config_has_a_docstring(name):
    from potmeter.presentation.source import config_fields

    if name not in registry.entries():
        return
    entry = registry.entries()[name]
    documented = {field.name for field in config_fields(entry) if field.doc}
    assert {field.name for field in fields(owner_of(name).Config)} <= documented


@for_systems()
def test_it_knows_what_it_was_trained_on_and_tells_other_data(trained):
    assert trained.system.config.dataset == trained.splits.dataset
    assert trained.owner.data(trained.config).fingerprint() == trained.splits.fingerprint()
    fewer = replace(trained.splits, valid=trained.splits.valid.select(range(1, len(trained.splits.valid))))
    assert fewer.fingerprint() != trained.splits.fingerprint()


INPUTS = {
    "autoencoder": "image", "vae": "image", "classifier": "image", "segmenter": "image", "line": "x", "gan": "z", "stylegan": "z",
    "styletransfer": "image", "unit": "first",
}  # fmt: skip
"""What goes into a system as a torch module, where it is a batch's entry, or latent vectors."""


@for_systems(names=[*INPUTS])
def test_it_can_be_called_as_a_torch_module(trained):
    assert type(trained.system).forward.__doc__
    if INPUTS[trained.name] == "z":
        x = trained.system.sample(3, RandomStream(0))
    else:
        x = next(in_batches(trained.splits.valid, 3))[INPUTS[trained.name]]
    with torch.no_grad():
        out = trained.system(x)
    assert isinstance(out, torch.Tensor) and len(out) == 3 and out.isfinite().all()
    if trained.name in ("autoencoder", "vae"):
        assert out.shape == x.shape
    if trained.name == "classifier":
        assert torch.equal(out, trained.system.logits(x))


# Learning -----------------------------------------------------------------------------------------------------------


@for_systems()
def test_the_tiny_preset_beats_simpler_methods_on_what_it_has_not_seen(trained):
    with torch.no_grad():
        metrics, _ = summarise(trained.system.evaluate(trained.splits.test))
    entry = entry_of(trained.name)
    assert all(entry.better(metric) for metric in metrics), "the catalogue says of every metric which way is better"
    for metric, bar in entry.tiny_reaches.items():
        assert metrics[metric] >= bar if entry.better(metric) == "higher" else metrics[metric] <= bar
    baselines = trained.system.baselines(trained.splits)
    assert trained.owner.goal.metric in (metrics | trained.system.card["valid"])
    rivals = {rival: metric for rival in baselines for metric in metrics if rival.endswith(f"_{metric}")}
    assert rivals.keys() == baselines.keys() != set(), "every baseline is named after the metric it is compared in"
    assert entry.tiny_loses_to.keys() <= rivals.keys()
    for rival, metric in rivals.items():
        worse = metrics[metric] - baselines[rival]
        if rival in entry.tiny_loses_to:
            assert entry.better(metric) != ("lower" if worse < 0 else "higher"), (
                f"{rival} is beaten: {entry.tiny_loses_to}"
            )
            continue
        assert entry.better(metric) == ("lower" if worse < 0 else "higher") and worse != 0, (
            f"{metric} {metrics[metric]:.4g} against {rival} {baselines[rival]:.4g}"
        )


@for_systems()
def test_evaluating_twice_gives_the_same(trained):
    part = trained.splits.valid
    with torch.no_grad():
        assert same(trained.system.validate(part), trained.system.validate(part))
    assert all(value.dim() <= 1 and value.isfinite().all() for value in trained.system.validate(part).values())


@each
def test_k_steps_and_k_more_equal_2k_to_the_bit(tmp_path, name):
    check_resume(tmp_path, name, ema=0.9)


@pytest.mark.parametrize("name", FIXTURES)
def test_k_steps_and_k_more_equal_2k_without_averaged_weights_too(tmp_path, name):
    check_resume(tmp_path, name, ema=0.0)


def check_resume(tmp_path, name, ema):
    owner, config, splits = tiny(name)
    config = replace(config, ema=ema)
    whole = trainer(owner, config, tmp_path / "whole", splits, steps=6, eval_every=100)
    whole.fit()
    after = state(whole)
    stop_after(3, trainer(owner, config, tmp_path / "parts", splits, steps=6, eval_every=100))
    torch.manual_seed(99)  # what happened in between does not matter
    again = trainer(owner, config, tmp_path / "parts", splits, steps=6, eval_every=100, resume=True)
    again.fit()
    assert same(state(again), after) and again.progress.metrics == whole.progress.metrics


# Saving -------------------------------------------------------------------------------------------------------------


@for_systems()
def test_it_comes_back_from_a_folder_as_it_was(trained, tmp_path):
    back = trained.owner.from_pretrained(trained.system.save_pretrained(tmp_path / "again"))
    assert same(back.state_dict(), trained.system.state_dict())
    assert back.config == trained.system.config and back.card == trained.system.card and not back.training
    with torch.no_grad():
        assert same(back.validate(trained.splits.valid), trained.system.validate(trained.splits.valid))


@for_systems()
def test_half_precision_on_disk_changes_next_to_nothing(trained, tmp_path):
    back = trained.owner.from_pretrained(trained.system.save_pretrained(tmp_path / "half", dtype="float16"))
    for key, value in trained.system.state_dict().items():
        torch.testing.assert_close(back.state_dict()[key], value, rtol=2**-10, atol=1e-6)


@for_systems()
def test_another_systems_weights_are_refused(trained):
    other = owner_of("line" if trained.name != "line" else "ring")
    with pytest.raises(
        UserError, match=f"holds weights of {trained.name}, not of {other.name}.*Received: {trained.name}"
    ):
        other.from_pretrained(trained.folder)


# Use ----------------------------------------------------------------------------------------------------------------


@pytest.mark.network
@for_systems()
def test_every_example_gives_media_that_can_be_saved_and_shown(trained, tmp_path):
    examples = trained.system.examples()
    assert examples, "a system comes with inputs worth trying"
    for number, example in enumerate(examples):
        result = getattr(trained.system, example.task)(**example.inputs)
        shown = media.parts([*result][-1] if isinstance(result, Iterator) else result)
        for name, medium in shown.items():
            assert medium.save(tmp_path / f"{number}-{name}").stat().st_size > 0
            assert medium.html() and json.loads(json.dumps(medium.json())) is not None
        assert example.caption


@for_systems()
def test_inputs_out_of_bounds_are_told(trained):
    for method in tasks(trained.owner).values():
        for p in parameters(method):
            if p.range:
                with pytest.raises(UserError, match="Received: "):
                    p.convert(p.range.high + 1 if p.type is int else p.range.high * 2 + 1, trained.system)
            if p.medium and not p.many:
                with pytest.raises(UserError, match="Received: "):
                    p.convert("there/is/no/such.file", trained.system) if p.type is not media.Text else p.convert(3)


@for_systems()
def test_it_has_the_capabilities_that_the_catalogue_promises(trained):
    if trained.name in registry.entries():
        capabilities = registry.entries()[trained.name].capabilities
        assert all(has_capabilities(trained.system, [capability]) for capability in capabilities), capabilities
