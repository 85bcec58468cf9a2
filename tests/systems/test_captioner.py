"""The captioner: attention, search, what it learns from, a user's own pictures."""

import itertools
import json
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import torch

from potmeter.cli import execute
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.nn.beam_search import Beam
from potmeter.systems.vision.captioner import ImageCaptioner
from potmeter.systems.vision.captioner.batches import TokenData
from potmeter.systems.vision.captioner.decoding import search_captions
from potmeter.systems.vision.captioner.evaluation import is_named, measure_captions
from potmeter.systems.vision.captioner.model import CLASSES, END, EPSILON, PAD, UNKNOWN, Decoder
from potmeter.systems.vision.captioner.words import (
    encode_captions,
    join_words,
    learn_vocabulary,
    match_classes,
    split_caption,
)

SMALL = replace(
    ImageCaptioner.presets["tiny"],
    vocabulary=("a", "red", "cat"), languages=("en", "hu"), max_length=3, annotation_dim=6, embedding_dim=5, hidden_size=7,
)  # fmt: skip


@pytest.fixture(scope="module")
def splits():
    return ImageCaptioner.data(ImageCaptioner.presets["tiny"])


@pytest.fixture(scope="module")
def fresh(splits):
    """A captioner of shapes that has learnt nothing yet."""
    torch.manual_seed(0)
    return ImageCaptioner(ImageCaptioner.fit_config(ImageCaptioner.presets["tiny"], splits)).eval()


def decoder(**changes):
    torch.manual_seed(0)
    config = replace(SMALL, **changes)
    return Decoder(config, features=4, side=3).eval(), config


# The decoder --------------------------------------------------------------------------------------------------------


def test_attention_weights_are_positive_and_sum_to_one_for_each_word():
    network, _ = decoder()
    _, weights = network(torch.randn(5, 4, 3, 3), torch.randint(3, 8, (5, 4)))
    assert weights.shape == (5, 4, 9) and (weights > 0).all()
    torch.testing.assert_close(weights.sum(2), torch.ones(5, 4))


