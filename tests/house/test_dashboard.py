"""The dashboard's files: what others wrote is as it came, what we wrote is small and stays at home."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.test_sizes import FUNCTION_LIMIT
from tests.house.tree import ROOT, complain, text_of, tracked

STATIC = Path("src/flowrouter/static")
VENDOR = STATIC / "vendor"
PACKAGES = tomllib.loads((ROOT / VENDOR / "vendor.toml").read_text("utf-8"))["package"]
BY_HAND = {"NOTICE", "preact.d.ts", "vendor.toml"}
VISIT_KIB = 250
"""What a browser may have to load for all pages together, packed."""

# `xmlns` names a standard and fetches nothing; what follows `href=` is a link, which the reader follows.
_ADDRESS = re.compile(r"(?:https?:)?//[\w-]+(?:\.[\w-]+)+[^\s\"'`<>)]*")
_STANDARD = "http://www.w3.org/"
_FETCHES = re.compile(
    r"""(?:\bfetch\(|\bimport\(|\bfrom\s|\bnew\s+(?:EventSource|WebSocket|Worker|Request|URL)\(|\burl\(|@import|\bsrc=|<link\b)"""
)
_IMPORTS = re.compile(
    r"""(?:^(?:import|export)\b[^;'"`]*?\bfrom\s*|^import\s*|\bimport\()['"](?P<at>[^'"]+)['"]""",
    re.MULTILINE,
)
_FUNCTION = re.compile(
    r"(?:export )?(?:default )?(?:async )?(?:function\b\*? ?(?P<name>\w*)|const (?P<bound>\w+) = .*=> \{)"
)
_INLINE = re.compile(
    r"""(?<![\w.$])style=["']|(?<![\w.$])on[a-z]+=["']|<style\b|\.innerHTML\b|\beval\(|\bnew Function\b"""
)


def own(*suffixes: str) -> Iterator[tuple[Path, str]]:
    """Yield the dashboard's own sources."""
    for path in tracked():
        if path.is_relative_to(STATIC) and not path.is_relative_to(VENDOR) and path.suffix in suffixes:
            yield path, text_of(path) or ""


def test_vendored_files_are_as_they_came() -> None:
    problems = []
    for package in PACKAGES:
        for name, wanted in package["files"].items():
            found = hashlib.sha256((ROOT / VENDOR / name).read_bytes()).hexdigest()
            problems += [] if found == wanted else [f"{name} of {package['name']}"]
    complain(problems, "A vendored file was changed by hand; tools/vendor.py writes them.")


def test_every_vendored_file_is_accounted_for() -> None:
    listed = {name for package in PACKAGES for name in package["files"]} | BY_HAND
    assert {path.name for path in tracked() if path.parent == VENDOR} == listed


def test_every_licence_is_there() -> None:
    notice = (ROOT / VENDOR / "NOTICE").read_text("utf-8")
    for package in PACKAGES:
        assert f"{package['name']} {package['version']} ({package['licence']})" in notice
    assert notice.count("Permission is hereby granted") + notice.count("Apache License") >= len(PACKAGES)


def test_vendored_modules_import_only_each_other() -> None:
    here = {path.name for path in tracked() if path.parent == VENDOR}
    for path in tracked():
        if path.parent == VENDOR and path.name.endswith((".js", ".d.ts")):
            text = text_of(path) or ""
            assert "sourceMappingURL" not in text
            if path.suffix == ".js":
                assert {match["at"].removeprefix("./") for match in _IMPORTS.finditer(text)} <= here, path


def test_imports_lead_somewhere() -> None:
    problems = []
    for path, text in own(".js"):
        for match in _IMPORTS.finditer(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)):
            at = match["at"]
            target = (ROOT / path.parent / at).resolve()
            if not at.startswith(("./", "../")) or not target.is_file():
                problems.append(f"{path}: {at}")
    complain(problems, "An import leads nowhere; modules import each other by relative path.")


def fetched(line: str) -> list[str]:
    """Return the addresses of other hosts that a line of source makes the browser load."""
    return [
        match[0]
        for match in _ADDRESS.finditer(line)
        if not match[0].startswith(_STANDARD) and _FETCHES.search(line[: match.start()])
    ]


def test_nothing_is_fetched_from_elsewhere() -> None:
    problems = []
    for path, text in own(".js", ".css", ".html", ".svg", ".webmanifest"):
        for number, line in enumerate(text.splitlines(), 1):
            problems += [f"{path}:{number}: {address}" for address in fetched(line)]
    complain(problems, "The dashboard loads only what the gateway serves.")


def test_nothing_is_inline() -> None:
    """The content security policy would stop it in the browser; here it is found before."""
    problems = []
    for path, text in own(".js", ".html"):
        for number, line in enumerate(text.splitlines(), 1):
            problems += [f"{path}:{number}: {match[0]}" for match in _INLINE.finditer(line)]
    for path, text in own(".html"):
        problems += [
            f"{path}: a script without src"
            for tag in re.findall(r"<script\b[^>]*>", text)
            if "src=" not in tag
        ]
    complain(problems, "Inline styles, scripts and markup from text are not used.")


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("fetch('https://cdn.example.com/x.js')", True),
        ("import x from '//cdn.example.com/x.js'", True),
        ("background: url(https://example.com/x.png)", True),
        ("const NS = 'http://www.w3.org/2000/svg'", False),
        ('html`<a href="https://example.com/docs">docs</a>`', False),
        ("// see https://example.com", False),
    ],
    ids=["fetch", "import", "css", "namespace", "link", "comment"],
)
def test_addresses_that_are_fetched_are_told_from_links(line: str, bad: bool) -> None:
    assert bool(fetched(line)) is bad


def function_lengths(text: str) -> Iterator[tuple[str, int]]:
    """Yield the outermost functions of a module, as the formatter lays them out, with their lines."""
    name, begun = None, 0
    for number, line in enumerate(text.splitlines(), 1):
        if name is None and (match := _FUNCTION.match(line)):
            name, begun = match["name"] or match["bound"] or "default", number
        if name is not None and (line.startswith("}") or (number == begun and line.endswith(("}", "};")))):
            yield name, number - begun + 1
            name = None


def test_functions_fit() -> None:
    problems = [
        f"{path}::{name}: {lines} lines"
        for path, text in own(".js")
        for name, lines in function_lengths(text)
        if lines > FUNCTION_LIMIT
    ]
    complain(problems, f"A function is longer than {FUNCTION_LIMIT} lines.")


def test_the_ruler_measures() -> None:
    source = "export function One() {\n  return 1;\n}\nconst two = async () => {\n};\nfunction three() { return 3; }\n"
    assert list(function_lengths(source)) == [("One", 3), ("two", 2), ("three", 1)]


def _imported(*starts: Path) -> set[Path]:
    """Return what these modules import, whatever imports it, but for what is loaded when it is wanted."""
    found: set[Path] = set()
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
        for match in _IMPORTS.finditer(text):
            target = (path.parent / match["at"]).resolve()
            if not match[0].startswith("import(") and target not in found:
                found.add(target)
                waiting.append(target)
    return found


@pytest.mark.parametrize("page", sorted(path.stem for path in (ROOT / STATIC / "pages").glob("*.js")))
def test_what_a_visit_loads_is_small(page: str) -> None:
    """The frame, its styles and one page, packed, with everything that page may load."""
    static = ROOT / STATIC
    own = [static / "pages" / f"{page}.js", *(static / "pages" / page).rglob("*.js")]
    modules = {static / "main.js", *own, *_imported(static / "main.js", *own)}
    styles = [static / "app.css", *(static / "styles").glob("*.css"), static / "vendor" / "uplot.css"]
    total = sum(len(gzip.compress(path.read_bytes(), 9)) for path in (*modules, *styles))
    assert total < VISIT_KIB * 1024, f"{total / 1024:.0f} KiB"


def test_the_lock_says_what_and_not_whence() -> None:
    folder = ROOT / "tools" / "web"
    wanted = json.loads((folder / "package.json").read_text("utf-8"))["devDependencies"]
    lock = json.loads((folder / "package-lock.json").read_text("utf-8"))["packages"]
    assert lock[""]["devDependencies"] == wanted
    for name, entry in lock.items():
        assert "resolved" not in entry, name
        assert not name or entry["integrity"].startswith("sha512-"), name
    for name, version in wanted.items():
        assert lock[f"node_modules/{name}"]["version"] == version


def test_the_page_asks_for_all_that_it_starts_with_at_once() -> None:
    """What `main.js` imports is named in the page, so that it loads side by side and not one after the other."""
    static = ROOT / STATIC
    found = _imported(static / "main.js")
    named = re.findall(
        r'<link rel="modulepreload" href="/static/([^"]+)">', (static / "index.html").read_text()
    )
    assert sorted(named) == sorted(str(path.relative_to(static)) for path in found)
