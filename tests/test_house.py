"""How the house is built: short functions, few files in a room, no import circle, no question for a settings' type.

All of it is read from the sources; each check is itself tested on sources that break it and on sources that keep it.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("astromorph", "biophys", "mapping", "studies")
LONGEST = {"studies": 60}  # lines of a function; 50 elsewhere
MOST_FILES = 15  # directly in a package; mapping is one room


def sources() -> dict[str, str]:
    """Every product file, by its place."""
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}


# Functions


def long_functions(place: str, source: str) -> set[str]:
    """Functions with more lines than their package allows, from `def` to the last."""
    most = LONGEST.get(place.split("/")[0], 50)
    functions = (
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return {f"{place}: {node.name}" for node in functions if (node.end_lineno or 0) - node.lineno + 1 > most}


def test_functions_are_short():
    assert set().union(*(long_functions(*each) for each in sources().items())) == set()


@pytest.mark.parametrize(
    ("place", "lines", "long"),
    [("studies/a.py", 60, False), ("studies/a.py", 61, True), ("mapping/a.py", 50, False), ("mapping/a.py", 51, True)],
)
def test_a_long_function_is_found(place, lines, long):
    source = "class A:\n    @decorated\n    def f(self):\n" + "        x = 1\n" * (lines - 1)
    assert long_functions(place, source) == ({f"{place}: f"} if long else set())


# Files


def crowded(places: Mapping[str, str] | set[str]) -> set[str]:
    """Packages with more files directly in them than one looks through."""
    direct = [place.split("/")[0] for place in places if place.count("/") == 1]
    return {package for package in direct if package != "mapping" and direct.count(package) > MOST_FILES}


def test_rooms_are_not_crowded():
    assert crowded(sources()) == set()


def test_a_crowded_room_is_found():
    many = {f"studies/{number}.py" for number in range(MOST_FILES)} | {"studies/fits/a.py", "biophys/a.py"}
    assert crowded(many) == set() and crowded(many | {"studies/one_more.py"}) == {"studies"}


# Imports


def module_of(place: str) -> str:
    return place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(source: str, known: set[str]) -> Iterator[str]:
    """The product's modules that a source names in imports, also inside functions, but not for types alone."""
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                waiting.extend(node.orelse)
                continue
            case ast.Import():
                yield from (alias.name for alias in node.names if alias.name in known)
            case ast.ImportFrom(module=str(origin), level=0):
                inner = {f"{origin}.{alias.name}" for alias in node.names} & known
                yield from inner
                if origin in known and len(inner) < len(node.names):
                    yield origin
        waiting.extend(ast.iter_child_nodes(node))


def circles(files: Mapping[str, str]) -> set[str]:
    """Modules that import each other, each circle as one word, however long."""
    known = {module_of(place) for place in files}
    edges = {module_of(place): set(imported(source, known)) for place, source in files.items()}
    reach = {module: reached(module, edges) for module in edges}
    rings = {frozenset(other for other in reach[module] if module in reach[other]) for module in edges}
    return {" ".join(sorted(ring)) for ring in rings if ring}


def reached(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    """Everything that `start` imports, and what that imports."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        following = edges[waiting.pop()] - found
        found |= following
        waiting.extend(following)
    return found


def test_no_module_imports_itself_by_a_detour():
    assert circles(sources()) == set()


def test_a_circle_is_found():
    files = {
        "studies/__init__.py": "",
        "studies/a.py": "def f():\n    from studies import b",
        "studies/b.py": "from studies.room.c import x",
        "studies/room/__init__.py": "",
        "studies/room/c.py": "if TYPE_CHECKING:\n    from studies import b\nimport studies.d",
        "studies/d.py": "import numpy",
    }
    assert circles(files) == set()
    files["studies/d.py"] = "from studies.a import f"
    assert circles(files) == {"studies.a studies.b studies.d studies.room.c"}
    assert circles({"studies/a.py": "from studies.a import x"}) == {"studies.a"}


# Settings


def asks_for_type(source: str) -> bool:
    """Whether a source asks whether something is an instance of SomethingSettings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            names = [each.id for each in ast.walk(node.args[1]) if isinstance(each, ast.Name)]
            names += [each.attr for each in ast.walk(node.args[1]) if isinstance(each, ast.Attribute)]
            if any(name.endswith("Settings") for name in names):
                return True
    return False


def test_nobody_outside_the_settings_asks_for_their_type():
    found = {place for place, source in sources().items() if asks_for_type(source)}
    assert not {place for place in found if not place.startswith("astromorph/settings/")}


@pytest.mark.parametrize(
    ("source", "asks"),
    [
        ("ASKED(folder.settings, ImdbSettings)", True),
        ("x = ASKED(s, (int, settings.ShdSettings))", True),
        ("ASKED(s, A | ImdbSettings)", True),
        ("ASKED(settings, dict)", False),
        ("ImdbSettings(ASKED(a, int))", False),
        ("# ASKED(a, ImdbSettings)", False),
    ],
)
def test_a_question_for_a_type_is_found(source, asks):
    assert asks_for_type(source.replace("ASKED", "isinstance")) == asks


# Text


def of_the_locale(place: str, source: str) -> set[str]:
    """Places that read or write text in whatever encoding the locale has."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    text = (each for each in calls if getattr(each.func, "attr", "") in ("read_text", "write_text"))
    return {f"{place}:{each.lineno}" for each in text if "encoding" not in {word.arg for word in each.keywords}}


def test_text_names_its_encoding():
    assert set().union(*(of_the_locale(place, source) for place, source in sources().items())) == set()


def test_text_without_an_encoding_is_found():
    assert of_the_locale("a.py", "b.read_text()\nb.write_text('c', encoding='utf-8')") == {"a.py:1"}
