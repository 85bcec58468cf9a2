"""Packages that carry texts in English and Hungarian."""

from __future__ import annotations

from potmeter.data.fetching.package import Package

HELP = "usr/share/libreoffice/help/"
DEPTHS = ("*/*.html", "*/*/*.html", "*/*/*/*.html")
WESNOTH = {
    "wesnoth-data": (
        "wesnoth-1.16-data",
        146_229_044,
        "3d3d6b9de77ad90f9d30b38fec2d15d16c358200400a2ea90fa89a0c8d7e7db3",
    ),
    "wesnoth-did": ("wesnoth-1.16-did", 5_779_752, "1f1858dc51476011c5ad2dfa4901483c130b69ac31227dfcd36a41f5d0f9c6a4"),
    "wesnoth-dm": ("wesnoth-1.16-dm", 5_388_248, "acdfc4400c30a1c5b795684155bb86fa168e0f30867285308d23cbe41929a4ef"),
    "wesnoth-dw": ("wesnoth-1.16-dw", 5_178_324, "862cad999dd360dd133d2d453d266d2c6b8d953f03f91997c475889daa6ad7d1"),
    "wesnoth-ei": ("wesnoth-1.16-ei", 5_897_320, "9a8119bb06f0150084ef5ffd185254758fdc71ce4539afdd2a9371062a4867b7"),
    "wesnoth-httt": (
        "wesnoth-1.16-httt",
        12_903_056,
        "b9a762eb4a2d796603d7cf0c8a275c83a1564a84eba74d3a8679751fa24b01ec",
    ),
    "wesnoth-l": ("wesnoth-1.16-l", 5_510_536, "9bdbfe16a7e7ca010afecf3329edad915defb8188d00a97d3ff89e4886ed4257"),
    "wesnoth-low": ("wesnoth-1.16-low", 9_028_468, "caa96c627484463aabfd1adfa77c9703f6ce6128abb7dca94738170c46ce0512"),
    "wesnoth-nr": ("wesnoth-1.16-nr", 8_076_092, "ee206ba2515a7cdc28760cb2ddab0c6d3c89a718dbfbe9d5d953b7a665f867ba"),
    "wesnoth-sof": ("wesnoth-1.16-sof", 7_010_984, "8d6c7c6b5bcb0e365c4e2bd15e68e8160259579410fe29c65d2911e2c783d24f"),
    "wesnoth-sota": (
        "wesnoth-1.16-sota",
        6_678_916,
        "c615db06401addc67814e466924ff055150af314b489bf8a88b829614032b25a",
    ),
    "wesnoth-sotbe": (
        "wesnoth-1.16-sotbe",
        6_720_832,
        "36e1805d49dbddd1fd7c8221bfc1331b5448d78083964d889fdd7c519398843a",
    ),
    "wesnoth-thot": (
        "wesnoth-1.16-thot",
        6_528_032,
        "d3fbe2eadb3d036c14042a28152fee1aba705e14226a8c514abcfe7355a88ebd",
    ),
    "wesnoth-trow": (
        "wesnoth-1.16-trow",
        19_632_884,
        "5c782d120e6025ed632efd504dcb22e53d8d8c1d16239f3f75055f39799710b7",
    ),
    "wesnoth-tsg": ("wesnoth-1.16-tsg", 8_089_868, "a9bd29d7601f1fa2b7fb2b5922328121a16093cb099a82741a5a45966c7b2177"),
    "wesnoth-ttb": ("wesnoth-1.16-ttb", 5_972_592, "cded3d19aa8577eca425f8a63bebbcac7be8d33c96e5df6650d70d12c3490f89"),
    "wesnoth-utbs": (
        "wesnoth-1.16-utbs",
        13_202_708,
        "e1c09062c5a1d7972c8243cf623f460c2e1e6c7f670b42faa69a52d2aa64c28a",
    ),
}
"""The game's own texts and those of its campaigns, a package each: name, size and sha256."""

TRANSLATIONS = (
    Package(
        tag="libreoffice-help-en",
        registry="debian",
        name="libreoffice-help-en-us",
        version="4:7.4.7-1+deb12u14",
        sha256="4b36917ca956d5e389972b79fcd8b038f28b9d8140e4fb96245f6c294cac407d",
        size=1_753_504,
        members=tuple(f"{HELP}en-US/text/{depth}" for depth in DEPTHS),
        what="LibreOffice's help in English",
        licence="MPL-2.0, The Document Foundation and contributors",
        instead="give two aligned text files of your own with --data ONE --target-file OTHER",
    ),
    Package(
        tag="libreoffice-help-hu",
        registry="debian",
        name="libreoffice-help-hu",
        version="4:7.4.7-1+deb12u14",
        sha256="52ff4bfed067165d73fbc8866fd6ed5a61f0aae686d2e053efe841c62d1238ba",
        size=3_329_808,
        members=tuple(f"{HELP}hu/text/{depth}" for depth in DEPTHS),
        what="LibreOffice's help in Hungarian",
        licence="MPL-2.0, The Document Foundation and contributors",
        instead="give two aligned text files of your own with --data ONE --target-file OTHER",
    ),
    Package(
        tag="libreoffice-hu",
        registry="debian",
        name="libreoffice-l10n-hu",
        version="4:7.4.7-1+deb12u14",
        sha256="30a02c14e6774a6bcc13847cf7e309f0bffc8a3afa6bd3b21ab7ea72aa9ab128",
        size=880_304,
        members=("usr/lib/libreoffice/program/resource/hu/LC_MESSAGES/*.mo",),
        what="LibreOffice's menus and messages, English and Hungarian",
        licence="MPL-2.0, The Document Foundation and contributors",
        instead="give two aligned text files of your own with --data ONE --target-file OTHER",
    ),
    Package(
        tag="gnome-help",
        registry="debian",
        name="gnome-user-docs",
        version="43.0-2",
        sha256="5535b1cf3f88990adda8bc0aa9e6b75cccb36c27ac4773494640390e286d21b7",
        size=8_523_220,
        members=tuple(f"usr/share/help/{language}/*/*.page" for language in ("C", "hu")),
        what="GNOME's help in English and Hungarian",
        licence="CC BY-SA 3.0, the GNOME documentation project; weights trained on it must say so",
        instead="give two aligned text files of your own with --data ONE --target-file OTHER",
    ),
    *(
        Package(
            tag=tag,
            registry="debian",
            name=name,
            version="1:1.16.9-1",
            sha256=sha256,
            size=size,
            members=("usr/share/games/wesnoth/1.16/locale/hu/LC_MESSAGES/*.mo",),
            what=f"texts of The Battle for Wesnoth ({tag}), English and Hungarian",
            licence="GPL-2+, the Wesnoth developers and translators; weights trained on them must say so",
            instead="give two aligned text files of your own with --data ONE --target-file OTHER",
        )
        for tag, (name, size, sha256) in WESNOTH.items()
    ),
)
