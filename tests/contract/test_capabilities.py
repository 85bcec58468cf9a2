"""What a capability promises, held to by every system that the catalogue says has it."""

import dataclasses

import pytest
import torch

from potmeter.core.random import RandomStream
from potmeter.data.batches import in_batches
from potmeter.errors import UserError
from potmeter.nn.mel import mel_spectrogram

from .conftest import for_systems


def images_of(trained, count=6):
    """Test pictures, of which the system has seen none."""
    return next(in_batches(trained.splits.test, count))["image"]


# Classifier ---------------------------------------------------------------------------------------------------------


@for_systems("Classifier")
def test_logits_have_a_row_for_each_picture_and_a_column_for_each_class(trained):
    x = images_of(trained)
    logits = trained.system.logits(x)
    assert logits.shape == (6, len(trained.system.classes)) and logits.isfinite().all()
    assert x.shape[1:] == trained.system.input_shape and x.min() >= 0 and x.max() <= 1
    assert len(set(trained.system.classes)) == len(trained.system.classes)
    assert all(isinstance(name, str) for name in trained.system.classes)


@for_systems("Classifier")
def test_a_pictures_logits_do_not_depend_on_its_neighbours(trained):
    x = images_of(trained)
    one_by_one = torch.cat([trained.system.logits(image[None]) for image in x])
    torch.testing.assert_close(trained.system.logits(x), one_by_one, rtol=1e-4, atol=1e-4)


@for_systems("Classifier")
def test_classes_and_labels_have_the_same_order(trained):
    batch = next(in_batches(trained.splits.test, 200))
    right = (trained.system.logits(batch["image"]).argmax(1) == batch["label"]).float().mean()
    assert right > 0.5 and tuple(trained.system.classes) == tuple(trained.splits.classes)


# Segmenter ----------------------------------------------------------------------------------------------------------


@for_systems("Segmenter")
def test_masks_are_a_distribution_over_the_classes_at_every_pixel(trained):
    x = images_of(trained)
    masks = trained.system.masks(x)
    assert masks.shape == (6, len(trained.system.classes), *x.shape[2:]) and masks.isfinite().all()
    torch.testing.assert_close(masks.sum(1), torch.ones(6, *x.shape[2:]), rtol=1e-4, atol=1e-4)
    assert x.shape[1:] == trained.system.input_shape and len(set(trained.system.classes)) == len(trained.system.classes)
    right = (masks.argmax(1) == next(in_batches(trained.splits.test, 6))["mask"]).float().mean()
    assert right > 0.8 and tuple(trained.system.classes) == tuple(trained.splits.classes)


@for_systems("Segmenter")
def test_a_picture_s_masks_do_not_depend_on_its_neighbours_and_pictures_may_have_any_size(trained):
    x = images_of(trained)
    one_by_one = torch.cat([trained.system.masks(image[None]) for image in x])
    torch.testing.assert_close(trained.system.masks(x), one_by_one, rtol=1e-4, atol=1e-4)
    channels, height, width = trained.system.input_shape
    assert trained.system.masks(torch.rand(2, channels, height + 5, width + 18)).shape[2:] == (height + 5, width + 18)


@for_systems("Attackable", "Segmenter")
def test_the_input_loss_of_masks_is_one_number_a_picture_and_going_against_it_gives_the_target(trained):
    x = images_of(trained).requires_grad_()
    for target in (torch.zeros(6, dtype=torch.long), torch.ones(6, *x.shape[2:], dtype=torch.long)):
        losses = trained.system.input_loss(x, target)
        assert losses.shape == (6,) and losses.isfinite().all()
        (gradient,) = torch.autograd.grad(losses[2], x, retain_graph=True)
        assert gradient[2].abs().max() > 0 and gradient[[0, 1, 3, 4, 5]].abs().max() == 0, "pictures do not mix"
        (gradient,) = torch.autograd.grad(losses.sum(), x)
        after = trained.system.input_loss((x - 0.01 * gradient.sign()).clamp(0, 1), target)
        assert (after < losses).all()


# Detector -----------------------------------------------------------------------------------------------------------


