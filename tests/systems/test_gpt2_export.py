"""GPT-2 as ONNX: decoded by onnxruntime, with past keys and values, it says what PyTorch says."""

import json
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch
from tokenizers import Tokenizer

import potmeter
from potmeter.core.export import export
from potmeter.systems.language.gpt2 import GPT2


def decode_greedily(session, ids, num_tokens):
    """The likeliest tokens that follow, each read once."""
    names = [node.name for node in session.get_inputs()][1:]
    _, heads, _, head_dim = session.get_inputs()[1].shape
    past, new, added = [np.zeros((1, heads, 0, head_dim), np.float32)] * len(names), ids, []
    for _ in range(num_tokens):
        logits, *past = session.run(None, {"input_ids": np.array([new]), **dict(zip(names, past, strict=True))})
        new = [int(logits[0, -1].argmax())]
        added += new
    return added


@pytest.mark.xdist_group("gpt2")
def test_onnxruntime_continues_a_text_as_run_does(tmp_path):
    system = potmeter.load("gpt2.austen")
    (file,) = export(system, tmp_path / "gpt2.onnx")
    session = onnxruntime.InferenceSession(file.path)
    tokenizer = Tokenizer.from_str(session.get_modelmeta().custom_metadata_map["tokenizer.json"])
    prompt = "It was a truth"
    added = decode_greedily(session, tokenizer.encode(prompt).ids, 20)
    assert prompt + tokenizer.decode(added) == str(system.run(prompt, tokens=20, temperature=0))
    assert json.loads(session.get_modelmeta().custom_metadata_map["config"])["context_length"] == 256


def test_past_and_present_fit_at_any_batch_and_length(tmp_path):
    config = replace(GPT2.presets["tiny"], num_layers=1)
    system = GPT2(config).eval()
    system.tokenizer = potmeter.load("gpt2.austen").tokenizer
    (file,) = export(system, tmp_path / "gpt2.onnx")
    session = onnxruntime.InferenceSession(file.path)
    assert [node.name for node in session.get_inputs()] == [
        "input_ids",
        "past_key_values.0.key",
        "past_key_values.0.value",
    ]
    assert [node.name for node in session.get_outputs()] == ["logits", "present.0.key", "present.0.value"]
    ids = torch.randint(config.vocab_size, (3, 10))
    past = [np.zeros((3, config.num_heads, 0, 16), np.float32)] * 2
    logits = []
    for part in ids.split([1, 4, 5], dim=1):
        first, *past = session.run(
            None,
            dict(
                zip(
                    ("input_ids", "past_key_values.0.key", "past_key_values.0.value"),
                    [part.numpy(), *past],
                    strict=True,
                )
            ),
        )
        logits.append(torch.from_numpy(first))
    torch.testing.assert_close(torch.cat(logits, 1), system(ids), rtol=1e-4, atol=1e-4)
