"""GPT-2 computes what ``transformers`` computes, and reads what it and TensorFlow have saved."""

from dataclasses import replace

import pytest
import torch

from fixtures.bundle import bundle
from potmeter.errors import UserError
from potmeter.systems.language.gpt2 import GPT2, Transformer
from potmeter.systems.language.gpt2.checkpoints import translate_state
from potmeter.systems.language.gpt2.peer import CTranslate2Decoder, convert_to_ctranslate2
from potmeter.systems.language.gpt2.sampler import Sampler, generate
from potmeter.systems.language.gpt2.tokenizer import Tokenizer

transformers = pytest.importorskip("transformers")

COUNTS = {"124M": 124_439_808, "355M": 354_823_168, "774M": 774_030_080, "1558M": 1_557_611_200}


def theirs(config, spread=None):
    """A GPT-2 of ``transformers`` with random weights; ``spread`` makes its biases and norms random too."""
    sizes = {
        "n_layer": config.num_layers,
        "n_head": config.num_heads,
        "n_embd": config.embedding_dim,
        "n_positions": config.context_length,
    }
    peer = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=config.vocab_size, **sizes)).eval()
    if spread:
        for p in peer.parameters():
            p.data += spread * torch.randn_like(p)
    return peer.requires_grad_(False)


def ours(config, peer):
    model = Transformer(config).eval().requires_grad_(False)
    model.load_state_dict(translate_state(peer.state_dict()))
    return model


@pytest.fixture
def small():
    """A small pair of models with the same weights."""
    config = replace(GPT2.presets["tiny"], vocab_size=300, context_length=48)
    peer = theirs(config, 0.3)
    return ours(config, peer), peer


@pytest.mark.parametrize("preset", COUNTS)
def test_every_published_size_has_the_published_number_of_parameters(preset):
    with torch.device("meta"):
        model = Transformer(GPT2.presets[preset])
    assert sum(p.numel() for p in model.parameters()) == COUNTS[preset]


@pytest.mark.parametrize("preset", COUNTS)
def test_logits_are_those_of_transformers_in_every_published_shape(preset):
    """The smallest at its full depth; of the others four layers, since in float64 two of the largest take 24 GB."""
    layers = {"124M": 12}.get(preset, 4)
    config = replace(GPT2.presets[preset], vocab_size=300, num_layers=layers)  # a large vocabulary is only slow
    peer = theirs(config)
    model = ours(config, peer)
    ids = torch.randint(300, (1, 9))
    for kind, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        model, peer = model.to(kind), peer.to(kind)
        difference = model.logits(model(ids)) - peer(ids).logits
        assert difference.abs().max() <= tolerance


@pytest.mark.slow
def test_all_24_layers_of_the_second_shape_agree_too():
    config = replace(GPT2.presets["355M"], vocab_size=300)
    peer, ids = theirs(config), torch.randint(300, (1, 9))
    model = ours(config, peer)
    assert (model.logits(model(ids)) - peer(ids).logits).abs().max() <= 1e-5


def test_logits_agree_with_random_biases_and_norms_too(small):
    model, peer = (m.double() for m in small)
    ids = torch.randint(300, (3, 48))
    torch.testing.assert_close(model.logits(model(ids)), peer(ids).logits, rtol=0, atol=1e-11)


