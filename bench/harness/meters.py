"""Measure processes: CPU time by POSIX clocks, resident memory, descriptors, time to the first 200.

Clock ticks (10 ms) are too coarse for microseconds per request, so the CPU time of each process in a tree is read from
its own POSIX CPU clock, which counts all its threads in nanoseconds.
"""

from __future__ import annotations

import atexit
import os
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Callable

import psutil

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


def on_core(core: int | None) -> Callable[[], None] | None:
    """Return what a child runs before its program to stay on one core."""
    if core is None:
        return None
    return lambda: os.sched_setaffinity(0, {core})


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
            except psutil.NoSuchProcess:
                continue
        return total


class Running:
    """A started system: its process tree, port and the headers its clients send."""

    def __init__(self, system: System, place: Place, *, core: int | None) -> None:
        place.directory.mkdir(parents=True, exist_ok=True)
        self.system = system
        self.name = system.name
        self.port = place.port
        self.log = place.directory / f"{system.name}.log"
        self._place = place
        self._core = core
        self.launch: Launch = system.prepare(place)
        self.process = self._spawn()
        atexit.register(self.kill)

    @property
    def headers(self) -> tuple[str, ...]:
        """The header lines a client must add."""
        return self.launch.headers

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

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Return at the first 200 of the ready path, or leave with the end of the log."""
        deadline = time.monotonic() + timeout
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
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
    reply = bytearray()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(request)
            while part := connection.recv(65536):
                reply += part
    except OSError:
        return 0, b""
    head, _, body = bytes(reply).partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return (int(words[1]) if len(words) > 2 and words[1].isdigit() else 0), body


def cold_starts(system: System, place: Place, *, core: int, times: int) -> tuple[float, list[float]]:
    """Return the seconds to the first 200 with an empty data directory, then `times` with a used one."""
    running = Running(system, place, core=core)
    running.kill()
    shutil.rmtree(place.directory / "data", ignore_errors=True)
    first = running.restart()
    later: list[float] = []
    for _ in range(times):
        running.stop()
        later.append(running.restart())
    running.stop()
    return first, later
