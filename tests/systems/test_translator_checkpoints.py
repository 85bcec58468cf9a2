"""Checkpoints of tensorflow/nmt: the translator computes what its equations say, written here once more in NumPy."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import potmeter
from fixtures.bundle import bundle
from potmeter.errors import UserError
from potmeter.nn.beam_search import Beam, Hypothesis
from potmeter.systems.language.translator import Translator
from potmeter.systems.language.translator.checkpoints import build_nmt_config
from potmeter.systems.language.translator.decoding import TorchSearch
from potmeter.systems.language.translator.model import COPY, pad
from potmeter.systems.language.translator.word_tokenizer import WordTokenizer

W, SOURCES, TARGETS = 12, 20, 24
KINDS = [
    ("standard", "scaled_luong", 2), ("standard", "normed_bahdanau", 2),
    ("gnmt_v2", "scaled_luong", 4), ("gnmt_v2", "normed_bahdanau", 4), ("gnmt_v2", "scaled_luong", 2),
]  # fmt: skip
UNK, START, END = range(3)
"""Of nmt."""
THEIRS = [COPY, 1, 2, *range(4, TARGETS + 1)]
"""Our numbers of nmt's tokens, in its order."""


def hparams(kind, attention, layers=2):
    """What nmt writes into ``hparams``, or of it what matters."""
    gnmt = kind == "gnmt_v2"
    return {
        "src": "en", "tgt": "vi", "num_units": W, "num_encoder_layers": layers, "num_decoder_layers": layers,
        "unit_type": "lstm", "encoder_type": "gnmt" if gnmt else "bi", "residual": gnmt, "attention": attention,
        "attention_architecture": kind, "output_attention": True, "pass_hidden_state": True, "forget_bias": 1.0,
        "share_vocab": False, "subword_option": "bpe", "sos": "<s>", "eos": "</s>", "time_major": True, "dropout": 0.2,
    }  # fmt: skip


def above(number, layers):
    """The path of a layer over the bidirectional one of GNMT's encoder; a single one is no MultiRNNCell."""
    return f"encoder/rnn/multi_rnn_cell/cell_{number}" if layers > 2 else "encoder/rnn"


def shapes(kind, attention, layers):
    """nmt's trainable variables, by the names that its tests list."""
    top, found = "dynamic_seq2seq", {}

    def cell(path, inputs):
        found[f"{top}/{path}/basic_lstm_cell/kernel"] = (inputs + W, 4 * W)
        found[f"{top}/{path}/basic_lstm_cell/bias"] = (4 * W,)

    cell("encoder/bidirectional_rnn/fw", W)
    cell("encoder/bidirectional_rnn/bw", W)
    if kind == "standard":
        memory, looks = 2 * W, "decoder/attention"
        cell("decoder/attention/multi_rnn_cell/cell_0", W + W)
        cell("decoder/attention/multi_rnn_cell/cell_1", W)
        found[f"{top}/{looks}/attention_layer/kernel"] = (W + memory, W)
    else:
        memory, looks = W, "decoder/multi_rnn_cell/cell_0_attention/attention"
        for n in range(layers - 1):
            cell(above(n, layers), W if n else 2 * W)
            cell(f"decoder/multi_rnn_cell/cell_{n + 1}", W + memory)
        cell(looks, W + memory)
    if attention == "scaled_luong":
        found[f"{top}/{looks}/luong_attention/attention_g"] = ()
    else:
        found[f"{top}/{looks}/bahdanau_attention/query_layer/kernel"] = (W, W)
        found |= {f"{top}/{looks}/bahdanau_attention/attention_{part}": (W,) for part in "vb"}
        found[f"{top}/{looks}/bahdanau_attention/attention_g"] = ()
    return found | {
        "embeddings/encoder/embedding_encoder": (SOURCES, W),
        "embeddings/decoder/embedding_decoder": (TARGETS, W),
        f"{top}/decoder/memory_layer/kernel": (memory, W),
        f"{top}/decoder/output_projection/kernel": (W, TARGETS),
    }


def weights(kind, attention, layers=2):
    """Random variables of a model that, as after training, never expects <s>, and </s> now and then."""
    rng = np.random.default_rng(5)
    found = {name: rng.normal(0, 0.6, shape).astype("f4") for name, shape in shapes(kind, attention, layers).items()}
    found["dynamic_seq2seq/decoder/output_projection/kernel"][:, [START, END]] *= [0, 3]
    return found