def truths_of(trained, count=40):
    """Test pictures, and of each how many things of each label are in it."""
    batch = next(in_batches(trained.splits.test, count))
    return batch, [torch.bincount(row[row > 0], minlength=len(trained.system.classes) + 1) for row in batch["labels"]]


@for_systems("Detector")
def test_what_is_found_lies_in_the_picture_the_likeliest_first(trained):
    x = images_of(trained)
    height, width = x.shape[2:]
    assert x.shape[1:] == trained.system.input_shape and len(set(trained.system.classes)) == len(trained.system.classes)
    assert tuple(trained.system.classes) == tuple(trained.splits.classes)
    for found in trained.system.detect(x):
        n = len(found.labels)
        assert found.boxes.shape == (n, 4) and found.scores.shape == (n,) and found.masks.shape == (n, height, width)
        assert ((found.labels >= 1) & (found.labels <= len(trained.system.classes))).all()
        assert (found.scores.diff() <= 0).all() and (found.scores > 0).all() and (found.scores <= 1).all()
        assert (found.boxes >= 0).all() and (found.boxes[:, 2:] <= torch.tensor([width, height])).all()
        assert (found.masks >= 0).all() and (found.masks <= 1).all()


@for_systems("Detector")
def test_most_things_are_found_by_their_names_and_their_pixels_are_theirs(trained):
    batch, counts = truths_of(trained)
    right = total = 0
    overlaps = []
    for found, there, image in zip(trained.system.detect(batch["image"]), counts, range(len(counts)), strict=True):
        sure = found.select(found.scores >= 0.3)
        right += int(torch.minimum(torch.bincount(sure.labels, minlength=len(there)), there).sum())
        total += int(there.sum())
        for mask in sure.masks >= 0.5:
            true = batch["masks"][image]
            both, either = (mask & true).flatten(1).sum(1), (mask | true).flatten(1).sum(1)
            overlaps.append(float((both / either).max()))
    assert right > 0.5 * total and sum(overlaps) / len(overlaps) > 0.6


@for_systems("Detector")
def test_what_is_found_does_not_depend_on_the_neighbours_and_pictures_may_have_any_size(trained):
    x = images_of(trained)
    for together, image in zip(trained.system.detect(x), x, strict=True):
        (alone,) = trained.system.detect(image[None])
        sure = together.select(together.scores >= 0.3)
        assert len(alone.select(alone.scores >= 0.3)) == len(sure)
        torch.testing.assert_close(alone.boxes[: len(sure)], sure.boxes, rtol=1e-3, atol=1e-2)
    channels, height, width = trained.system.input_shape
    (found,) = trained.system.detect(torch.rand(1, channels, height + 5, width + 18))
    assert found.masks.shape[1:] == (height + 5, width + 18)


@for_systems("Attackable", "Detector")
def test_the_input_loss_of_a_detector_is_one_number_a_picture_and_going_against_it_gives_the_target(trained):
    x = images_of(trained).requires_grad_()
    for label in (0, len(trained.system.classes)):
        target = torch.full((6,), label)
        losses = trained.system.input_loss(x, target)
        assert losses.shape == (6,) and losses.isfinite().all()
        (gradient,) = torch.autograd.grad(losses[2], x, retain_graph=True)
        assert gradient[2].abs().max() > 0 and gradient[[0, 1, 3, 4, 5]].abs().max() == 0, "pictures do not mix"
        (gradient,) = torch.autograd.grad(losses.sum(), x)
        after = trained.system.input_loss((x - 0.01 * gradient.sign()).clamp(0, 1), target)
        assert after.mean() < losses.mean()


# Embedder -----------------------------------------------------------------------------------------------------------


@for_systems("Embedder")
def test_a_picture_has_the_same_features_whatever_its_neighbours_and_others_have_others(trained):
    x = images_of(trained)
    vectors = trained.system.embed(x)
    assert vectors.ndim == 2 and len(vectors) == 6 and vectors.isfinite().all()
    one_by_one = torch.cat([trained.system.embed(image[None]) for image in x])
    torch.testing.assert_close(vectors, one_by_one, rtol=1e-4, atol=1e-4)
    assert torch.pdist(vectors).min() > 0


