"""The black box: its knobs, its slopes, its state, the user's own points, and that it learns."""

import base64
import json
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.neural_network import MLPClassifier, MLPRegressor
from torch.nn.utils import parameters_to_vector

from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options
from potmeter.errors import UserError
from potmeter.media import Image, Table, Video
from potmeter.systems.basics.blackbox.datasets import NAMES, load_built_in, read_table
from potmeter.systems.basics.blackbox.model import MAX_KNOBS, Config
from potmeter.systems.basics.blackbox.state import MAX_STATE_LENGTH, PREFIX, decode_state, encode_state
from potmeter.systems.basics.blackbox.system import Blackbox

torch.set_num_threads(1)
KNOB = "layer1.weight[0,1]"


def new(seed=0, **fields):
    """A box that knows its data's units, with knobs at random."""
    config = Config(**fields)
    return Blackbox(config).create(Blackbox.fit_config(config, Blackbox.data(config)), seed)


def packed(config_json: bytes, knobs: bytes) -> str:
    """A state with a right checksum, whatever it holds."""
    body = struct.pack("<H", len(config_json)) + config_json + knobs
    return PREFIX + base64.urlsafe_b64encode(body + struct.pack("<I", zlib.crc32(body))).decode().rstrip("=")


def plane(n=40):
    x = np.random.default_rng(0).normal(size=(n, 2))
    return Table(("x1", "x2", "label"), [(float(a), float(b), "in" if a * a + b * b < 1 else "out") for a, b in x])


# The function and its slopes


@pytest.mark.parametrize("activation", ["tanh", "relu", "sine"])
@pytest.mark.parametrize("dataset", ["moons", "sine", "wine"])
def test_forward_equals_numpy(dataset, activation):
    box = new(dataset=dataset, activation=activation, hidden=(5, 3)).double()
    x = box.data(box.config).test.tensors["x"].double()
    w = [p.detach().numpy() for p in box.network.parameters()]
    bend = {"tanh": np.tanh, "relu": lambda v: np.maximum(v, 0), "sine": np.sin}[activation]
    mean, std = (np.array(unit)[: x.shape[1]] for unit in box.network.mean_and_std)
    h = (x.numpy() - mean) / std
    for i in (0, 2):
        h = bend(h @ w[i].T + w[i + 1])
    np.testing.assert_allclose(
        box.network.layers(box.network.standardize(x)).detach().numpy(), h @ w[4].T + w[5], atol=1e-12
    )


@pytest.mark.parametrize("dataset", ["moons", "sine", "iris", "terrain"])
def test_slopes_equal_finite_differences(dataset):
    box = new(dataset=dataset).double()
    batch = {k: v.double() if v.is_floating_point() else v for k, v in box.load_points(None).train.tensors.items()}
    slopes, vector = box.gradient(batch), parameters_to_vector(box.network.parameters()).detach()
    for place in range(0, len(vector), 3):
        found = []
        for step in (1e-5, -1e-5):
            turned = vector.clone()
            turned[place] += step
            torch.nn.utils.vector_to_parameters(turned, box.network.parameters())
            found.append(float(box.loss(batch)["loss"].detach()))
        assert (found[0] - found[1]) / 2e-5 == pytest.approx(float(slopes[place]), abs=1e-7)


def with_weights(peer, box, x, y):
    """A scikit-learn network with the box's knobs."""
    peer.set_params(hidden_layer_sizes=box.config.hidden, activation="tanh", max_iter=1)
    peer.partial_fit(x, y, **({"classes": np.unique(y)} if box.config.labels else {}))
    weights = [p.detach().numpy() for p in box.network.parameters()]
    peer.coefs_, peer.intercepts_ = [w.T for w in weights[::2]], weights[1::2]
    return peer


@pytest.mark.parametrize("dataset", ["moons", "iris", "sine"])
def test_scikit_learn_with_the_same_knobs_predicts_the_same(dataset):
    box = new(dataset=dataset)
    tensors = box.load_points(None).train.tensors
    x = box.network.standardize(tensors["x"]).numpy()
    if dataset == "sine":
        theirs = with_weights(MLPRegressor(), box, x, tensors["y"].numpy()[:, 0]).predict(x)[:, None]
    else:
        theirs = with_weights(MLPClassifier(), box, x, tensors["label"].numpy()).predict_proba(x)
    np.testing.assert_allclose(box.network.predict(tensors["x"]).detach().numpy(), theirs, atol=1e-5)


