"""A workshop for each run of a program: an empty home, and a folder with a file to read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.clients.lab import Place
from tests.clients.roster import INSTALLED, node_folder

WORD = "heliotrope"
SOURCE, TARGET = "notes.txt", "result.txt"
PATIENCE = 120.0


class Workshop:
    """One program's surroundings at one place."""

    def __init__(self, place: Place, home: Path) -> None:
        self.place = place
        self.home = home
        self.folder = home / "project"
        self.folder.mkdir(parents=True)
        (self.folder / SOURCE).write_text(f"The word is SECRET-{WORD}.\n")
        subprocess.run(["git", "init", "-q"], cwd=self.folder, check=True)

    @property
    def source(self) -> str:
        """Return the file to read."""
        return str(self.folder / SOURCE)

    @property
    def target(self) -> str:
        """Return the file to write."""
        return str(self.folder / TARGET)

    def run(self, program: str, arguments: tuple[str, ...], environ: dict[str, str]) -> tuple[int, str]:
        """Run a program in the project and return its exit code and all it said; fails if it does not end."""
        # A path to the programs and nothing of the person's own: no keys, no settings, no proxies.
        bare = {
            "PATH": f"{node_folder()}:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "CI": "1",
            "NO_COLOR": "1",
        }
        done = subprocess.run(
            [str(INSTALLED / program), *arguments],
            cwd=self.folder,
            env={**bare, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
        return done.returncode, done.stdout.decode("utf-8", "replace")