# Backbone -----------------------------------------------------------------------------------------------------------


@for_systems("Backbone")
def test_feature_maps_have_the_promised_strides_and_channels(trained):
    x = images_of(trained)
    maps, channels = trained.system.feature_maps(x), trained.system.feature_channels
    assert list(maps) == list(channels) == sorted(channels), "the finest first"
    for stride, features in maps.items():
        height, width = (side / stride for side in x.shape[2:])
        assert features.shape[:2] == (6, channels[stride]) and features.isfinite().all()
        assert abs(features.shape[2] - height) < 1 and abs(features.shape[3] - width) < 1


@for_systems("Backbone")
def test_feature_maps_tell_images_apart_do_not_mix_them_and_let_gradients_through(trained):
    x = images_of(trained).requires_grad_()
    for stride, features in trained.system.feature_maps(x).items():
        assert torch.pdist(features.flatten(1)).min() > 0, stride
        (gradient,) = torch.autograd.grad(features[2].square().sum(), x, retain_graph=True)
        assert gradient[2].abs().max() > 0 and gradient[[0, 1, 3, 4, 5]].abs().max() == 0, stride
    one_by_one = [trained.system.feature_maps(image[None]) for image in x.detach()]
    for stride, features in trained.system.feature_maps(x.detach()).items():
        torch.testing.assert_close(features, torch.cat([m[stride] for m in one_by_one]), rtol=1e-4, atol=1e-4)


# Captioner ----------------------------------------------------------------------------------------------------------


@for_systems("Captioner")
def test_captions_are_one_for_each_picture_in_the_language_that_was_asked_for(trained):
    x, languages = images_of(trained), trained.system.languages
    assert x.shape[1:] == trained.system.input_shape and len(set(languages)) == len(languages) > 0
    assert trained.system.caption(x) == trained.system.caption(x, languages[0]), "the first language is the usual one"
    for language in languages:
        captions = trained.system.caption(x, language)
        words = {word for known in trained.splits.train.captions for text in known[language] for word in text.split()}
        assert len(captions) == 6 and all(isinstance(text, str) and text for text in captions)
        assert {word for text in captions for word in text.replace(",", " , ").split()} <= words
    assert len(set(trained.system.caption(x))) > 1, "captions say something of the picture"


@for_systems("Captioner")
def test_a_picture_s_caption_does_not_depend_on_its_neighbours(trained):
    x = images_of(trained)
    assert trained.system.caption(x) == [trained.system.caption(image[None])[0] for image in x]


@for_systems("Captioner", "Attackable")
def test_a_picture_s_own_caption_costs_less_than_another_s_and_has_a_gradient_of_its_own(trained):
    x = next(in_batches(trained.splits.test, 40))["image"]
    captions = [known[trained.system.languages[0]][0] for known in trained.splits.test.captions[:40]]
    own = trained.system.input_loss(x, captions)
    others = trained.system.input_loss(x, captions[11:] + captions[:11])
    assert own.shape == (40,) and own.isfinite().all() and own.mean() < others.mean()
    few = x[:3].requires_grad_()
    (gradient,) = torch.autograd.grad(trained.system.input_loss(few, captions[:3])[1], few)
    assert gradient[1].abs().max() > 0 and gradient[[0, 2]].abs().max() == 0


# Attackable ---------------------------------------------------------------------------------------------------------


@for_systems("Attackable", "Classifier")
def test_the_input_loss_is_one_number_a_picture_with_a_gradient_of_its_own(trained):
    x = images_of(trained).requires_grad_()
    target = torch.arange(6) % len(trained.system.classes)
    losses = trained.system.input_loss(x, target)
    assert losses.shape == (6,) and losses.isfinite().all()
    (gradient,) = torch.autograd.grad(losses[2], x)
    assert gradient[2].abs().max() > 0
    assert gradient[[0, 1, 3, 4, 5]].abs().max() == 0, "pictures do not mix"
    assert all(p.grad is None for p in trained.system.parameters())


