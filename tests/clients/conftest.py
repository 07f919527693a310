"""A workshop for each test: both upstreams, a gateway, an empty home, and a folder with a file to read."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.clients.agent import turned
from tests.clients.cells import GATHERED, PROPERTY, Cell, Gathered
from tests.clients.driver import Drivers
from tests.clients.lab import Lab
from tests.clients.roster import INSTALLED
from tests.clients.scenarios import SOURCE, TARGET, WORD
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

PATIENCE = 150.0

# A path to the programs and nothing of the person's own: no keys, no settings, no proxies.
BARE = {
    "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "CI": "1",
    "NO_COLOR": "1",
}


class Workshop:
    """One client's surroundings; `up` is the vendor that answers, by way of `account`."""

    def __init__(self, gateway: RunningGateway, up: ScriptedUpstream, home: Path) -> None:
        self.gateway = gateway
        self.up = up
        self.home = home
        self.folder = home / "project"
        self.folder.mkdir()
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

    def run(self, program: str, *arguments: str, **environ: str) -> str:
        """Run a client in the project and return all it said; fails if it fails."""
        command = [str(INSTALLED / program), *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**BARE, "HOME": str(self.home), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
        said = done.stdout.decode("utf-8", "replace")
        assert done.returncode == 0, f"{program} ended with {done.returncode}:\n{said[-4000:]}"
        return said

    def check(self, said: str) -> None:
        """See that the client wrote what the model made of the file, and that no request was refused."""
        written = Path(self.target)
        assert written.exists(), f"nothing was written:\n{said[-4000:]}\n{self.story()}"
        assert written.read_text().strip() == turned(WORD), self.story()
        self.up.assert_all_valid()
        self.up.assert_never_received("any-gateway-key")
        assert self.outcomes() == {"ok"}, self.gateway.log

    def story(self) -> str:
        """Return what the vendor was asked, a line a request."""
        return "\n".join(f"{each.path} {each.status} {each.body[:300]!r}" for each in self.up.calls)

    def outcomes(self) -> set[str]:
        """Return how the exchanges ended, by the gateway's own log."""
        token = (self.gateway.data / "local.token").read_text().strip()
        status, body = self.gateway.get("/api/requests?limit=50", {"authorization": f"Bearer {token}"})
        assert status == 200, body
        return {row["outcome"] for row in json.loads(body)["data"]}


@pytest.fixture(params=["openai_chat", "anthropic"], ids=["chat-upstream", "messages-upstream"])
def workshop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workshop]:
    if not INSTALLED.exists():
        pytest.fail("the clients are not installed; run `make clients`")
    dialect: str = request.param
    with ScriptedUpstream(dialect=dialect, keys=["account-key"]) as up:
        anthropic = dialect == "anthropic"
        account: dict[str, Any] = {
            "name": "vendor",
            "preset": "custom-anthropic" if anthropic else "custom-openai",
            "base_url": up.url if anthropic else up.openai_url,
            "api_key": "account-key",
            "models": ["*"],
        }
        with RunningGateway([account]) as gateway:
            yield Workshop(gateway, up, tmp_path)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Gathered(GATHERED))


@pytest.fixture
def cell() -> Cell:
    """The cell of the table that the test fills in."""
    return Cell("", "", "")


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The places of this worker."""
    if not INSTALLED.exists():
        pytest.fail("the clients are not installed; run `make clients`")
    made = Lab()
    yield made
    made.close()


@pytest.fixture(scope="session")
def drivers() -> Iterator[Drivers]:
    """The drivers of this worker."""
    made = Drivers()
    yield made
    made.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    said = getattr(item, "funcargs", {}).get("cell")
    if isinstance(said, Cell):
        item.user_properties[:] = [(PROPERTY, json.dumps(asdict(said)))]
    yield