@pytest.mark.parametrize("architecture", ["attend", "tell"])
def test_a_word_s_logits_do_not_depend_on_later_words_nor_on_other_captions(architecture):
    network, _ = decoder(architecture=architecture)
    maps, tokens = torch.randn(3, 4, 3, 3), torch.randint(3, 8, (3, 4))
    logits, weights = network(maps, tokens)
    assert (weights is None) == (architecture == "tell")
    changed = tokens.clone()
    changed[:, 3] = 1
    torch.testing.assert_close(network(maps, changed)[0][:, :3], logits[:, :3])
    torch.testing.assert_close(network(maps[1:2], tokens[1:2])[0], logits[1:2], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("architecture", ["attend", "tell"])
def test_what_stands_where_changes_the_words(architecture):
    network, _ = decoder(architecture=architecture)
    maps, tokens = torch.randn(1, 4, 3, 3), torch.tensor([[3, 5, 6]])
    difference = (network(maps, tokens)[0] - network(maps.flip(-1), tokens)[0]).abs().max()
    assert difference > 1e-5, "a mirror image is another picture"


def all_captions(network, config, maps, language):
    """Every caption of up to ``max_length`` words with its log p."""
    words = range(3 + len(config.languages), len(config.tokens))
    found = {}
    for length in range(config.max_length + 1):
        for chosen in itertools.product(words, repeat=length):
            row = [config.start(language), *chosen, END]
            logits = network(maps, torch.tensor([row[:-1]]))[0][0]
            allowed = torch.full_like(logits, -torch.inf)
            allowed[:, END], allowed[:, words.start :] = logits[:, END], logits[:, words.start :]
            found[chosen] = float(allowed.log_softmax(1)[range(len(row) - 1), row[1:]].sum())
    return found


@pytest.mark.parametrize("architecture", ["attend", "tell"])
@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_finds_the_best_of_all_captions(architecture, length_penalty, seed):
    network, config = decoder(architecture=architecture)
    torch.manual_seed(seed)
    for parameter in network.parameters():
        parameter.data.mul_(3)  # so that some captions are much likelier than others
    maps = torch.randn(1, 4, 3, 3)
    beam = Beam(40, length_penalty, exact=True)
    with torch.no_grad():
        every = all_captions(network, config, maps, "hu")
        (found,) = search_captions(network, config, maps, "hu", beam, best=5)
    ranked = sorted(every, key=lambda words: -every[words] / beam.normaliser(len(words) + 1))
    assert [tuple(each.tokens) for each in found] == ranked[:5]
    for each in found:
        assert each.log_prob == pytest.approx(every[tuple(each.tokens)], abs=1e-4)


def test_a_wider_beam_never_ends_with_a_worse_caption_than_the_first_one_found():
    """im2txt lost finished captions that later ones were worse than."""
    network, config = decoder()
    maps = torch.randn(20, 4, 3, 3)
    greedy = search_captions(network, config, maps, "en", Beam(1, 0.0))
    wide = search_captions(network, config, maps, "en", Beam(40, 0.0, exact=True))
    assert all(b[0].log_prob >= a[0].log_prob - 1e-5 for a, b in zip(greedy, wide, strict=True))


def test_special_tokens_are_never_written():
    network, config = decoder()
    network.output_bias.data[[PAD, UNKNOWN, config.start("en"), config.start("hu")]] = 50
    (found,) = search_captions(network, config, torch.randn(1, 4, 3, 3), "en", Beam(5), best=5)
    assert found and all(token >= 5 for each in found for token in each.tokens)


# What the backbone's classifier says ----------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ["attend", "tell"])
def test_a_class_that_is_seen_speaks_for_the_words_that_name_it_and_for_no_others(architecture):
    network, config = decoder(architecture=architecture, class_words=("281 cat", "282 cat"))
    maps, tokens = torch.randn(2, 4, 3, 3), torch.tensor([[3, 5], [3, 5]])
    probabilities = torch.full((2, CLASSES, 3, 3), 1e-6)
    probabilities[1, 281], probabilities[1, 282] = 0.3, 0.2  # two classes of one word count together, everywhere alike
    logits, _ = network(torch.cat([maps[:1].expand(2, -1, -1, -1), probabilities], 1), tokens)
    change = logits[1] - logits[0]
    cat = config.tokens.index("cat")
    torch.testing.assert_close(change[:, :cat], torch.zeros(2, cat), atol=1e-5, rtol=0)
    none, half = (np.log1p(q / EPSILON) for q in (2e-6, 0.5))
    assert change[0, cat] > 1 and (change[:, cat] / (half - none) < 10).all()
    assert "evidence.gate.weight" in dict(network.named_parameters())
    plain, _ = decoder(architecture=architecture)
    assert plain.evidence is None and not [key for key in network.state_dict() if "member" in key or "groups" in key]


def test_a_class_that_has_been_named_speaks_no_longer_and_others_still_do():
    network, config = decoder(class_words=("281 cat", "1 red"))
    cat, red = (config.tokens.index(word) for word in ("cat", "red"))
    maps, tokens = torch.randn(1, 4, 3, 3), torch.tensor([[3, cat, 5, 5]])
    probabilities = torch.zeros(2, CLASSES, 3, 3)
    probabilities[1, 281], probabilities[1, 1] = 0.5, 0.3
    # one by one: rows of a minibatch may differ by rounding
    before, after = (network(torch.cat([maps, one[None]], 1), tokens)[0][0] for one in probabilities)
    change = after - before
    assert change[0, cat] > 1 and not change[1:, cat].any() and (change[:, red] > 1).all()


def test_evidence_comes_from_where_the_network_looks():
    network, config = decoder(class_words=("281 cat",))
    tokens, maps = torch.tensor([[3]]), torch.randn(1, 4, 3, 3)
    gains = []
    for place in range(9):
        probabilities = torch.zeros(1, CLASSES, 3, 3)
        probabilities.view(CLASSES, 9)[281, place] = 1
        logits, weights = network(torch.cat([maps, probabilities], 1), tokens)
        gains.append(logits[0, 0, config.tokens.index("cat")].item())
    assert np.argsort(gains).tolist() == weights[0, 0].argsort().tolist()


def test_classes_are_named_by_what_the_data_say_or_by_the_ends_of_their_english_names(splits):
    data = splits.train.head(4)
    data.class_words = {"róka": ("red fox", "kit fox"), "fox": ("red fox",)}
    assert match_classes(data, ("fox", "róka", "the")) == ("277 fox", "277 róka", "278 róka")
    data.class_words = {}
    assert match_classes(data.in_language("en"), ("bear", "fox", "a"))[:2] == ("277 fox", "278 fox")
    assert match_classes(data.in_language("hu"), ("fox",)) == (), "an English name says nothing of Hungarian words"


# Words --------------------------------------------------------------------------------------------------------------


def test_captions_become_tokens_and_come_back(splits, fresh):
    text = splits.test.captions[0]["hu"][0]
    row = encode_captions([text], "hu", fresh.config)[0].tolist()
    assert row[0] == fresh.config.start("hu") and row[-1] == END
    assert join_words(fresh.config.tokens[token] for token in row[1:-1]) == join_words(text.split())


def test_signs_and_capitals_do_not_count_and_accents_do():
    assert split_caption("Két ALMA, egy „tyúk”… (2)!") == ["két", "alma", ",", "egy", "tyúk", "2"]


def test_the_vocabulary_has_frequent_words_first_and_rare_ones_are_unknown(splits, fresh):
    words = learn_vocabulary(splits.train, 1)
    assert words == fresh.config.vocabulary and {"a", "circle", "háromszögtől", ","} <= set(words)
    fewer = learn_vocabulary(splits.train, 500)
    assert set(fewer) < set(words)
    few = replace(fresh.config, vocabulary=fewer)
    assert UNKNOWN in encode_captions(["a háromszögtől xyzzy"], "en", few)[0].tolist()
    with pytest.raises(UserError, match="No word stands 1000000 times"):
        learn_vocabulary(splits.train, 10**6)


def test_every_caption_of_a_picture_is_drawn_from(splits, fresh):
    data = TokenData(splits.train, fresh.config)
    batch = data.__getitems__([3, 5])
    assert batch["captions"].shape[:2] == (2, 4) and batch["image"].shape == (2, 3, 48, 48)
    starts = batch["captions"][0, :, 0].tolist()
    assert starts.count(fresh.config.start("en")) == starts.count(fresh.config.start("hu")) == 2


def test_the_loss_is_that_of_the_words_and_not_of_padding(splits, fresh):
    batch = TokenData(splits.train, fresh.config).__getitems__(range(16))
    longer = batch | {"captions": torch.nn.functional.pad(batch["captions"], (0, 7))}
    fresh.rng = type(fresh.rng)(5)
    one = fresh.loss(batch)["loss"]
    fresh.rng = type(fresh.rng)(5)
    torch.testing.assert_close(fresh.loss(longer)["loss"], one)
    assert one.item() == pytest.approx(float(np.log(len(fresh.config.tokens))), rel=0.2), (
        "a fresh network knows nothing"
    )


# Metrics ------------------------------------------------------------------------------------------------------------


def test_the_references_themselves_name_everything(splits):
    part = splits.test
    written = {language: [captions[language][0] for captions in part.captions] for language in ("en", "hu")}
    metrics = measure_captions(written, part)
    assert metrics["objects_named"].mean() == 1 and metrics["bleu4"] == pytest.approx(100)
    assert metrics["cider"].shape == (2 * len(part),) and metrics["cider"].mean() > 2
    nothing = measure_captions({"en": ["nothing at all"] * len(part)}, part)
    assert nothing["objects_named"].mean() == 0 and nothing["cider"].mean() < 0.1


def test_a_name_counts_as_a_whole_word():
    assert is_named(("guinea fowl", "guinea fowl"), ["two", "guinea", "fowl"])
    assert not is_named(("car", "cars"), ["a", "carrot"])


# Use ----------------------------------------------------------------------------------------------------------------


def test_its_input_loss_is_each_picture_s_own_and_has_a_gradient(splits, fresh):
    x = splits.test.__getitems__(range(3))["image"].requires_grad_()
    captions = [each["en"][0] for each in splits.test.captions[:3]]
    losses = fresh.input_loss(x, captions)
    (gradient,) = torch.autograd.grad(losses[1], x)
    assert losses.shape == (3,) and gradient[1].abs().max() > 0 and gradient[[0, 2]].abs().max() == 0


def test_it_lists_alternatives_in_order_and_shows_where_it_looked(splits, fresh):
    image = Image.from_tensor(splits.test[0]["image"])
    result = fresh.run(image, beam=4, best=3, language="hu")
    scores = [score for _, score, _ in result.alternatives.rows]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)
    assert result.caption.text == result.alternatives.rows[0][0]
    assert min(fresh.attend(image).size) > 200
    with pytest.raises(UserError, match=r"language is one of en, hu\. Received: de"):
        fresh.run(image, language="de")
    with pytest.raises(UserError, match="A beam of 2 has at most 2 alternatives"):
        fresh.run(image, beam=2, best=3)


