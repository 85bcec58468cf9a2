"""Packages that carry sounds."""

from __future__ import annotations

from potmeter.data.fetching.package import Package

SOUNDS = (
    Package(
        tag="asterisk",
        registry="debian",
        name="asterisk-core-sounds-en-g722",
        version="1.6.1-1",
        sha256="415ae64df29e333554d880a813cdc33653a9eb51ee72dea27e2b1ee731bc1ac0",
        size=10_565_860,
        members=tuple(
            f"usr/share/asterisk/sounds/en_US_f_Allison/{folder}*.g722"
            for folder in ("", "digits/", "letters/", "phonetic/", "dictate/", "followme/")
        ),
        what="the English prompts of the telephone exchange Asterisk: 558 recordings of one woman, 16 kHz",
        licence="CC-BY-SA-3.0, spoken by Allison Smith, paid for by Digium, Inc.; weights trained on them must say so",
        instead="give sounds of your own with --data FOLDER",
    ),
)
