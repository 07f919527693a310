"""Compile the C programs once, with the system compiler or the `ziglang` wheel, and the Go one where there is Go."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
SOURCE = BENCH / "c"
OUTPUT = BENCH / "build"
PROGRAMS = {
    "upstream": ("upstream.c", "replies.c", "common.c"),
    "load": ("load.c", "samples.c", "common.c"),
    "proxy": ("proxy.c", "common.c"),
}
FLAGS = ("-O2", "-Wall", "-Wextra", "-Wshadow", "-std=gnu11")


def find_compiler() -> list[str]:
    """Return the command of a C compiler, or leave with a message that says how to get one."""
    for name in ("cc", "gcc", "clang"):
        if path := shutil.which(name):
            return [path]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    raise SystemExit(
        "The benchmark needs a C compiler: install gcc or clang with the system's package manager,\n"
        "or the compiler in a wheel: .venv/bin/python -m pip install ziglang"
    )


def compile_all() -> dict[str, str]:
    """Compile what is older than its sources; return each program's path by name."""
    if platform.system() != "Linux":
        raise SystemExit("The benchmark needs Linux: it uses epoll, CPU pinning and per-process CPU clocks.")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    newest = max(path.stat().st_mtime for path in SOURCE.iterdir())
    programs: dict[str, str] = {}
    for name, sources in PROGRAMS.items():
        target = OUTPUT / name
        programs[name] = str(target)
        if target.exists() and target.stat().st_mtime > newest:
            continue
        files = [str(SOURCE / source) for source in sources]
        # Under another name first: several processes may be at it, and one may be running the old program.
        made = target.with_suffix(f".{os.getpid()}")
        subprocess.run([*find_compiler(), *FLAGS, *files, "-o", str(made)], check=True)
        made.replace(target)
    return programs


def compile_go() -> str | None:
    """Compile the Go proxy, whose own tool knows whether it must; return its path, or None where Go is not installed."""
    go = shutil.which("go") or next((path for path in ("/usr/local/go/bin/go",) if Path(path).exists()), None)
    if not go:
        return None
    target = OUTPUT / "go-proxy"
    subprocess.run([go, "build", "-o", str(target), str(BENCH / "go" / "main.go")], check=True)
    return str(target)
