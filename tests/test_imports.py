"""Imports only go down, systems and frontends do not import each other, and nothing imports in a circle but a system's own files.

Every import statement counts, those inside functions and those for type checking too.
"""

import ast

from potmeter import registry

FLOORS = (
    ("errors", "notices", "version", "nn", "media"),
    ("data", "metrics"),
    ("registry", "core"),
    ("core.training", "core.reinforcement"),
    ("core.tuning",),
    ("systems",),
    ("probes",),
    ("presentation",),
    ("cli", "tour", "gallery", "__main__"),
)
"""From the ground up: a module may import from its own floor and from those below."""
FILES = {
    ".".join(("potmeter", *path.relative_to(registry.ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in registry.ROOT.glob("**/*.py")
}
SYSTEMS = {entry.package for entry in registry.built_in_entries()}


def imported_by(module: str) -> set[str]:
    """The modules of ours that a module imports."""
    package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            found |= {name if (name := f"{origin}.{alias.name}") in FILES else origin for alias in node.names}
    return {name for name in found if name in FILES} - {module}


IMPORTS = {module: imported_by(module) for module in FILES}


def floor_of(module: str) -> int:
    """The number of the floor that a module stands on, that of its longest prefix in the table; of ``potmeter`` itself 0."""
    parts = module.split(".")[1:]
    floors = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    prefixes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((floors[prefix] for prefix in prefixes if prefix in floors), len(FLOORS) if parts else 0)


def system_of(module: str) -> str | None:
    """The system or probe whose folder a module lies in."""
    return next((package for package in SYSTEMS if f"{module}.".startswith(f"{package}.")), None)


def find_circles() -> list[set[str]]:
    """The sets of modules that import each other in a circle (Tarjan 1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    circles = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        path.append(module)
        for other in IMPORTS[module]:
            if other not in number:
                visit(other)
            if other in path:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == number[module]:
            place = path.index(module)
            circles.append(set(path[place:]))
            del path[place:]

    for module in IMPORTS:
        if module not in number:
            visit(module)
    return [circle for circle in circles if len(circle) > 1]


def test_every_module_stands_on_a_floor():
    assert not [module for module in FILES if floor_of(module) == len(FLOORS)]


def test_imports_only_go_down():
    upwards = {(a, b) for a in IMPORTS for b in IMPORTS[a] if floor_of(b) > floor_of(a)}
    doors = {("potmeter", "potmeter.core.loading"), ("potmeter", "potmeter.registry")}
    assert upwards == doors, "potmeter.load and list_systems are the doors to it all"


def test_a_system_imports_no_other_and_no_face_another():
    crossing = []
    for module, others in IMPORTS.items():
        mine, frontend = system_of(module), module.split(".")[1] if floor_of(module) == len(FLOORS) - 1 else None
        for other in others:
            theirs = system_of(other)
            if mine and theirs and mine != theirs:
                crossing.append((module, other))
            if (
                frontend
                and frontend != "__main__"
                and floor_of(other) == floor_of(module)
                and other.split(".")[1] != frontend
            ):
                crossing.append((module, other))
    assert not crossing


def test_a_circle_stays_in_one_system_s_folder():
    for circle in find_circles():
        assert len({system_of(module) for module in circle}) == 1 and system_of(min(circle)), sorted(circle)


def test_floors_and_circles_would_be_found():
    assert floor_of("potmeter.core.training.loop") > floor_of("potmeter.core.system") > floor_of("potmeter.data.splits")
    assert "potmeter.core.bench" in imported_by("potmeter.cli.bench"), "inside a function, and for type checking"
    assert "potmeter.systems.generative.vae.model" in imported_by("potmeter.systems.generative.vae.system"), "relative"