def test_run_reports_the_slope_of_every_knob():
    box = new()
    look = box.run()
    slopes = box.gradient(dict(box.load_points(None).train.tensors)).tolist()
    assert [row[0] for row in look.knobs.rows] == list(box.knobs())
    assert [row[2] for row in look.knobs.rows] == pytest.approx(slopes)
    assert look.picture.size == (1280, 720)
    assert [row[0] for row in look.loss.rows] == ["training", "unseen"]


# Knobs


def test_a_knob_set_by_hand_is_set_in_the_copy_only():
    box = new()
    before = box.knobs()
    changed = box.restore(knobs=(f"{KNOB}=0.5",)).knobs()
    assert changed[KNOB] == 0.5
    assert {k: v for k, v in changed.items() if k != KNOB} == {k: v for k, v in before.items() if k != KNOB}
    assert box.knobs() == before


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("layer1.wieght[0,1]=1", r"Did you mean layer1\.weight\[0,1\]\?"),
        ("layer9.bias[0]=1", "Did you mean layer"),
        (KNOB, "NAME=VALUE"),
        (f"{KNOB}=much", "set to a number"),
        (f"{KNOB}=nan", "number of at most"),
        (f"{KNOB}=1e9", "number of at most"),
        ("=1", "Did you mean"),
    ],
)
def test_wrong_settings_are_the_users_mistake(setting, message):
    with pytest.raises(UserError, match=message):
        new().run(knobs=(setting,))


@pytest.mark.parametrize(
    "fields",
    [
        {"hidden": (0,)},
        {"hidden": (10**9,)},
        {"hidden": (2,) * 7},
        {"hidden": (40, 40)},
        {"samples": 0},
        {"noise": -1.0},
        {"noise": float("nan")},
        {"classes": ("a", "b")},
        {"dataset": "own data", "classes": ("a",)},
        {"dataset": "own data", "classes": ("a", "a")},
        {"std": (1.0, 0.0), "mean": (0.0, 0.0)},
        {"std": (1.0,)},
        {"mean": (float("nan"), 0.0), "std": (1.0, 1.0)},
    ],
)
def test_config_rejects_nonsense(fields):
    with pytest.raises(UserError, match="Received:"):
        Config(**fields)


# State


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_state_round_trip_is_exact(data):
    config = Config(
        dataset=data.draw(st.sampled_from(NAMES)),
        hidden=tuple(data.draw(st.lists(st.integers(1, 9), max_size=4))),
        activation=data.draw(st.sampled_from(["tanh", "relu", "sine"])),
        noise=data.draw(st.floats(0, 10)),
    )
    knob = st.floats(-1e6, 1e6, width=32)
    knobs = torch.tensor(data.draw(st.lists(knob, min_size=config.knobs, max_size=config.knobs)))
    state = encode_state(config, knobs)
    again, values = decode_state(f"https://example.org/blackbox#{state}")
    assert again == config
    assert values.numpy().tobytes() == knobs.numpy().tobytes()
    assert len(state) <= MAX_STATE_LENGTH
    assert not set(state) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_the_largest_own_box_fits_in_a_state():
    names = tuple(chr(0x10000 + i) * 40 for i in range(8))
    config = Config(dataset="own data", classes=names, hidden=(90,), mean=(-1 / 3e-9, 1 / 3), std=(1e-12 / 3, 1e12 / 3))
    assert 900 < config.knobs <= MAX_KNOBS
    state = encode_state(config, torch.ones(config.knobs))
    assert len(state) <= MAX_STATE_LENGTH
    assert decode_state(state)[0] == config


def test_a_state_brings_back_the_same_loss():
    box = new(dataset="iris")
    other = new(seed=5)
    assert other.run(box.state()).loss.rows == box.run().loss.rows