@for_systems("Attackable", "Classifier")
def test_going_against_the_gradient_makes_the_target_likelier(trained):
    x = images_of(trained).requires_grad_()
    target = (trained.system.logits(x).argmax(1) + 1) % len(trained.system.classes)
    before = trained.system.input_loss(x, target)
    (gradient,) = torch.autograd.grad(before.sum(), x)
    after = trained.system.input_loss((x - 0.01 * gradient.sign()).clamp(0, 1), target)
    assert (after < before).all()


# Generator ----------------------------------------------------------------------------------------------------------


@for_systems("Generator")
def test_every_space_has_samples_which_are_reproducible(trained):
    for space, size in trained.system.latent_spaces.items():
        z = trained.system.sample(5, RandomStream(3), space)
        assert z.shape == (5, size) and z.isfinite().all()
        assert torch.equal(z, trained.system.sample(5, RandomStream(3), space))
        assert not torch.equal(z, trained.system.sample(5, RandomStream(4), space))
        torch.manual_seed(1)
        assert torch.equal(z, trained.system.sample(5, RandomStream(3), space)), "nothing but the stream decides"
        pictures = trained.system.decode(trained.system.sample(20, RandomStream(0), space), space)
        assert pictures.std(0).max() > 0.1, "codes are spread as widely as the pictures differ"
    usual = next(iter(trained.system.latent_spaces))
    assert torch.equal(trained.system.sample(5, RandomStream(3)), trained.system.sample(5, RandomStream(3), usual))


@for_systems("Generator")
def test_every_space_decodes_to_pictures(trained):
    for space, size in trained.system.latent_spaces.items():
        pictures = trained.system.decode(torch.randn(3, size), space)
        assert pictures.ndim == 4 and len(pictures) == 3 and pictures.shape[1] in (1, 3)
        assert pictures.min() >= 0 and pictures.max() <= 1
    usual = next(iter(trained.system.latent_spaces))
    z = trained.system.sample(3, RandomStream(0))
    assert torch.equal(trained.system.decode(z), trained.system.decode(z, usual))


@for_systems("Generator")
def test_decoding_lets_gradients_through(trained):
    z = trained.system.sample(2, RandomStream(0)).requires_grad_()
    (gradient,) = torch.autograd.grad(trained.system.decode(z).sum(), z)
    assert (gradient.abs().amax(1) > 0).all()


@for_systems("Generator")
def test_a_code_of_another_size_is_told(trained):
    size = next(iter(trained.system.latent_spaces.values()))
    for shape in ((2, size + 1), (size,), (2, size, 1)):
        with pytest.raises(UserError, match="Received: "):
            trained.system.decode(torch.zeros(shape))


@for_systems("Generator")
def test_a_space_that_is_none_is_told(trained):
    size = next(iter(trained.system.latent_spaces.values()))
    with pytest.raises(UserError, match="Received: nowhere"):
        trained.system.decode(torch.zeros(1, size), "nowhere")
    with pytest.raises(UserError, match="Received: nowhere"):
        trained.system.sample(1, RandomStream(0), "nowhere")


# Encoder ------------------------------------------------------------------------------------------------------------


@for_systems("Encoder", "Generator")
def test_what_is_encoded_decodes_to_something_like_it(trained):
    x = images_of(trained, 50)
    for space, size in trained.system.latent_spaces.items():
        z = trained.system.encode(x, space)
        assert z.shape == (50, size) and torch.equal(z, trained.system.encode(x, space))
        again = trained.system.decode(z, space)
        assert again.shape == x.shape
        assert (again - x).square().mean() < (x.mean(0) - x).square().mean(), "better than the mean picture"
    with pytest.raises(UserError, match="Received: nowhere"):
        trained.system.encode(x, "nowhere")


# LanguageModel ------------------------------------------------------------------------------------------------------


