"""The gallery with some fakes beside the real systems: ``python site.py PORT``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from potmeter import registry
from potmeter.registry import Entry


def fake(name: str, slide: int, target: str, **facts: object) -> Entry:
    return Entry(name=name, slide=slide, target=target, summary=f"What {name} does", **{"section": "basics"} | facts)


known = registry.entries() | {
    entry.name: entry
    for entry in (
        fake("poet", 90, "gallery.fakes:Poet", weights=("first", "second")),
        fake("chooser", 91, "gallery.fakes:Chooser", weights=("only", "broken")),
        fake("talker", 92, "tour.fake_stops:Talker", weights=("only",)),
        fake("seer", 93, "tour.fake_stops:Seer", weights=("only", "missing")),
        fake("occlusion", 94, "fixtures.probe:Occlusion", kind="probe", section="probes", capabilities=("Classifier",)),
        fake("absent", 95, "no_such_module:Absent"),
    )
}

if __name__ == "__main__":
    registry.entries = lambda: known  # type: ignore[assignment]
    from potmeter.gallery import serve

    serve(port=int(sys.argv[1]))
