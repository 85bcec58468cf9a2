"""The first page: a card for each system, in the lecture's order, grouped by section. Plain HTML, without torch or gradio."""

from __future__ import annotations

from importlib import resources

from potmeter import registry
from potmeter.presentation.markup import Html, join, prose, tag
from potmeter.registry import Entry
from potmeter.version import __version__

LEAD = (
    "A neural network is a black box with very many knobs: numbers go in, numbers come out, and training turns the "
    "knobs until the answers suit us. Here are the boxes of the lecture. Open one, and put something in."
)
SECTIONS = {
    "basics": "Basics", "vision": "Seeing", "language": "Language", "speech": "Speech", "generative": "Making pictures",
    "play": "Play", "probes": "Looking inside",
}  # fmt: skip
"""What the sections are called on the page, in the order in which they stand there."""


def read_files(*names: str) -> str:
    """Style sheets or scripts of the package, one after the other."""
    folder = resources.files("potmeter")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


def render_index(address: str | None = None) -> str:
    """The whole document.

    Args:
        address: Where others in the network find the gallery; shown with its QR code.
    """
    groups: dict[str, list[Entry]] = {name: [] for name in SECTIONS}
    for entry in registry.entries().values():
        groups.setdefault(entry.section, []).append(entry)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", "potmeter: the deep-learning lecture that runs"),
        tag("link", rel="icon", href="icon.svg", type="image/svg+xml"),
        tag("style", Html(read_files("presentation/style.css", "gallery/index.css", "gallery/slides.css"))),
        tag("script", Html(read_files("gallery/slides.js"))),
    )
    first = next(iter(registry.entries()), "")
    opening = tag(
        "header",
        tag(
            "div",
            tag("p", "potmeter ", tag("span", __version__), class_="brand"),
            tag("h1", "The ", tag("span", "deep-learning"), " lecture that runs"),
            tag("p", LEAD, class_="lead"),
            tag("p", tag("a", "Present it", href=f"{first}/?present", rel="next", class_="begin"), " ",
                tag("small", "arrow keys: stops and what each can do; P: large or not"), class_="present-it"),
        ),
        render_join(address) if address else None,
        class_="opening",
    )  # fmt: skip
    sections = [render_section(name, entries) for name, entries in groups.items() if entries]
    return f"<!doctype html>\n{tag('html', head, tag('body', opening, tag('main', *sections)), lang='en')}\n"


def render_join(address: str) -> Html:
    """The QR code by which a class comes here, above the address."""
    return tag("aside", tag("img", src="join.svg", alt="QR code"), tag("p", address), class_="join")


def render_section(name: str, entries: list[Entry]) -> Html:
    """A group of cards."""
    cards = tag("ol", *map(render_card, entries), class_="cards")
    return tag("section", tag("h2", SECTIONS.get(name, name)), cards, id=name)


def render_card(entry: Entry) -> Html:
    """A system: its slide, its name, what it does, and its weights."""
    cover = tag("img", src=f"{entry.name}/cover", alt="", loading="lazy") if has_cover(entry) else None
    tags = tag("small", join(*entry.weights, between=" · ")) if entry.weights else None
    name = tag("b", entry.name, " ", tag("i", entry.slide, title="slide", class_="slide"))
    text = tag("span", name, tag("span", prose(entry.summary.rstrip(".")), "."), tags, class_="text")
    return tag("li", tag("a", tag("span", cover, class_="cover"), text, href=f"{entry.name}/"))


def has_cover(entry: Entry) -> bool:
    """Whether the system's folder has a picture for its card."""
    try:
        return (entry.source / "cover.webp").is_file()
    except Exception:  # an entry of somebody else's that is not installed rightly must not take the page down
        return False


ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#161513"/>'
    '<circle cx="16" cy="16" r="9" fill="none" stroke="#ef8a66" stroke-width="3"/>'
    '<path d="M16 16 21.5 9.5" stroke="#ebe7dd" stroke-width="3" stroke-linecap="round"/></svg>'
)
"""A knob."""
