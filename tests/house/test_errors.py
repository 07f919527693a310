"""One tree of errors, drawn where it is defined: the drawing is checked against the classes."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from tests.house.tree import PACKAGE, complain, parsed, python_files

ROOT_ERROR = "FlowRouterError"
_BUILTIN = {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
_ROW = re.compile(r"^(?P<indent>[\s│├└─]*)(?P<name>[A-Z]\w*)")


def classes() -> dict[str, tuple[str, list[str]]]:
    """Name of each class in the program → its place and its bases' last names."""
    found: dict[str, tuple[str, list[str]]] = {}
    for path in python_files("src"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef):
                bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
                found[node.name] = (f"{path}:{node.lineno}", bases)
    return found


def errors() -> dict[str, tuple[str, list[str]]]:
    """The classes among them that can be raised."""
    known = classes()

    def is_error(name: str) -> bool:
        return name in _BUILTIN or (name in known and any(is_error(base) for base in known[name][1]))

    return {name: row for name, row in known.items() if is_error(name)}


def drawn(docstring: str) -> Iterator[tuple[str, str | None]]:
    """Yield (error, parent) for each row of the drawing; depth is the column the name starts in."""
    above: list[tuple[int, str]] = []
    for line in docstring.splitlines():
        match = _ROW.match(line)
        if match is None or ("─" in match["indent"]) == (match["name"] == ROOT_ERROR):
            continue
        column = len(match["indent"])
        while above and above[-1][0] >= column:
            above.pop()
        yield match["name"], above[-1][1] if above else None
        above.append((column, match["name"]))


def test_every_error_is_ours() -> None:
    """Whoever catches `FlowRouterError` catches everything raised on purpose."""
    known = errors()

    def descends(name: str) -> bool:
        return name == ROOT_ERROR or (name in known and any(descends(base) for base in known[name][1]))

    complain(
        [f"{place}: {name}" for name, (place, _) in sorted(known.items()) if not descends(name)],
        f"An exception does not derive from {ROOT_ERROR}.",
    )


def test_drawing_is_the_tree() -> None:
    path = (PACKAGE / "errors.py").relative_to(PACKAGE.parents[1])
    docstring = ast.get_docstring(parsed(path), clean=False) or ""
    picture = dict(drawn(docstring))
    known = errors()
    tree = {name: next((base for base in bases if base in known), None) for name, (_, bases) in known.items()}
    problems = [f"{name} ({known[name][0]}) is not drawn" for name in sorted(tree.keys() - picture.keys())]
    problems += [f"{name} is drawn and does not exist" for name in sorted(picture.keys() - tree.keys())]
    problems += [
        f"{name} is drawn under {picture[name]} and derives from {tree[name]}"
        for name in sorted(tree.keys() & picture.keys())
        if tree[name] != picture[name]
    ]
    complain(problems, "The tree in errors.py is not the one in the code.")


def test_drawing_is_read() -> None:
    picture = "Title Line.\n\n    FlowRouterError   all\n    ├── A\n    │   └── B   b\n    └── C\n\nWords after it.\n"
    rows = [("FlowRouterError", None), ("A", "FlowRouterError"), ("B", "A"), ("C", "FlowRouterError")]
    assert list(drawn(picture)) == rows
