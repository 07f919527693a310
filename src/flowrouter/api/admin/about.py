"""`/api/about`: what runs here, on what, and whose work it is made of."""

from __future__ import annotations

import asyncio
import platform
import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from flowrouter import __version__
from flowrouter.api.admin.call import AdminRoute as Row
from flowrouter.api.admin.call import Call
from flowrouter.api.admin.deps import StoreAbout
from flowrouter.api.admin.envelope import Reply

PROGRAM = "flow-router"

_VENDOR = Path(__file__).resolve().parents[2] / "static" / "vendor" / "vendor.toml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA = re.compile(r"\bextra\s*==")
_CLASSIFIER = "License :: OSI Approved :: "
_LONGEST = 100
_PAGES = ("homepage", "home", "source", "sourcecode", "repository", "documentation")


class Licence(msgspec.Struct, frozen=True, kw_only=True):
    """A work that is part of this program as it is installed, and on what terms; null is not told."""

    name: str
    version: str
    licence: str | None
    url: str | None


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The program and where it runs; `data` is the data folder, for the operator only."""

    version: str
    python: str
    platform: str
    uptime_s: float
    data: str | None
    store: StoreAbout | None
    features: tuple[str, ...]
    licences: tuple[Licence, ...]


async def get_about(call: Call) -> Reply:
    """Return what runs here."""
    deps = call.deps
    store = await asyncio.to_thread(deps.store_about) if deps.store_about is not None else None
    data = About(
        version=__version__,
        python=platform.python_version(),
        platform=await asyncio.to_thread(platform.platform, terse=True),
        uptime_s=round(deps.clock.monotonic() - deps.started, 3),
        data=str(deps.config.data_dir) if call.visitor.is_operator else None,
        store=store,
        features=deps.features,
        licences=await asyncio.to_thread(licences),
    )
    return Reply(data=data)


@cache
def licences() -> tuple[Licence, ...]:
    """Return what this program is made of: the distributions it runs on, then what the dashboard loads."""
    found = sorted(_installed(PROGRAM), key=lambda each: each.name.lower())
    return (*found, *_vendored())


def _installed(root: str) -> Iterator[Licence]:
    """Yield the distributions that `root` needs and that are there, with all that those need."""
    waiting, seen = [(root, True)], set[str]()
    while waiting:
        name, whole = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in seen:
            continue
        seen.add(key)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # of an extra or a platform that is not this one
            continue
        if name != root:
            yield _licence(found)
        for line in found.requires or ():
            needed = _NAME.match(line)
            # What others offer as extras is no part of this program, even where it is installed.
            if needed is not None and (whole or not _EXTRA.search(line)):
                waiting.append((needed[0], False))


def _licence(found: metadata.Distribution) -> Licence:
    told: dict[str, Any] = found.metadata.json
    said = [told.get("license_expression"), told.get("license")]
    said += [
        each.rpartition(" :: ")[2] for each in told.get("classifier", ()) if each.startswith(_CLASSIFIER)
    ]
    lines = [str(each or "").strip().partition("\n")[0].strip() for each in said]
    fitting = [line for line in lines if line and line != "UNKNOWN" and len(line) <= _LONGEST]
    return Licence(
        name=told["name"],
        version=found.version,
        licence=fitting[0] if fitting else None,
        url=_page(told.get("home_page"), told.get("project_url", [])),
    )


def _page(home: str | None, named: Sequence[str]) -> str | None:
    """Return the address of a distribution's page."""
    pages = {label.strip().lower().replace(" ", ""): url.strip() for label, _, url in map(_split, named)}
    wanted = [pages[label] for label in _PAGES if label in pages]
    found = [url for url in (home or "", *wanted, *pages.values()) if url.startswith(("https://", "http://"))]
    return found[0] if found else None


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(",")


def _vendored() -> Iterator[Licence]:
    """Yield the libraries among the dashboard's files."""
    try:
        packages = tomllib.loads(_VENDOR.read_text("utf-8")).get("package", [])
    except (OSError, ValueError):
        return
    for each in packages:
        yield Licence(
            name=each["name"], version=each["version"], licence=each.get("licence"), url=each.get("url")
        )


ABOUT_ROUTES: tuple[Row, ...] = (
    Row(
        method="GET",
        path="/api/about",
        summary="Show what runs here",
        answer=get_about,
        reply=About,
    ),
)

__all__ = ["ABOUT_ROUTES", "About", "Licence", "get_about", "licences"]
