"""The guide keeps up: every route, setting and command is in it, and it names no command that is not.

Names this file relies on:
  flowrouter.api.ROUTES             the whole route table: rows with `method` (or `methods`) and `path`
  flowrouter.config.Settings        the root Struct; nested Structs are sections: `server.port`, `accounts[].name`
  flowrouter.cli.commands.app       the typer application
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from tests.house.tree import code_in, complain, room, text_of, tracked


def guide() -> str:
    """All pages of docs/ and the README, as one text."""
    pages = [path for path in tracked() if path.suffix == ".md" and path.parts[0] in {"docs", "README.md"}]
    return "\n".join(text_of(path) or "" for path in pages)


def named(module: Any, name: str) -> Any:
    found = getattr(module, name, None)
    assert found is not None, f"docs parity reads {module.__name__}.{name}, which is not there"
    return found


def routes() -> Iterator[str]:
    """Yield `METHOD /path` for each row of the route table."""
    data_plane, management = room("flowrouter.api"), room("flowrouter.api.admin")
    for row in (*named(data_plane, "ROUTES"), *named(management, "ADMIN_ROUTES")):
        methods = getattr(row, "methods", None) or [row.method]
        for method in sorted(set(methods) - {"HEAD", "OPTIONS"}):
            yield f"{method} {row.path}"


def settings(kind: Any, prefix: str = "") -> Iterator[str]:
    """Yield the dotted name of each setting; a list of tables counts as the section `name[]`."""
    for field in msgspec.structs.fields(kind):
        nested, mark = struct_within(field.type)
        if nested is None:
            yield f"{prefix}{field.encode_name}"
        else:
            yield from settings(nested, f"{prefix}{field.encode_name}{mark}.")


def struct_within(kind: Any) -> tuple[Any, str]:
    """Return the Struct a field's type holds and `[]` if it holds several."""
    described = msgspec.inspect.type_info(kind)
    options = described.types if isinstance(described, msgspec.inspect.UnionType) else (described,)
    for option in options:
        if isinstance(option, msgspec.inspect.StructType):
            return option.cls, ""
        inner = getattr(option, "item_type", None)
        if isinstance(inner, msgspec.inspect.StructType):
            return inner.cls, "[]"
    return None, ""


def commands() -> dict[str, Any]:
    """`flow-router …` → click command, for each command a user can see."""
    import typer

    root = typer.main.get_command(named(room("flowrouter.cli.commands"), "app"))

    def walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
        if command.hidden:
            return
        yield path, command
        for name, child in getattr(command, "commands", {}).items():
            yield from walk(child, f"{path} {name}")

    return dict(walk(root, "flow-router"))


def test_routes_are_documented() -> None:
    rows = list(routes())
    assert rows, "the route table is empty"
    text = guide()
    complain([row for row in rows if row not in text], "docs/ does not mention these routes.")


def test_settings_are_documented() -> None:
    names = list(settings(named(room("flowrouter.config"), "Settings")))
    assert names, "no settings were found"
    text = guide()
    complain([name for name in names if f"`{name}`" not in text], "docs/ does not mention these settings.")


def test_commands_are_documented() -> None:
    leaves = {path: command for path, command in commands().items() if not getattr(command, "commands", None)}
    assert leaves, "the CLI has no commands"
    text = guide()
    problems = [path for path in leaves if path not in text]
    for path, command in leaves.items():
        options = {flag for option in command.params for flag in option.opts if flag.startswith("--")}
        problems += [f"{path} {flag}" for flag in sorted(options - {"--help"}) if flag not in text]
    complain(problems, "docs/ does not mention these commands.")


def test_documented_commands_exist() -> None:
    known = commands()
    first_words = {path.split()[1] for path in known if " " in path}
    shown = "\n".join(code_in(guide()))
    lines = re.findall(r"^(?:\$ )?(?:\S*/)?flow-router ([a-z][a-z-]*)", shown, re.MULTILINE)
    complain(sorted(set(lines) - first_words), "docs/ shows commands that do not exist.")


class _Tls(msgspec.Struct):
    certificate: str | None = None


class _Account(msgspec.Struct):
    name: str


class _Example(msgspec.Struct):
    port: int = 1
    tls: _Tls | None = None
    accounts: list[_Account] = []


def test_settings_are_found() -> None:
    assert list(settings(_Example)) == ["port", "tls.certificate", "accounts[].name"]
