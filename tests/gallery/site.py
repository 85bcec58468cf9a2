"""The gallery with some fakes beside the real systems: ``python site.py PORT [ROOT_PATH]``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from potmeter import registry
from potmeter.registry import Entry, Weights


def fake(name: str, slide: int, target: str, *tags: str, **facts: object) -> Entry:
    """An entry whose target is ``package.module:Class`` among the tests."""
    package, _, target = target.partition(".")
    facts = {"section": "basics", "weights": {tag: Weights() for tag in tags}} | facts
    source = Path(__file__).parents[1] / package
    return Entry(
        name=name, slide=slide, target=target, package=package, source=source, summary=f"What {name} does", **facts
    )


known = registry.entries() | {
    entry.name: entry
    for entry in (
        fake("poet", 90, "gallery.fakes:Poet", "first", "second"),
        fake("chooser", 91, "gallery.fakes:Chooser", "only", "broken"),
        fake("talker", 92, "tour.fake_stops:Talker", "only"),
        fake("seer", 93, "tour.fake_stops:Seer", "only", "missing"),
        fake("occlusion", 94, "fixtures.probe:Occlusion", kind="probe", section="probes", needs=("Classifier",)),
        fake("absent", 95, "gallery.no_such_module:Absent"),
    )
}

if __name__ == "__main__":
    registry.entries = lambda: known  # type: ignore[assignment]
    from potmeter.gallery import serve

    serve(port=int(sys.argv[1]), root_path=sys.argv[2] if len(sys.argv) > 2 else "")