@settings(max_examples=200, deadline=None)
@given(
    st.text()
    | st.text().map(lambda s: PREFIX + s)
    | st.binary().map(lambda b: PREFIX + base64.urlsafe_b64encode(b).decode())
)
def test_any_text_is_refused_as_a_state(text):
    with pytest.raises(UserError):
        decode_state(text)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
lists = st.lists(scalars | st.lists(scalars, max_size=3), max_size=5)
plain = scalars | lists | st.dictionaries(st.text(max_size=5), scalars, max_size=3)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*Config.__dataclass_fields__, "x"]), plain), st.binary(max_size=200))
def test_hostile_configs_with_a_right_checksum_are_refused_or_valid(values, knobs):
    text = json.dumps(values).encode()
    if len(text) < 65536:
        try:
            config, numbers = decode_state(packed(text, knobs))
        except UserError:
            return
        assert len(numbers) == config.knobs <= MAX_KNOBS


@pytest.mark.parametrize(
    ("text", "knobs"),
    [
        (b"[" * 1500, b""),
        (b"[]", b""),
        (b"\xff\xfe", b""),
        (b'{"hidden":[1000000000,1000000000]}', b""),
        (b'{"lr":1' + b"0" * 400 + b"}", b""),
        (b'{"samples":1' + b"0" * 5000 + b"}", b""),
        (b'{"noise":NaN}', b""),
        (b'{"hidden":[]}', np.array([1, np.nan, 1], "<f4").tobytes()),
        (b'{"hidden":[]}', np.array([1, np.inf, 1], "<f4").tobytes()),
        (b'{"hidden":[]}', b"12345"),
        (b"cos\nsystem\n(S'true'\ntR.", b""),
    ],
)
def test_hostile_states_are_the_users_mistake(text, knobs):
    with pytest.raises(UserError, match="Received:"):
        decode_state(packed(text, knobs))


def test_a_cut_or_overlong_state_is_refused():
    state = new().state()
    for wrong in (state[:-1], state[:40], state[:30] + "AAAA" + state[34:], PREFIX + "A" * 10**6):
        with pytest.raises(UserError):
            decode_state(wrong)


# Points


@pytest.mark.parametrize("dataset", NAMES)
def test_every_data_set_has_finite_points_and_disjoint_parts(dataset):
    config = Config(dataset=dataset)
    splits = Blackbox.data(config)
    assert splits.classes == config.labels
    for part in (splits.train, splits.valid, splits.test):
        assert len(part) > 10
        assert all(bool(t.isfinite().all()) for t in part.tensors.values())
    assert Blackbox.fit_config(config, splits).synthetic == (
        splits.dataset not in ("iris", "wine", "cancer", "terrain")
    )


def test_moons_without_noise_lie_on_scikit_learns_arcs():
    data = load_built_in("moons", 200, 0.0).train.tensors
    x, label = data["x"].numpy() + np.array([0.5, 0.25]), data["label"].numpy()
    assert np.allclose(np.hypot(*x[label == 0].T), 1, atol=1e-6)
    assert np.allclose(np.hypot(*(x[label == 1] - [1, 0.5]).T), 1, atol=1e-6)


def test_own_classes_are_learnt_and_looked_at():
    splits = read_table(plane(80))
    config = Blackbox.fit_config(Config(), splits)
    assert config.classes == ("in", "out")
    box = Blackbox(config)
    assert box.run(source=plane(80)).picture.size == (1280, 720)
    with pytest.raises(UserError, match="Data of your own are needed: name them with --data"):
        box.run()
    with pytest.raises(UserError, match="tells in, out apart"):
        box.run(source=Table(("x", "y"), [(float(i), float(i * i)) for i in range(20)]))


def test_own_numbers_of_any_unit_are_scaled():
    table = Table(("y", "x"), [(1e6 + 1000.0 * i, float(i)) for i in range(50)])
    splits = read_table(table)
    box = Blackbox(Blackbox.fit_config(Config(), splits))
    assert box.config.labels == ()
    assert 0 < box.mean_metrics(splits.test)["loss"] < 20
    assert float(box.network.predict(splits.test.tensors["x"]).detach().mean()) == pytest.approx(1.025e6, rel=0.1)


