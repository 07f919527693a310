"""Measure processes: CPU time by POSIX clocks, resident memory, descriptors, time to the first 200.

Clock ticks (10 ms) are too coarse for microseconds per request, so the CPU time of each process in a tree is read from
its own POSIX CPU clock, which counts all its threads in nanoseconds.
"""

from __future__ import annotations

import atexit
import os
import re
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from harness.cases import Case
from harness.systems import Launch, Place, System, clean_environment

_CPUCLOCK_SCHED = 2


def raise_file_limit() -> None:
    """Let this process and its children open as many sockets as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def cores() -> tuple[int, int]:
    """Return the core for the system under test and the core for mock and client; equal if there is one."""
    available = sorted(os.sched_getaffinity(0))
    return available[0], available[1 if len(available) > 1 else 0]


def on_core(core: int | frozenset[int] | None) -> Callable[[], None] | None:
    """Return what a child runs before its program to stay on one core, or on several."""
    if core is None:
        return None
    return lambda: os.sched_setaffinity(0, {core} if isinstance(core, int) else core)


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Tree:
    """A process and its descendants; a descendant that has ended keeps the CPU time last seen."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._cpu_ns: dict[int, int] = {}

    def processes(self) -> list[psutil.Process]:
        """Return the root and all its living descendants."""
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def cpu_ns(self) -> int:
        """Return user + system time of the tree in nanoseconds."""
        for process in self.processes():
            try:
                self._cpu_ns[process.pid] = time.clock_gettime_ns((~process.pid << 3) | _CPUCLOCK_SCHED)
            except OSError:
                continue
        return sum(self._cpu_ns.values())

    def rss_mb(self) -> float:
        """Return the resident memory of the tree in MB (10^6 bytes)."""
        return self._sum(lambda process: process.memory_info().rss) / 1e6

    def descriptors(self) -> int:
        """Return the number of open file descriptors in the tree."""
        return self._sum(lambda process: process.num_fds())

    def sockets(self) -> int:
        """Return the number of open sockets in the tree."""
        return self._sum(_sockets)

    def peak_mb(self) -> float:
        """Return the most resident memory the tree's processes ever had, added up, in MB."""
        return self._sum(_peak_bytes) / 1e6

    def threads(self) -> int:
        """Return the number of threads in the tree."""
        return self._sum(lambda process: process.num_threads())

    def kill(self) -> None:
        """Kill every process of the tree with SIGKILL."""
        for process in reversed(self.processes()):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue

    def _sum(self, read: Callable[[psutil.Process], int]) -> int:
        total = 0
        for process in self.processes():
            try:
                total += read(process)
            except (psutil.NoSuchProcess, OSError):
                continue
        return total


def _sockets(process: psutil.Process) -> int:
    count = 0
    for entry in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            count += str(entry.readlink()).startswith("socket:")
        except OSError:
            continue
    return count


def _peak_bytes(process: psutil.Process) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text("ascii", "replace")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


class Running:
    """A started system: its process tree, port and the headers its clients send."""

    def __init__(self, system: System, place: Place, *, core: int | frozenset[int] | None) -> None:
        place.directory.mkdir(parents=True, exist_ok=True)
        self.system = system
        self.name = system.name
        self.port = place.port
        self.log = place.directory / f"{system.name}.log"
        self._place = place
        self._core = core
        self.launch: Launch = system.prepare(place)
        self.headers = self.launch.headers
        self.process = self._spawn()
        atexit.register(self.kill)

    def aim(self, case: Case) -> dict[str, Any]:
        """Return what the load client must know to send `case` here."""
        headers = (*self.headers, *self.system.route_headers.get(case.route, ()))
        return {"case": self.system.adapt(case), "port": self.port, "headers": headers}

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = clean_environment(self._place.directory) | self.launch.environment
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.launch.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self._place.directory,
                preexec_fn=on_core(self._core),
            )
        self.tree = Tree(process.pid)
        return process

    def restart(self) -> float:
        """Start the stopped system again on its port; return the seconds to the first 200."""
        begun = time.perf_counter()
        self.process = self._spawn()
        self.wait_ready()
        return time.perf_counter() - begun

    def start(self) -> None:
        """Wait until it answers, and introduce ourselves where it wants that."""
        self.wait_ready()
        if self.launch.introduce:
            self.headers = (*self.launch.headers, *self.launch.introduce())

    def wait_ready(self) -> None:
        """Return at the first 200 of the ready path, or leave with the end of the log."""
        deadline = time.monotonic() + self.system.ready_seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            if http_get(self.port, self.system.ready_path)[0] == 200:
                return
            time.sleep(0.002)
        tail = self.log.read_text(errors="replace")[-2000:]
        raise SystemExit(f"{self.name} did not become ready.\n{' '.join(self.launch.command)}\n{tail}")

    def stop(self) -> None:
        """End the system politely, then by force."""
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the whole tree with SIGKILL."""
        self.tree.kill()
        self.process.wait()


def http_get(port: int, path: str) -> tuple[int, bytes]:
    """Return status and body of a local GET; status 0 when nobody answers."""
    status, _, body = http_ask(port, "GET", path)
    return status, body


def http_ask(
    port: int, method: str, path: str, *, body: bytes = b"", headers: Sequence[str] = ()
) -> tuple[int, bytes, bytes]:
    """Return status, head and body of a local answer; status 0 when nobody answers."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close", *headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    reply = bytearray()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            while part := connection.recv(65536):
                reply += part
    except OSError:
        return 0, b"", b""
    head, _, content = bytes(reply).partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return (int(words[1]) if len(words) > 2 and words[1].isdigit() else 0), head, content


def cold_starts(system: System, place: Place, *, core: int, times: int) -> tuple[float, list[float]]:
    """Return the seconds to the first 200 with an empty data directory, then of `times` starts with a used one."""
    running = Running(system, place, core=core)
    running.kill()
    shutil.rmtree(place.directory / "data", ignore_errors=True)
    first = running.restart()
    later = [first] if times < 1 else []
    for _ in range(times):
        running.stop()
        later.append(running.restart())
    running.stop()
    return first, later
