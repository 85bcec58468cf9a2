"""Packages that carry speech with its text, or that speak."""

from __future__ import annotations

from potmeter.data.fetching.package import Package

LIBRARIES = "usr/lib/*/"
RUSSIAN = "usr/share/festival/voices/russian/msu_ru_nsh_clunits/"

VOICES = (
    Package(
        tag="flite",
        registry="debian",
        name="libflite1",
        version="2.2-5",
        sha256="a69d24c4a59397388bb3622c37cafbf9fe1d40b118c3aba85ceaad5743476998",
        size=12_823_776,
        members=tuple(f"{LIBRARIES}libflite{part}.so.2.2" for part in ("", "_cmulex", "_usenglish", "_cmu_us_slt")),
        what="the speech synthesis program flite with its voice slt, for Linux on x86-64",
        licence="BSD-like (Carnegie Mellon University), the voice from the CMU ARCTIC recordings, free for any use",
        instead="give speech of your own in LJSpeech's layout with --data FOLDER",
    ),
    Package(
        tag="alsa",
        registry="debian",
        name="libasound2",
        version="1.2.8-1+b1",
        sha256="e9a18a332abbc760c77b04d6325fd7b9a9982510a92bede4d990e462753eacb9",
        size=361_788,
        members=(f"{LIBRARIES}libasound.so.2.0.0",),
        what="ALSA's library, which flite is linked to; nothing is played",
        licence="LGPL-2.1-or-later",
        instead="install ALSA's library (libasound2)",
    ),
    Package(
        tag="festvox-ru",
        registry="debian",
        name="festvox-ru",
        version="0.5+dfsg-6",
        sha256="b7c023cbb8761904cf9168b2dc1e5b1554f2b3b0bce72c7f0a8f5d3a81b942e2",
        size=178_728_512,
        members=(f"{RUSSIAN}etc/txt.done.data", f"{RUSSIAN}wav/*.wav"),
        what="620 Russian sentences read by one man, 100 minutes, with their text",
        licence="BSD-like (Nickolay V. Shmyrev)",
        instead="give speech of your own in LJSpeech's layout with --data FOLDER",
    ),
)