def written(folder, kind="standard", attention="scaled_luong", layers=2):
    """A folder as nmt leaves it after training, the optimiser's step and slots among the variables; and the weights."""
    folder.mkdir()
    found = weights(kind, attention, layers)
    extra = {
        "Variable": np.array(12_000, "i4"),
        "embeddings/encoder/embedding_encoder/Adam": np.ones((SOURCES, W), "f4"),
    }
    bundle(folder / "translate.ckpt-12000", found | extra)
    (folder / "checkpoint").write_text('model_checkpoint_path: "/tmp/nmt_model/translate.ckpt-12000"\n')
    (folder / "hparams").write_text(json.dumps(hparams(kind, attention, layers), indent=4))
    for language, size in (("en", SOURCES), ("vi", TARGETS)):
        words = [f"{language}{n}" + ("@@" if n % 5 == 4 else "") for n in range(size - 3)]
        (folder / f"vocab.{language}").write_text("\n".join(["<unk>", "<s>", "</s>", *words]) + "\n")
    return found


# nmt in NumPy, one sentence at a time ------------------------------------------------------------------------------


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


class Nmt:
    """The equations of Luong's and of GNMT's model, with nmt's variables."""

    def __init__(self, kind, variables, layers=2):
        self.gnmt, self.layers = kind == "gnmt_v2", layers
        self.variables = {name.partition("/")[2]: array.astype("f8") for name, array in variables.items()}
        self.looks = "decoder/multi_rnn_cell/cell_0_attention/attention" if self.gnmt else "decoder/attention"

    def cell(self, path, x, state):
        """BasicLSTMCell."""
        h, c = state
        z = np.concatenate([x, h]) @ self.variables[f"{path}/basic_lstm_cell/kernel"]
        i, j, f, o = np.split(z + self.variables[f"{path}/basic_lstm_cell/bias"], 4)
        c = sigmoid(f + 1.0) * c + sigmoid(i) * np.tanh(j)
        return sigmoid(o) * np.tanh(c), c

    def layer(self, path, xs):
        state, hs = (np.zeros(W), np.zeros(W)), []
        for x in xs:
            state = self.cell(path, x, state)
            hs.append(state[0])
        return np.array(hs), state

    def encode(self, source):
        """The memory, and the states with which the decoder's layers begin."""
        xs = self.variables["encoder/embedding_encoder"][source]
        ahead, first = self.layer("encoder/bidirectional_rnn/fw", xs)
        back, second = self.layer("encoder/bidirectional_rnn/bw", xs[::-1])
        xs = np.concatenate([ahead, back[::-1]], 1)
        if not self.gnmt:
            return xs, [first, second]
        states = [second]
        for n in range(self.layers - 1):
            ys, state = self.layer(above(n, self.layers), xs)
            xs = xs + ys if n else ys  # ResidualWrapper, but for the one above both directions
            states.append(state)
        return xs, states

    def look(self, h, memory):
        part = {name.removeprefix(self.looks + "/"): array for name, array in self.variables.items()}
        keys = memory @ self.variables["decoder/memory_layer/kernel"]
        if "luong_attention/attention_g" in part:
            scores = part["luong_attention/attention_g"] * (keys @ h)
        else:
            query, v, g, b = (
                part[f"bahdanau_attention/{name}"]
                for name in ("query_layer/kernel", "attention_v", "attention_g", "attention_b")
            )
            scores = np.tanh(keys + h @ query + b) @ (g * v / np.sqrt((v**2).sum()))
        return softmax(scores) @ memory

    def decoder(self, source):
        """A function from the next token to the logits of the one after it."""
        memory, states = self.encode(source)
        fed = np.zeros(memory.shape[1] if self.gnmt else W)

        def step(token):
            nonlocal fed
            x = np.concatenate([self.variables["decoder/embedding_decoder"][token], fed])
            if self.gnmt:
                states[0] = self.cell(self.looks, x, states[0])
                x = states[0][0]
                fed = self.look(x, memory)
                for n in range(1, self.layers):
                    path = f"decoder/multi_rnn_cell/cell_{n}"
                    states[n] = self.cell(path, np.concatenate([x, fed]), states[n])
                    x = states[n][0] + (x if n > 1 else 0)
            else:
                for n in (0, 1):
                    states[n] = self.cell(f"decoder/attention/multi_rnn_cell/cell_{n}", x, states[n])
                    x = states[n][0]
                layer = self.variables["decoder/attention/attention_layer/kernel"]
                x = fed = np.concatenate([x, self.look(x, memory)]) @ layer
            return x @ self.variables["decoder/output_projection/kernel"]

        return step

    def greedy(self, source, longest):
        step, tokens = self.decoder(source), [START]
        while len(tokens) <= longest:
            if (token := int(step(tokens[-1]).argmax())) == END:
                break
            tokens.append(token)
        return tokens[1:]