@pytest.mark.parametrize(
    ("columns", "change", "message"),
    [
        (("x1", "x3", "label"), {}, "lacks the column x2"),
        (("x1", "x2", "class"), {}, "lacks the column label"),
        (("a", "b", "c"), {}, "lacks the column x"),
        (("x1", "x2", "label"), {3: (0.0, float("nan"), "in")}, "Line 5, column x2 must hold a number"),
        (("x1", "x2", "label"), {3: (0.0, float("inf"), "in")}, "Line 5, column x2"),
        (("x1", "x2", "label"), {3: (1e300, 0.0, "in")}, "Line 5, column x1"),
        (("x1", "x2", "label"), {3: ("left", 0.0, "in")}, "Line 5, column x1"),
        (("x1", "x2", "label"), {3: (0.0, 0.0, "")}, "Line 5 needs a label"),
        (("x1", "x2", "label"), {i: (float(i), 0.5 * i, "in") for i in range(40)}, "2 to 8 different"),
        (("x1", "x2", "label"), {i: (float(i), 0.5 * i, f"c{i}") for i in range(40)}, "2 to 8 different"),
        (("x1", "x2", "label"), {i: (1.0, 0.5 * i, f"c{i % 2}") for i in range(40)}, "x1 must vary"),
        (("x1", "x2", "label"), {0: (0.0, 0.1, "alone")}, "at least 2 rows"),
    ],
)
def test_tables_that_cannot_be_learnt_from_are_the_users_mistake(tmp_path, columns, change, message):
    rows = plane().rows
    for place, row in change.items():
        rows[place] = row
    path = Table(columns, rows).save(tmp_path / "points.csv")
    with pytest.raises(UserError, match=message):
        Blackbox.data(Config(), str(path))


def test_labels_are_told_apart_letter_by_letter(tmp_path):
    """What looks like a number is a name here: 01234 is not 1234, 2024.10 not 2024.1, and no date is rounded."""
    names = ["01234", "1234", "2024.10", "2024.1", "20240101", "20240102", "2024-01-01", "1e3"]
    rows = "".join(f"{0.5 * i},{i % 7},{names[i % 8]}\n" for i in range(80))
    (tmp_path / "points.csv").write_text("x1,x2,label\n" + rows)
    assert Blackbox.data(Config(), str(tmp_path / "points.csv")).classes == tuple(sorted(names))
    table = Table(("x1", "x2", "label"), [(0.5 * i, float(i % 7), 1234567.0 + i % 2) for i in range(80)])
    assert read_table(table).classes == ("1234567", "1234568")


