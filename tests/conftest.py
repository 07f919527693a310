"""Every test runs cut off from the developer's machine: no internet, no inherited keys, no user data."""

from __future__ import annotations

import gc
import ipaddress
import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.tls import certificate

_PRIVATE_PREFIXES = (
    "CEREBRAS_",
    "DEEPSEEK_",
    "FIREWORKS_",
    "OLLAMA_",
    "TOGETHER_",
    "XAI_",
    "ANTHROPIC_",
    "FLOW_ROUTER_",
    "GEMINI_",
    "GOOGLE_",
    "GROQ_",
    "MISTRAL_",
    "OPENAI_",
    "OPENROUTER_",
)
_PROXIES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_MEMORY = Path("/dev/shm")
_MEMORY_BYTES = 4 * 10**9


def _keep_files_in_memory() -> None:
    """Let temporary files stay in memory where there is room: thousands of stores wait for the disk else."""
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK):
        return
    room, runs = shutil.disk_usage(_MEMORY).free, not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC
    if room > _MEMORY_BYTES and runs:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None


_keep_files_in_memory()
_HOME = tempfile.mkdtemp(prefix="flow-router-tests-")


def _forget_the_developer() -> None:
    """Drop keys and proxies, and point the platform's data folders at an empty place."""
    for name in list(os.environ):
        if name.startswith(_PRIVATE_PREFIXES) or name.upper() in _PROXIES:
            del os.environ[name]
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        os.environ[name] = _HOME
    _trust_one_authority()


def _trust_one_authority() -> None:
    """Let whoever sets up TLS load one certificate: a hundred take longer than most tests, and reach nobody."""
    _, authority = certificate(Path(_HOME), names=["localhost"], addresses=[])
    os.environ["SSL_CERT_FILE"] = str(authority)
    os.environ.pop("SSL_CERT_DIR", None)


def _is_loopback(host: Any) -> bool:
    text = host.decode() if isinstance(host, bytes) else host
    if text in (None, "", "0.0.0.0", "::") or not isinstance(text, str):
        return True
    if text == "localhost" or text.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _is_address(host: Any) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _stay_on_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse, as an audit hook, every look-up and connection that would leave the machine."""
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a Unix socket's address is a path
        leaves = not _is_loopback(host)
    elif event == "socket.getaddrinfo":
        host = arguments[0]
        leaves = not _is_loopback(host) and not _is_address(host)  # reading an address asks nobody
    else:
        return
    if leaves:
        raise RuntimeError(f"a test tried to reach {host!r}; the suite stays on loopback")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Any]:
    """Return a running redis-server that the tests of one worker share; each uses a prefix of its own."""
    from tests.support.redis_server import RedisServer

    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """Return a running PostgreSQL that the tests of one worker share; each makes a database of its own."""
    from tests.support.postgres_server import PostgresServer

    with PostgresServer() as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave the twenty thousand tests out of every later search for circles: they live as long as the worker."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


_LONG = {
    "tests/e2e/test_money_under_fire.py": 150,
    "tests/faults": 90,
    "tests/e2e/test_workers.py": 90,
    "tests/openapi": 80,
    "tests/unit/httpkit": 45,
    "tests/e2e/test_postgres.py": 40,
    "tests/e2e/test_workers_api.py": 40,
}
"""Where tests mostly wait, and about how many seconds."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each worker begin with a share of what takes long: else one of them ends minutes after the others.

    Each is dealt an equal stretch of the list, and takes from the end of another's when it is done.
    """
    workers: int = getattr(config, "workerinput", {}).get("workercount", 1)
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    seconds = [0] * workers
    found: dict[str, list[pytest.Item]] = {path: [] for path in _LONG}
    others: list[pytest.Item] = []
    for item in items:
        path = next((path for path in _LONG if item.nodeid.startswith(path)), None)
        (others if path is None else found[path]).append(item)
    for path, weight in _LONG.items():
        lightest = seconds.index(min(seconds))
        seconds[lightest] += weight
        shares[lightest] += found[path]
    dealt: list[pytest.Item] = []
    for number, share in enumerate(shares, 1):
        room = len(items) * number // workers - len(dealt) - len(share)
        dealt += share
        dealt += others[: max(0, room)]
        del others[: max(0, room)]
    items[:] = [*dealt, *others]


def pytest_unconfigure() -> None:
    """Remove what the run left in the stand-in for the user's folders."""
    shutil.rmtree(_HOME, ignore_errors=True)


_forget_the_developer()
sys.addaudithook(_stay_on_loopback)

settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")
