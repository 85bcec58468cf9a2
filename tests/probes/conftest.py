"""What the probes' tests share."""

import pytest

from potmeter.probes.latents import probe


@pytest.fixture
def rows(monkeypatch):
    """Pages of latents as their rows of pictures with captions, not drawn."""
    monkeypatch.setattr(probe, "labelled_page", lambda rows: rows)