def test_a_caption_is_scored_by_its_words(splits, fresh):
    image = Image.from_tensor(splits.test[0]["image"])
    fit = fresh.score(image, "a red circle and a green square")
    assert [word for word, _ in fit.words.rows] == [*["a", "red", "circle", "and", "a", "green", "square"], "(end)"]
    total = sum(np.log(p) for _, p in fit.words.rows)
    assert f"log p {total:.2f}," in fit.fit.text
    with pytest.raises(UserError, match=r"vocabulary has not all of these words\. Received: submarine"):
        fresh.score(image, "a red submarine")
    with pytest.raises(UserError, match="A caption has 1 to 20 words"):
        fresh.score(image, "")


@pytest.mark.parametrize("size", [(1, 1), (20_000, 20), (20, 3_000)])
def test_pictures_of_any_size_are_captioned(fresh, size):
    image = Image(np.zeros((size[1], size[0], 3), np.uint8))
    assert isinstance(fresh.run(image).caption.text, str) and min(fresh.attend(image).size) > 200
    assert len(fresh.batch([image, image]).rows) == 2


def test_a_network_that_sees_the_picture_once_has_no_attention_to_show(splits):
    config = ImageCaptioner.fit_config(replace(ImageCaptioner.presets["tiny"], architecture="tell"), splits)
    image = Image.from_tensor(splits.test[0]["image"])
    system = ImageCaptioner(config).eval()
    assert isinstance(system.run(image).caption.text, str)
    with pytest.raises(UserError, match="no attention"):
        system.attend(image)


