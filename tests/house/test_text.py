"""What is committed reads well anywhere: no registry hosts, no machine's paths, no loose ends."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import RECORDED, complain, parsed, python_files, text_of, tracked

# Written in pieces, or this file would be its own first finding.
_REGISTRIES = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "yarn" + "pkg.com",
    "crates" + ".io",
    "proxy." + "golang.org",
    "maven" + ".org",
    "deb." + "debian.org",
    "archive." + "ubuntu.com",
)
REGISTRY = re.compile("|".join(re.escape(host) for host in _REGISTRIES), re.IGNORECASE)
# Absolute paths that exist on one machine only; /home/you and its like are examples, not machines.
MACHINE_PATH = re.compile(
    r"(?<![\w.~$}/-])(?:/(?:home|Users)/(?!you\b|user\b|me\b|USER\b)\w+|/root/\w|/(?:work|workspace|builds)/\w|/tmp/\w|[A-Z]:\\Users\\)"
)
UNFINISHED = re.compile(r"\b(?:FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
REMINDER = re.compile(r"\bTO" + r"DO\b(?P<reason>.*)")
BANNER = re.compile(r"^\s*(?:#|//|/\*)\s*[-=*#~─═]{4,}")
CONFLICT = re.compile(r"^(?:<{7}|>{7}) |^={7}$")
EMOJI = re.compile("[\U0001f300-\U0001faff\u2705\u274c\u2728\u26a0\u26a1\u2b50]")

PROSE_AND_CODE = {".py", ".md", ".toml", ".sh", ".js", ".css", ".html", ".c", ".h", ""}


def own_text() -> Iterator[tuple[Path, str]]:
    """Yield every text the maintainers wrote; locks and recorded traffic come from elsewhere."""
    for path in tracked():
        if path.suffix == ".lock" or str(path).startswith(RECORDED):
            continue
        if (text := text_of(path)) is not None:
            yield path, text


def found(pattern: re.Pattern[str], path: Path, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if match := pattern.search(line):
            yield f"{path}:{number}: {match[0].strip()}"


def test_no_registry_host() -> None:
    """Where packages come from is the installing machine's setting; locks are read here too."""
    texts = ((path, text_of(path) or "") for path in tracked())
    complain(
        [each for path, text in texts for each in found(REGISTRY, path, text)], "A registry's host is named."
    )


def test_no_machine_path() -> None:
    problems = [each for path, text in own_text() for each in found(MACHINE_PATH, path, text)]
    complain(problems, "A path of somebody's machine is named.")


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("see /home/" + "anna/project", True),
        ("'/tmp" + "/out.txt'", True),
        ("cd /root" + "/x", True),
        ("-v /home/you/models:/models", False),
        ("GET /v1/builds/items", False),
        ("https://example.com/home/page", False),
        ("~/builds/x", False),
    ],
)
def test_machine_paths_are_seen(line: str, bad: bool) -> None:
    assert bool(MACHINE_PATH.search(line)) is bad


def test_no_loose_ends() -> None:
    """A thing left to do says what and why, or is an issue instead."""
    problems: list[str] = []
    for path, text in own_text():
        problems += found(UNFINISHED, path, text)
        problems += found(CONFLICT, path, text)
        for number, line in enumerate(text.splitlines(), 1):
            match = REMINDER.search(line)
            if match and path.suffix in {".py", ".js", ".sh"} and len(match["reason"].strip(" :.-")) < 20:
                problems.append(f"{path}:{number}: a note of work left, without its reason")
    complain(problems, "Something was left unfinished.")


def test_no_banners_no_emoji() -> None:
    problems: list[str] = []
    for path, text in own_text():
        if path.suffix in PROSE_AND_CODE:
            problems += found(BANNER, path, text)
            problems += found(EMOJI, path, text) if path.parts[0] != "tests" else ()  # there it is test data
    complain(problems, "Decoration instead of words.")


def test_whitespace() -> None:
    problems: list[str] = []
    for path, text in own_text():
        if path.suffix not in PROSE_AND_CODE:
            continue
        if text and not text.endswith("\n"):
            problems.append(f"{path}: no newline at its end")
        if "\r" in text:
            problems.append(f"{path}: carriage returns")
        if "\udc80" <= max(text, default="") <= "\udcff":
            problems.append(f"{path}: not UTF-8")
        lines = enumerate(text.splitlines(), 1)
        problems += [f"{path}:{number}: space at the end" for number, line in lines if line != line.rstrip()]
    complain(problems, "Whitespace nobody wants.")


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call))


def test_skips_say_why() -> None:
    """A test that does not run says why, in words; one that hides behind an import says nothing."""
    marks = {"pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail"}
    problems: list[str] = []
    for path in python_files("tests"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in {
                "pytest.mark.skip",
                "pytest.mark.xfail",
            }:
                problems += (
                    [f"{path}:{node.lineno}: {ast.unparse(node)} without a reason"]
                    if not called(node, path)
                    else []
                )
        for call in calls(path):
            name = ast.unparse(call.func)
            reason = any(keyword.arg == "reason" for keyword in call.keywords)
            if name in marks and not reason:
                problems.append(f"{path}:{call.lineno}: {name} without a reason")
            if name in {"pytest.skip", "pytest.xfail"} and not (call.args or reason):
                problems.append(f"{path}:{call.lineno}: {name} without a reason")
            if name == "pytest.importorskip":
                problems.append(f"{path}:{call.lineno}: {name} hides what is missing")
    complain(problems, "A test is switched off in silence.")


def called(node: ast.Attribute, path: Path) -> bool:
    return any(call.func is node for call in calls(path))
