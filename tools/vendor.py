"""Writes `src/flowrouter/static/vendor` from npm: the few libraries that the dashboard loads, as ES modules.

Run it by hand after a version below was raised: `.venv/bin/python tools/vendor.py`. It needs npm, whose
own settings say where packages come from. What is written depends on nothing but the versions, so that a
second run changes nothing: where a version stands in `vendor.toml` already and its bytes are others than
they were, the run stops. Modules import each other by relative path, since the page's policy allows no
import map. `preact.d.ts` is written by hand: the package's own types are ten times the library.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NamedTuple

TARGET = Path(__file__).resolve().parents[1] / "src/flowrouter/static/vendor"
IMPORTS = {
    "preact": "./preact.js",
    "preact/hooks": "./hooks.js",
    "@preact/signals-core": "./signals-core.js",
    "../../src/index": "./preact.js",
}


class Package(NamedTuple):
    """One package: which version, which of its files become which of ours."""

    name: str
    version: str
    url: str
    files: dict[str, str]


PACKAGES = (
    Package(
        "preact",
        "11.2.0",
        "https://preactjs.com",
        {
            "preact.js": "dist/preact.mjs",
            "hooks.js": "hooks/dist/hooks.mjs",
            "hooks.d.ts": "hooks/src/index.d.ts",
        },
    ),
    Package(
        "@preact/signals-core",
        "1.14.5",
        "https://github.com/preactjs/signals",
        {"signals-core.js": "dist/signals-core.mjs", "signals-core.d.ts": "dist/signals-core.d.ts"},
    ),
    Package(
        "@preact/signals",
        "2.11.4",
        "https://github.com/preactjs/signals",
        {"signals.js": "dist/signals.mjs", "signals.d.ts": "dist/signals.d.ts"},
    ),
    Package(
        "htm",
        "3.1.1",
        "https://github.com/developit/htm",
        {"htm.js": "dist/htm.mjs", "htm.d.ts": "dist/htm.d.ts"},
    ),
    Package(
        "uplot",
        "1.6.32",
        "https://github.com/leeoniya/uPlot",
        {
            "uplot.js": "dist/uPlot.iife.min.js",
            "uplot.d.ts": "dist/uPlot.d.ts",
            "uplot.css": "dist/uPlot.min.css",
        },
    ),
)

_IMPORT = re.compile(r'(?P<before>\b(?:from|import)\s*)(?P<quote>["\'])(?P<name>[\w@./-]+)(?P=quote)')
_MAP = re.compile(r"//# sourceMappingURL=.*$|/\*# sourceMappingURL=.*?\*/", re.MULTILINE)


def fetched(folder: Path) -> Path:
    """Return the `node_modules` that npm filled with the pinned versions."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("tools/vendor.py needs npm (any version; Debian: apt install npm)")
    (folder / "package.json").write_text('{"private": true}\n')
    wanted = [f"{package.name}@{package.version}" for package in PACKAGES]
    command = [
        npm,
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        "--save-exact",
    ]
    subprocess.run([*command, *wanted], cwd=folder, check=True)
    return folder / "node_modules"


def module(text: str, name: str) -> str:
    """Return a package's file as ours: relative imports, no source map, a default export for uPlot."""

    def own(match: re.Match[str]) -> str:
        target = IMPORTS.get(match["name"])
        if target is None:
            sys.exit(f"{name} imports {match['name']}, which is not among the files")
        return f'{match["before"]}"{target}"'

    if not name.endswith(".css"):
        text = _IMPORT.sub(own, text)
    text = _MAP.sub("", text)
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"
    return lines + "export default uPlot;\n" if name == "uplot.js" else lines


def licence_of(folder: Path) -> str:
    """Return the licence text that a package brings."""
    text = (folder / "LICENSE").read_text("utf-8")
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def made(modules: Path) -> tuple[dict[str, str], list[dict[str, object]], str]:
    """Return the files by name, the rows of `vendor.toml`, and the notice."""
    files: dict[str, str] = {}
    rows: list[dict[str, object]] = []
    notice = ["What Flow Router's dashboard is built with; the files lie beside this one.\n"]
    for package in PACKAGES:
        folder = modules / package.name
        manifest = json.loads((folder / "package.json").read_text("utf-8"))
        if manifest["version"] != package.version:
            sys.exit(f"npm installed {package.name} {manifest['version']}, not {package.version}")
        own = {name: module((folder / at).read_text("utf-8"), name) for name, at in package.files.items()}
        files |= own
        hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in own.items()}
        rows.append(
            {
                "name": package.name,
                "version": package.version,
                "licence": manifest["license"],
                "url": package.url,
                "files": hashes,
            }
        )
        head = f"{package.name} {package.version} ({manifest['license']}), {package.url}: {', '.join(own)}"
        notice.append(f"\n{head}\n\n{licence_of(folder)}\n")
    return files, rows, "\n".join(notice)


def table(rows: list[dict[str, object]]) -> str:
    """Return the text of `vendor.toml`."""
    lines = ["# Written by tools/vendor.py. The hashes are SHA-256 of the files beside this one."]
    for row in rows:
        lines += ["", "[[package]]"]
        lines += [f"{key} = {json.dumps(row[key])}" for key in ("name", "version", "licence", "url")]
        lines.append("[package.files]")
        hashes = row["files"]
        assert isinstance(hashes, dict)
        lines += [f"{json.dumps(name)} = {json.dumps(digest)}" for name, digest in hashes.items()]
    return "\n".join(lines) + "\n"


def refuse_other_bytes(rows: list[dict[str, object]]) -> None:
    """Stop where a version that was there before has come with other bytes."""
    at = TARGET / "vendor.toml"
    known = tomllib.loads(at.read_text("utf-8"))["package"] if at.exists() else []
    before = {(row["name"], row["version"]): row["files"] for row in known}
    for row in rows:
        was = before.get((row["name"], row["version"]), {})
        now = row["files"]
        assert isinstance(now, dict)
        other = [name for name, digest in now.items() if was.get(name, digest) != digest]
        if other and "--accept" not in sys.argv:
            sys.exit(
                f"{row['name']} {row['version']} came with another {', '.join(other)} than before; if this "
                "script has changed what it does to them, run it with --accept"
            )


def main() -> None:
    """Write the folder and say what it holds."""
    with tempfile.TemporaryDirectory() as temporary:
        files, rows, notice = made(fetched(Path(temporary)))
    refuse_other_bytes(rows)
    TARGET.mkdir(parents=True, exist_ok=True)
    texts = {**files, "NOTICE": notice, "vendor.toml": table(rows)}
    for name, text in texts.items():
        (TARGET / name).write_text(text, "utf-8")
    for path in sorted(TARGET.iterdir()):
        if path.name not in texts and path.name != "preact.d.ts":
            path.unlink()
    print(f"{len(files)} files, {sum(map(len, files.values())) // 1024} KiB, in {TARGET}")


if __name__ == "__main__":
    main()