def test_an_untrained_system_says_that_it_has_no_words():
    with pytest.raises(UserError, match="no vocabulary yet"):
        ImageCaptioner(ImageCaptioner.presets["tiny"]).run(Image(np.zeros((9, 9, 3), np.uint8)))


# Data of one's own --------------------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path):
    """Plain pictures, each with a caption of its colour, in COCO's layout."""
    colours = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
    images, annotations = [], []
    for number, (word, rgb) in enumerate(itertools.islice(itertools.cycle(colours.items()), 90)):
        shade = np.random.default_rng(number).integers(0, 40, (20, 20, 3), np.uint8)
        pixels = np.abs(np.array(rgb, np.uint8) - shade)
        PIL.Image.fromarray(pixels).save(tmp_path / f"{number:02}.png")
        images.append({"id": number, "file_name": f"{number:02}.png"})
        annotations.append({"image_id": number, "caption": f"It is {word}."})
    (tmp_path / "captions.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    return tmp_path


def test_it_learns_from_one_s_own_pictures_by_one_command(own, tmp_path, capsys):
    run = tmp_path / "run"
    flags = f"--preset tiny --steps 60 --eval-every 60 --data {own} --device cpu --out {run}"
    assert execute(["train", "captioner", *flags.split()]) == 0
    system = ImageCaptioner.from_pretrained(run)
    assert system.languages == ("und",) and set(system.config.vocabulary) == {"it", "is", "red", "green", "blue"}
    assert system.run(str(own / "00.png")).caption.text == "it is red"
    assert system.run(str(own / "02.png")).caption.text == "it is blue"
    capsys.readouterr()
    assert execute(["eval", "captioner", "--weights", str(run), "--data", str(own), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert "objects_named" not in measured["metrics"] and "nearest_cider" in measured["baselines"]


def test_weights_of_other_languages_are_told(own, fresh):
    with pytest.raises(UserError, match=r"The weights write en, hu; say with --language.*Received: und"):
        ImageCaptioner.data(fresh.config, str(own))
    assert ImageCaptioner.data(fresh.config, str(own), language="en").test.languages == ("en",)


# The shipped weights ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    return ImageCaptioner.from_pretrained("scenes")


@pytest.mark.network
def test_the_backbone_is_not_stored_again(shipped):
    assert not [key for key in shipped.state_dict() if "backbone" in key or "features" in key]
    assert shipped.backbone is not None and shipped.languages == ("en", "hu")


@pytest.mark.network
def test_kept_feature_maps_are_those_of_the_pictures(shipped, tmp_path, monkeypatch):
    from potmeter.data.sets.scenes import scenes
    from potmeter.systems.vision.captioner.features import CachedFeatures

    data = scenes(288).test.head(3)
    shipped.backbone.load(torch.device("cpu"))  # from the usual cache
    monkeypatch.setenv("POTMETER_CACHE", str(tmp_path))
    monkeypatch.setattr("potmeter.data.sets.scenes.fetch", _cached_fetch())
    kept = CachedFeatures(data, shipped.backbone, torch.device("cpu"))
    direct = shipped.backbone.feature_maps(data.__getitems__([0, 1, 2])["image"])
    torch.testing.assert_close(kept[[0, 1, 2]], direct, rtol=2e-3, atol=2e-3)
    (file,) = tmp_path.glob("captioner-features-*.npy")
    file.write_bytes(b"\x93NUMPY")
    with pytest.raises(UserError, match="is damaged: delete it"):
        CachedFeatures(data, shipped.backbone, torch.device("cpu"))


def _cached_fetch():
    from potmeter.data.fetching.fetch import fetch

    known = {tag: fetch(tag) for tag in ("stamps", "monuments")}
    return known.__getitem__


@pytest.mark.network
def test_a_true_caption_fits_better_than_one_of_another_picture(shipped):
    data = ImageCaptioner.data(shipped.config).test.head(60)
    x = data.__getitems__(range(60))["image"]
    captions = [each["en"][0] for each in data.captions]
    with torch.no_grad():
        own, others = shipped.input_loss(x, captions), shipped.input_loss(x, captions[7:] + captions[:7])
    assert (own < others).float().mean() > 0.6 and others.mean() - own.mean() > 0.2
