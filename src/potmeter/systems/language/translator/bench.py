"""Speed of translating: many sentences and hypotheses at once, against one after the other, and against CTranslate2."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.nn.beam_search import Beam

from .decoding import max_length
from .model import END, PAD, START, Seq2Seq, pad
from .system import BEAM, Translator

SENTENCES = 64
"""Test sentences, spread evenly, that are translated in each round."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    for width, name in ((1, "greedy"), (5, "beam_5")):
        if is_selected(f"sentences_per_s_{name}"):
            yield compare_with_loop(f"sentences_per_s_{name}", width)
    if is_selected("sentences_per_s_ctranslate2_greedy") or is_selected("sentences_per_s_ctranslate2_beam_5"):
        from .peer import compare_with_ctranslate2

        yield from compare_with_ctranslate2()


@torch.inference_mode()
def compare_with_loop(what: str, width: int) -> Row:
    """Sentences a second of the shipped weights by our search, and by the loop that one writes first."""
    system = Translator.from_pretrained().requires_grad_(False)
    texts, _ = system.data(system.config).test.sides(system.directions[0])
    texts = texts[:: len(texts) // SENTENCES][:SENTENCES]
    vocab_size = len(system.vocabularies.target)
    sources = [system.vocabularies.encode_source(text, system.directions[0])[0] for text in texts]
    beam = Beam(width, BEAM.length_penalty)

    def run_ours() -> list[list[int]]:
        return [hypotheses[0].tokens for hypotheses in system.search(texts, system.directions[0], beam)]

    def run_peer() -> list[list[int]]:
        return [search_naively(system.model, source, beam, vocab_size) for source in sources]

    same = sum(a == b for a, b in zip(run_ours(), run_peer(), strict=True))
    assert same >= 0.95 * len(texts), f"only {same} of {len(texts)} translations are the same"  # rounding may decide
    seconds = interleave({"ours": stopwatch(run_ours), "peer": stopwatch(run_peer)}, 5)
    rates = {name: len(texts) / value for name, value in seconds.items()}
    note = f"{same} of {len(texts)} translations are the same; {torch.get_num_threads()} threads each"
    return compare(
        what, "sentences/s", rates["ours"], rates["peer"], "Python loop, one hypothesis at a time", note=note
    )


def search_naively(
    model: Seq2Seq, source: list[int], beam: Beam, vocab_size: int, longest: int | None = None
) -> list[int]:
    """Beam search of one sentence, every hypothesis advanced by itself, keys and values cached."""
    longest = longest or max_length(source)
    live = [(0.0, [START], model.encode(pad([source])))]
    best: tuple[float, list[int]] = (float("-inf"), [])
    for length in range(1, longest + 1):
        grown = []
        for log_prob, tokens, state in live:
            state = state.select(torch.tensor([0]))
            output, _ = model.decode(torch.tensor([tokens[-1:]]), state)
            logits = model.logits(output[0, 0])
            logits[[PAD, START]] = -torch.inf
            logits[vocab_size:] = -torch.inf
            step = logits.log_softmax(0)
            ended = (log_prob + float(step[END])) / beam.normaliser(length)
            if beam.width > 1 or length == longest or step.argmax() == END:
                best = max(best, (ended, tokens[1:]), key=lambda pair: pair[0])
            step[END] = -torch.inf
            values, places = step.topk(beam.width)
            grown += [
                (log_prob + v, [*tokens, i], state) for v, i in zip(values.tolist(), places.tolist(), strict=True)
            ]
        live = sorted(grown, key=lambda one: -one[0])[: beam.width]
        if live[0][0] / beam.normaliser(length + 1) <= best[0] or (beam.width == 1 and best[0] > float("-inf")):
            break
    return best[1]