def test_points_far_from_the_origin_keep_their_shape():
    """A circle at 54 million, as seconds and metres are, is learned as one at the origin is: float32 knows only steps of 4."""
    near = plane(200)
    far = Table(near.columns, [(x + 54e6, y - 54e6, label) for x, y, label in near.rows])
    inputs = []
    for table in (near, far):
        splits = read_table(table)
        box = Blackbox(Blackbox.fit_config(Config(), splits))
        inputs.append(box.network.standardize(splits.train.tensors["x"]))
    torch.testing.assert_close(inputs[1], inputs[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("separator", "point", "ending"), [(";", ",", "csv"), (";", ".", "csv"), ("\t", ".", "tsv")])
def test_spreadsheets_of_other_countries_are_read(tmp_path, separator, point, ending):
    lines = [("x", "y"), *((f"{i / 4:.2f}".replace(".", point), f"{i}{point}125") for i in range(20))]
    (tmp_path / f"t.{ending}").write_text("\n".join(separator.join(line) for line in lines))
    train = Blackbox.data(Config(), str(tmp_path / f"t.{ending}")).train.tensors
    torch.testing.assert_close(train["y"] - 0.125, 4 * train["x"])


def test_a_table_of_few_rows_is_refused():
    with pytest.raises(UserError, match="at least 10 rows"):
        read_table(Table(("x", "y"), [(1.0, 2.0)] * 3))


# Turning and learning


@pytest.fixture
def blank(monkeypatch):
    """No pictures, for tests that count on the numbers."""
    picture = Image(np.zeros((2, 2, 3), np.uint8))
    monkeypatch.setattr("potmeter.systems.basics.blackbox.system.draw_box", lambda *a: picture)


def test_turning_a_knob_films_every_position_and_finds_the_best():
    box = new()
    turned = box.turn(KNOB, low=-2, high=2, positions=3)
    assert turned.film.frames.shape == (3, 720, 1280, 3)
    assert len({frame.tobytes() for frame in turned.film.frames}) == 3
    line = turned.loss.lines["training points"]
    assert [x for x, _ in line] == pytest.approx([-2, 0, 2])
    for x, loss in line:
        assert box.run(knobs=(f"{KNOB}={x}",)).loss.rows[0][1] == pytest.approx(loss)
    assert box.run(turned.best.text).loss.rows[0][1] == pytest.approx(min(loss for _, loss in line))


def test_turning_backwards_is_the_users_mistake():
    with pytest.raises(UserError, match="low must be less"):
        new().turn(KNOB, low=1, high=-1)


@pytest.mark.parametrize("dataset", ["moons", "sine"])
def test_learning_streams_a_falling_loss_and_goes_on_from_a_state(dataset, blank):
    box = new(dataset=dataset)
    before = box.knobs()
    results = list(box.learn(steps=300, lr=0.05))
    losses = [loss for _, loss in results[-1].loss.lines["training points"]]
    assert len(results) == len(losses) == 25
    assert len(results[0].loss.lines["training points"]) == 1
    assert all(b < a + 1e-4 for a, b in zip(losses, losses[1:], strict=False))
    assert losses[-1] < 0.7 * losses[0]
    assert box.knobs() == before
    assert [type(result.picture) for result in results] == [Image] * 24 + [Video]
    assert len(results[-1].picture.frames) > 25, "every picture, and the last one for a while"
    again = next(iter(box.learn(results[-1].state.text, steps=1)))
    assert again.loss.lines["training points"][0][1] == pytest.approx(losses[-1])


def test_one_step_of_learning_equals_sgd(blank):
    box = new(seed=3)
    peer = box.restore()
    peer.loss(peer.load_points(None).train.tensors)["loss"].backward()
    torch.optim.SGD(peer.network.parameters(), lr=0.2).step()
    learnt = decode_state(list(box.learn(box.state(), steps=1, lr=0.2))[-1].state.text)[1]
    torch.testing.assert_close(learnt, parameters_to_vector(peer.network.parameters()).detach())


def test_a_rate_that_explodes_is_the_users_mistake(blank):
    with pytest.raises(UserError, match="lower --lr"):
        list(new(dataset="sine", activation="relu").learn(steps=200, lr=100.0))


def test_a_fresh_box_depends_on_its_seed_and_leaves_torchs_randomness_alone():
    box, state = new(), torch.get_rng_state()
    one, same, other = (box.new("spirals", seed=seed).state.text for seed in (1, 1, 2))
    assert one == same != other
    assert torch.equal(state, torch.get_rng_state())


def test_every_example_names_a_task_and_its_inputs():
    box = new()
    for example in box.examples():
        assert example.caption
        assert getattr(type(box), example.task).__name__ == example.task


@pytest.mark.parametrize(("dataset", "metric"), [("moons", "accuracy"), ("sine", "loss"), ("wine", "accuracy")])
def test_training_beats_the_linear_baseline_on_unseen_points(tmp_path, dataset, metric):
    config = replace(Blackbox.presets["tiny"], dataset=dataset)
    splits = Blackbox.data(config)
    config = Blackbox.fit_config(config, splits)
    trainer = Trainer(build_system(Blackbox, config, 0), splits, Options(steps=300, out=tmp_path / "run"), quiet=True)
    box = Blackbox.from_pretrained(trainer.fit())
    reached, simple = box.mean_metrics(splits.test)[metric], box.baselines(splits)
    linear = simple[f"{'linear' if dataset == 'sine' else 'logistic'}_regression_{metric}"]
    assert reached < 0.5 * linear if metric == "loss" else reached >= linear + 0.05 * (dataset == "moons")
    assert box.knobs() == box.restore(box.state()).knobs()