# What it must be ---------------------------------------------------------------------------------------------------


def ours(tokens):
    """Tokens of nmt in our numbers."""
    return [THEIRS[token] for token in tokens]


@pytest.mark.parametrize(("kind", "attention", "layers"), KINDS)
def test_logits_are_those_of_nmts_equations(kind, attention, layers, tmp_path):
    peer = Nmt(kind, written(tmp_path / "nmt", kind, attention, layers), layers)
    system = potmeter.load("translator", tmp_path / "nmt")
    sources, targets = [[5, 0, 7, 7, 19], [3, 12]], [[1, 4, 9, 0, 23, 2], [1, 8, 8, 3, 5, 6]]
    logits = system.model(pad([ours(row) for row in sources]), torch.tensor([ours(row) for row in targets]))
    for number, (source, target) in enumerate(zip(sources, targets, strict=True)):
        step = peer.decoder(source)
        expected = torch.tensor(np.array([step(token) for token in target])).float()
        torch.testing.assert_close(logits[number][:, THEIRS], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("kind", "attention", "layers"), KINDS)
def test_greedy_translations_are_those_of_nmts_equations(kind, attention, layers, tmp_path):
    peer = Nmt(kind, written(tmp_path / "nmt", kind, attention, layers), layers)
    system = potmeter.load("translator", tmp_path / "nmt")
    names = (tmp_path / "nmt" / "vocab.vi").read_text().split("\n")
    rng, lengths = np.random.default_rng(1), []
    sources = [rng.integers(3, SOURCES, rng.integers(1, 9)).tolist() for _ in range(12)]
    texts = [" ".join(f"en{n - 3}" + ("@@" if (n - 3) % 5 == 4 else "") for n in row) for row in sources]
    rows = [system.vocabularies.encode_source(text, "en-vi")[0] for text in texts]
    found = TorchSearch(system.model)(rows, Beam(1), [16] * len(rows), len(system.vocabularies.target))
    for source, text, (one,) in zip(sources, texts, found, strict=True):
        expected = peer.greedy(source, 15)
        assert START not in expected and one.tokens == ours(expected)
        plain = " ".join(names[token] for token in expected).replace("@@ ", "").removesuffix("@@")
        assert system.vocabularies.decode(text, "en-vi", one) == plain
        lengths.append(len(expected))
    assert len(set(lengths)) > 1 and max(lengths) > 3, "some end, and say something before"


def test_it_is_saved_and_loaded_like_every_other(tmp_path):
    written(tmp_path / "nmt", "gnmt_v2", "normed_bahdanau", 4)
    system = Translator.from_pretrained(tmp_path / "nmt")
    again = Translator.from_pretrained(system.save_pretrained(tmp_path / "ours"))
    assert again.config == system.config and again.state_dict().keys() == system.state_dict().keys()
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in system.state_dict().items())
    one, other = (each.run("en1 zzz en4@@ en6", beam=2, best=2) for each in (system, again))
    assert one.alternatives.rows == other.alternatives.rows and len(one.alternatives.rows) == 2
    assert isinstance(again.vocabularies.source, WordTokenizer)
    assert again.vocabularies.encode_source("en1 zzz <s> en4@@", "en-vi") == ([5, COPY, COPY, 8], ["▁zzz", "▁<s>"])