@for_systems("LanguageModel")
def test_tokens_are_the_text_and_each_has_a_surprise(trained):
    text = trained.splits.test.text[:300] + " Zoë 🙂"
    tokens, bits = trained.system.tokenize(text), trained.system.surprisal(text)
    assert b"".join(tokens) == text.encode()
    assert bits.shape == (len(tokens),) and bits.isfinite().all() and (bits >= 0).all()


@for_systems("LanguageModel")
def test_what_comes_next_is_a_distribution_and_agrees_with_the_surprise(trained):
    text = trained.splits.test.text[:60].rpartition(" ")[0]
    p = trained.system.next_token_probs(text)
    assert p.shape == (len(trained.system.vocabulary),) and (p >= 0).all()
    assert abs(float(p.sum()) - 1) < 1e-3
    assert trained.system.next_token_probs("").shape == p.shape, "a text may be empty"
    tokens = trained.system.tokenize(text)
    before = b"".join(tokens[:-1]).decode()
    expected = -trained.system.next_token_probs(before)[list(trained.system.vocabulary).index(tokens[-1])].log2()
    torch.testing.assert_close(trained.system.surprisal(text)[-1], expected, rtol=1e-3, atol=1e-3)


@for_systems("LanguageModel")
def test_text_like_the_training_text_surprises_less_than_the_same_letters_in_disorder(trained):
    text = trained.splits.test.text[:300]
    assert trained.system.surprisal(text).sum() < trained.system.surprisal(text[::-1]).sum()


# Vocoder ------------------------------------------------------------------------------------------------------------


@for_systems("Vocoder")
def test_a_wave_has_as_many_samples_as_its_spectrogram_says_and_is_the_same_every_time(trained):
    config = trained.system.mel_config
    time = torch.arange(20 * config.hop_length) / config.sample_rate
    mel = mel_spectrogram(0.3 * torch.sin(2 * torch.pi * 440 * time), config)
    wave = trained.system.vocode(mel, config)
    assert wave.shape == (20 * config.hop_length,) and wave.isfinite().all() and wave.abs().max() <= 1
    assert torch.equal(wave, trained.system.vocode(mel, config))


@for_systems("Vocoder")
def test_a_spectrogram_of_another_configuration_or_shape_is_refused_with_what_differs(trained):
    config = trained.system.mel_config
    other = dataclasses.replace(config, hop_length=config.hop_length // 2)
    with pytest.raises(UserError, match=f"hop_length {config.hop_length}, not {config.hop_length // 2}"):
        trained.system.vocode(torch.zeros(config.n_mels, 9), other)
    with pytest.raises(UserError, match=rf"shape \({config.n_mels}, frames\)"):
        trained.system.vocode(torch.zeros(config.n_mels + 1, 9), config)


# Agent --------------------------------------------------------------------------------------------------------------


@for_systems("Agent")
def test_an_agent_acts_by_what_it_observes_and_by_nothing_else(trained):
    ((_, (sample,)),) = trained.system.export_modules().values()
    observations = torch.randn(40, sample.shape[1])
    actions = trained.system.act(observations)
    assert len(actions) == 40 and torch.equal(actions, trained.system.act(observations))
    one_by_one = torch.cat([trained.system.act(row[None]) for row in observations])
    torch.testing.assert_close(actions, one_by_one, rtol=1e-4, atol=1e-4)
    assert len(actions.unique(dim=0)) > 1, "it does not always do the same"
    outputs = trained.system(observations).shape[1]
    if trained.system.policy.discrete:
        assert actions.ndim == 1 and set(actions.tolist()) <= set(range(outputs))
    else:
        assert actions.shape == (40, outputs) and actions.isfinite().all()


# Go -----------------------------------------------------------------------------------------------------------------


@for_systems("GtpSpeaker")
def test_an_engine_knows_the_commands_that_the_protocol_requires(trained):
    system = trained.owner(trained.owner.presets["lecture"]).eval()  # the tiny one's game may be another
    required = "protocol_version name version known_command list_commands quit boardsize clear_board komi play genmove"
    (answer,) = system.gtp(playouts=4).serve(["3 list_commands"])
    assert answer.startswith("=3 ") and answer.endswith("\n\n") and set(required.split()) <= set(answer.split())