def test_losses_and_gradients_agree(small):
    model, peer = (m.double().requires_grad_(True) for m in small)
    ids = torch.randint(300, (2, 49))
    loss = torch.nn.functional.cross_entropy(model.logits(model(ids[:, :-1])).flatten(0, 1), ids[:, 1:].flatten())
    other = torch.nn.functional.cross_entropy(peer(ids[:, :-1]).logits.flatten(0, 1), ids[:, 1:].flatten())
    loss.backward()
    other.backward()
    torch.testing.assert_close(loss, other)
    gradients = translate_state({name: p.grad for name, p in peer.named_parameters()})
    for name, p in model.named_parameters():
        torch.testing.assert_close(p.grad, gradients[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "settings",
    [
        {"do_sample": False},
        {"do_sample": True, "temperature": 1.0, "top_k": 0},
        {"do_sample": True, "temperature": 0.7, "top_k": 20},
        {"do_sample": True, "temperature": 1.3, "top_k": 0, "top_p": 0.8},
        {"do_sample": True, "temperature": 0.9, "top_k": 50, "top_p": 0.5},
    ],
    ids=["greedy", "plain", "top-k", "top-p", "both"],
)
def test_samples_are_those_of_transformers_token_for_token(small, settings):
    model, peer = small
    prompt = [5, 9, 200, 31]
    for seed in range(5):
        torch.manual_seed(seed)
        expected = peer.generate(
            torch.tensor([prompt]), max_new_tokens=40, pad_token_id=0, eos_token_id=None, **settings
        )[0, 4:].tolist()
        sampler = Sampler(
            settings.get("temperature", 0.0),
            settings.get("top_k") or None,
            settings.get("top_p"),
            rng=torch.Generator().manual_seed(seed),
        )
        following = generate(model, prompt, sampler, 300)
        assert [next(following) for _ in range(40)] == expected


def test_the_peer_of_the_benchmark_writes_what_we_write(small, tmp_path):
    pytest.importorskip("ctranslate2")
    convert_to_ctranslate2(small[0], tmp_path)
    following = generate(small[0], [5, 9, 200, 31], Sampler(0.0), 300)
    expected = [next(following) for _ in range(30)]
    assert CTranslate2Decoder(tmp_path, "float32").generate([5, 9, 200, 31], 30) == expected


# Folders of transformers ------------------------------------------------------------------------------------------


@pytest.fixture
def vocabulary():
    return Tokenizer.train(["It was the best of times, it was the worst of times"] * 9, 300)


@pytest.fixture
def folder(small, vocabulary, tmp_path):
    """What ``transformers`` saves, with a vocabulary."""
    small[1].save_pretrained(tmp_path / "peer")
    vocabulary.save(tmp_path / "peer")
    return tmp_path / "peer"


def test_a_folder_of_transformers_loads(small, folder):
    system = GPT2.from_pretrained(folder)
    ids = torch.randint(300, (1, 20))
    torch.testing.assert_close(system.model.logits(system.model(ids)), small[1](ids).logits, rtol=1e-5, atol=1e-4)
    assert system.run("It was", tokens=5, seed=0).text.startswith("It was")
    further = GPT2.fine_tune_config(system.config)
    assert (further.lr, further.clip, further.batch_size) == (3e-5, 1.0, 2), (
        "published weights are trained further gently"
    )
    again = GPT2.from_pretrained(system.save_pretrained(folder.parent / "ours"))
    assert torch.equal(again.model.logits(again.model(ids)), system.model.logits(system.model(ids)))


def test_a_vocabulary_in_two_files_does_as_well(folder, vocabulary):
    (folder / "tokenizer.json").unlink()
    vocabulary.backend.model.save(str(folder))
    text = "It was the worst, it was é"
    assert GPT2.from_pretrained(folder).tokenizer.encode(text) == vocabulary.encode(text)


def test_a_vocabulary_that_does_not_fit_is_told(folder):
    Tokenizer.train([" ".join(f"number{n} of many" for n in range(999))], 330).save(folder)
    size = len(Tokenizer.load(folder / "tokenizer.json"))
    with pytest.raises(UserError, match=rf"weights are for 300 tokens.*Received: {size} tokens"):
        GPT2.from_pretrained(folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"activation_function": "gelu"}, "activation_function should be gelu_new"),
        ({"n_embd": 72}, "should be"),
        ({"n_layer": 3}, "it has 2 layers"),
        ({"n_layer": 10**9}, "it has 2 layers"),
        ({"n_head": 7}, "num_heads must divide"),
        ({"vocab_size": "many"}, "vocab_size takes a whole number"),
    ],
)
def test_a_folder_that_is_no_gpt2_is_told(folder, change, says):
    import json

    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(values | change))
    with pytest.raises(UserError, match=f"({says}).*Received: "):
        GPT2.from_pretrained(folder)


# TensorFlow's checkpoint ------------------------------------------------------------------------------------------


def openai_names(peer):
    """The state of a peer under the names of OpenAI's graph."""
    kinds = {"weight": "w", "bias": "b"}
    found = {}
    for name, tensor in peer.transformer.state_dict().items():
        parts = name.split(".")
        if parts[0] == "h":
            parts[:2] = [f"h{parts[1]}"]
        kind = "g" if parts[-2].startswith("ln_") and parts[-1] == "weight" else kinds[parts[-1]]
        array = tensor.numpy()
        parts = parts[:1] if parts[0] in ("wte", "wpe") else [*parts[:-1], kind]
        found["/".join(["model", *parts])] = array[None] if kind == "w" and parts[0].startswith("h") else array
    return found


@pytest.fixture
def published(small, vocabulary, tmp_path):
    """A folder as OpenAI published them."""
    folder = tmp_path / "117M"
    folder.mkdir()
    bundle(folder / "model.ckpt", openai_names(small[1]))
    sizes = {"n_vocab": 300, "n_ctx": 48, "n_embd": 64, "n_head": 4, "n_layer": 2}
    (folder / "hparams.json").write_text(str(sizes).replace("'", '"'))
    vocabulary.backend.model.save(str(folder))
    (folder / "vocab.json").rename(folder / "encoder.json")
    (folder / "merges.txt").rename(folder / "vocab.bpe")
    return folder


def test_openais_checkpoint_loads_without_tensorflow(small, published):
    system = GPT2.from_pretrained(published)
    ids = torch.randint(300, (2, 30))
    torch.testing.assert_close(system.model.logits(system.model(ids)), small[1](ids).logits, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("missing", ["model.ckpt.index", "model.ckpt.data-00000-of-00001", "encoder.json", "vocab.bpe"])
def test_a_missing_part_is_told(published, missing):
    (published / missing).unlink()
    with pytest.raises(UserError, match="Received: "):
        GPT2.from_pretrained(published)