def test_the_models_for_iwslt_and_wmt_are_the_presets():
    iwslt = hparams("standard", "scaled_luong") | {"num_units": 512}
    paper = Translator.presets["paper"]
    one_more = {"vocab_size": 17_192, "target_vocab_size": 7_710}  # padding
    named = {"languages": ("en", "vi"), "dataset": "own data"}
    assert build_nmt_config(iwslt, ["en", "vi"], [17_192, 7_710]) == replace(paper, **one_more, **named)
    old = {key: value for key, value in iwslt.items() if not key.endswith("_layers")} | {"num_layers": 2}
    assert build_nmt_config(old, ["en", "vi"], [17_192, 7_710]) == replace(paper, **one_more, **named)
    wmt = hparams("gnmt_v2", "scaled_luong", 4) | {"num_units": 512}
    gnmt = replace(Translator.presets["gnmt"], **one_more, **named)
    assert build_nmt_config(wmt, ["en", "vi"], [17_192, 7_710]) == gnmt
    public = wmt | {"num_units": 1024, "attention": "normed_bahdanau"}  # wmt16_gnmt_4_layer.json
    assert build_nmt_config(public, ["en", "vi"], [17_192, 7_710]) == replace(
        gnmt, embedding_dim=1024, attention="additive"
    )


def test_an_unknown_word_is_copied_to_where_nmt_writes_unk(tmp_path):
    written(tmp_path / "nmt")
    known = Translator.from_pretrained(tmp_path / "nmt").vocabularies
    looked = torch.eye(4)[:, [1, 2, 3, 0]]  # the first token looked at the fourth, the others at the one before
    found = Hypothesis([4, COPY, 8, COPY, 9], 0.0, 0.0, torch.cat([looked, looked])[:6])
    assert known.decode("Ha Noi en0 en1", "en-vi", found) == "vi0 Ha vi4Ha vi5"
    assert known.decode("en0 en1 en2 en3", "en-vi", found) == "vi0 <unk> vi4<unk> vi5"
    assert known.name_tokens("Ha Noi en0 en1", "en-vi", found)[0] == ["▁Ha", "▁Noi", "▁en0", "▁en1"]


def test_only_a_space_parts_words_and_a_vocabulary_begins_as_nmt_writes_it(tmp_path):
    path = tmp_path / "vocab.en"
    path.write_bytes("<unk>\r\n<s>\r\n</s>\r\na\xa0b\r\nc\u2028d".encode())
    words = WordTokenizer.read(path)
    assert words.encode("a\xa0b  c\u2028d ") == ([4, 5], []) and words.decode([4, 5]) == "a\xa0b c\u2028d"
    for text, says in (
        ("a\nb", "must begin with <unk>, <s>, </s>"),
        ("<unk>\n<s>\n</s>\na\na", "a word twice"),
        ("<unk>\n<s>\n</s>\n<pad>", "<pad>"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=f"{says}.*Received"):
            WordTokenizer.read(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="not UTF-8 text.*Received"):
        WordTokenizer.read(path)


def test_the_newest_checkpoint_is_the_one_that_is_named_or_has_the_highest_number(tmp_path):
    written(tmp_path / "nmt")
    other = {name: array + 1 for name, array in weights("standard", "scaled_luong").items()}
    bundle(tmp_path / "nmt" / "translate.ckpt-900", other)
    scale = weights("standard", "scaled_luong")["dynamic_seq2seq/decoder/attention/luong_attention/attention_g"]

    def loaded():
        return float(potmeter.load("translator", tmp_path / "nmt").model.attention_scale)

    assert loaded() == pytest.approx(float(scale))
    (tmp_path / "nmt" / "checkpoint").write_text('model_checkpoint_path: "translate.ckpt-900"\n')
    assert loaded() == pytest.approx(float(scale) + 1)
    (tmp_path / "nmt" / "checkpoint").unlink()
    assert loaded() == pytest.approx(float(scale))


# What it must refuse -----------------------------------------------------------------------------------------------


def refused(folder, says):
    """The one line that says it."""
    with pytest.raises(UserError, match=f"{says}.*Received: ") as caught:
        potmeter.load("translator", folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"attention_architecture": "gnmt"}, "attention_architecture standard or gnmt_v2 can be read"),
        ({"attention_architecture": ["gnmt"]}, "attention_architecture"),
        ({"attention": "bahdanau"}, "attention scaled_luong or normed_bahdanau can be read"),
        ({"attention": ""}, "attention scaled_luong"),
        ({"unit_type": "gru"}, "unit_type lstm can be read"),
        ({"encoder_type": "uni"}, "encoder_type bi can be read"),
        ({"residual": True}, "residual False can be read"),
        ({"num_encoder_layers": 4, "num_decoder_layers": 4}, "num_encoder_layers 2 can be read"),
        ({"num_decoder_layers": 4}, "as many layers in the decoder"),
        ({"forget_bias": 0.0}, "forget_bias 1.0 can be read"),
        ({"share_vocab": True}, "share_vocab False can be read"),
        ({"subword_option": "spm"}, "subword_option bpe can be read"),
        ({"eos": "END"}, "eos </s> can be read"),
        ({"num_units": "many"}, "embedding_dim takes a whole number"),
        ({"num_units": 10**15}, "embedding_encoder should be"),
        ({"attention": "normed_bahdanau"}, "bahdanau_attention/.* is missing"),
        ({"src": None}, "must name the languages"),
        ({"src": "../en"}, "must name the languages"),
        ({"src": "fr"}, "must have one vocab.fr"),
        ({"src": "vi", "tgt": "en"}, "embedding_encoder should be"),
    ],
    ids=str,
)
def test_hyper_parameters_of_another_architecture_are_told(change, says, tmp_path):
    written(tmp_path / "nmt")
    (tmp_path / "nmt" / "hparams").write_text(json.dumps(hparams("standard", "scaled_luong") | change))
    refused(tmp_path / "nmt", says)


def test_layers_that_the_checkpoint_has_not_are_told(tmp_path):
    written(tmp_path / "nmt", "gnmt_v2", "scaled_luong", 4)
    for layers, says in ((3, "encoder/rnn/.* should be|unknown"), (5, "cell_3.*missing"), (10**9, "fewer layers")):
        sizes = {"num_encoder_layers": layers, "num_decoder_layers": layers}
        (tmp_path / "nmt" / "hparams").write_text(json.dumps(hparams("gnmt_v2", "scaled_luong") | sizes))
        refused(tmp_path / "nmt", says)


def test_missing_misshapen_and_unknown_variables_are_told(tmp_path):
    written(tmp_path / "nmt")
    whole = weights("standard", "scaled_luong")
    for name, array in whole.items():
        short = name.partition("/")[2]
        bundle(tmp_path / "nmt" / "translate.ckpt-12000", {key: value for key, value in whole.items() if key != name})
        refused(tmp_path / "nmt", f"{short} is missing")
        bundle(tmp_path / "nmt" / "translate.ckpt-12000", whole | {name: np.ones((*array.shape, 2), "f4")})
        refused(tmp_path / "nmt", f"{short} should be")
    bundle(tmp_path / "nmt" / "translate.ckpt-12000", whole | {"dynamic_seq2seq/decoder/gate": np.ones(2, "f4")})
    refused(tmp_path / "nmt", "decoder/gate is unknown")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("hparams", b"{", "is not JSON"),
        ("hparams", b"[1]", "must hold a JSON object"),
        ("checkpoint", b"nothing", "names no model_checkpoint_path"),
        ("checkpoint", b'model_checkpoint_path: "translate.ckpt-7"', "cannot be read: No such file"),
        ("checkpoint", b'model_checkpoint_path: "../.."', "cannot be read|names no"),
        ("vocab.en", b"one\ntwo\n", "must begin with"),
        ("vocab.en", b"<unk>\n<s>\n</s>\nfew\n", "vocab_size must be at least 16"),
        ("vocab.en", None, "must have one vocab.en"),
        ("translate.ckpt-12000.index", None, "cannot be read"),
        ("translate.ckpt-12000.data-00000-of-00001", None, "cannot be read"),
        ("translate.ckpt-12000.index", 0.5, "broken TensorFlow checkpoint"),
        ("translate.ckpt-12000.data-00000-of-00001", 0.5, "broken TensorFlow checkpoint"),
        ("translate.ckpt-12000.data-00000-of-00001", 0.0, "broken TensorFlow checkpoint"),
    ],
)
def test_missing_and_damaged_files_are_told(name, content, says, tmp_path):
    written(tmp_path / "nmt")
    path = tmp_path / "nmt" / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(
            content if isinstance(content, bytes) else path.read_bytes()[: int(content * path.stat().st_size)]
        )
    refused(tmp_path / "nmt", says)


def test_a_folder_of_our_own_stays_one_of_our_own(tmp_path):
    written(tmp_path / "nmt")
    folder = Translator.from_pretrained(tmp_path / "nmt").save_pretrained(tmp_path / "ours")
    (folder / "hparams").write_text("of something else")
    assert isinstance(Translator.from_pretrained(folder).vocabularies.source, WordTokenizer)
