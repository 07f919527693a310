"""One running gateway between the vendors' SDKs and two scripted vendors, and the cells of the matrix.

A cell is a client SDK at one address: `direct` is the vendor itself (the baseline: what a test expects there is
what the vendor does), `chat` and `claude` are the gateway in front of either vendor. A test that takes a cell
runs at all three, so an expectation that differs behind the gateway has to be written down.
"""

import http.client
import json
from dataclasses import dataclass
from typing import Any, Self

import anthropic
import openai

from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

CALLER_KEY = "canary-credential-of-the-caller"
COOKIE = "session=canary-cookie-of-the-caller"
DIRECT = "x-direct"
"""Marks the requests of the baseline, which no gateway has seen."""
KEYS = {"chat": "key-of-the-chat-account", "claude": "key-of-the-claude-account"}
OPENAI_MODEL, ANTHROPIC_MODEL = "gpt-4.1", "claude-haiku-4-5"
PRESETS = {"chat": "custom-openai", "claude": "custom-anthropic"}
TIMEOUT = 20.0
"""Seconds a client waits; far beyond what loopback takes, so that a hang fails the test with a name."""


class House:
    """The two vendors and the gateway; `refusals_meant` says that a test makes a vendor refuse on purpose."""

    def __init__(self) -> None:
        self.chat = ScriptedUpstream("openai_chat", keys=[KEYS["chat"]])
        self.claude = ScriptedUpstream("anthropic", keys=[KEYS["claude"]])
        self.refusals_meant = False
        self._gateway: RunningGateway | None = None

    @property
    def gateway(self) -> RunningGateway:
        """The gateway's process."""
        assert self._gateway is not None
        return self._gateway

    def vendor(self, account: str) -> ScriptedUpstream:
        """The vendor behind an account."""
        return self.chat if account == "chat" else self.claude

    def start(self) -> Self:
        """Start the vendors and the gateway in front of them."""
        self.chat.start()
        self.claude.start()
        addresses = {"chat": self.chat.openai_url, "claude": self.claude.url}
        accounts = [
            {"name": name, "preset": PRESETS[name], "base_url": url, "api_key": KEYS[name], "models": ["*"]}
            for name, url in addresses.items()
        ]
        aliases = {"my-model": f"claude/{ANTHROPIC_MODEL}"}
        self._gateway = RunningGateway(accounts, settings={"models": {"aliases": aliases}}).start()
        return self

    def stop(self) -> None:
        """Stop all three; the vendors say if they erred themselves."""
        self.gateway.__exit__(None, None, None)
        self.chat.__exit__(None, None, None)
        self.claude.__exit__(None, None, None)

    def begin(self) -> None:
        """Forget what the last test left."""
        self.refusals_meant = False
        self.chat.reset()
        self.claude.reset()

    def check(self) -> None:
        """Fail if a vendor was sent nonsense, or anything that belongs to the caller."""
        for vendor in (self.chat, self.claude):
            assert not vendor.errors, vendor.errors
            if not self.refusals_meant:
                vendor.assert_all_valid()
            vendor.assert_never_received(CALLER_KEY, "canary-cookie")
            through = [r for r in vendor.requests if r.header(DIRECT) is None]
            fingerprints = [r.headers for r in through if r.contains("x-stainless") or r.contains("Python/")]
            assert not fingerprints, "what tells the client's SDK apart reached the vendor"

    def receipt(self, request_id: str) -> dict[str, Any]:
        """Return the receipt of an exchange."""
        status, body = self.gateway.get(f"/v1/receipts/{request_id}")
        assert status == 200, body
        return json.loads(body)


@dataclass(frozen=True)
class Cell:
    """One address of the matrix; `place` is `direct`, `chat` or `claude`, `home` the client dialect's own account."""

    house: House
    place: str
    home: str

    @property
    def account(self) -> str:
        """The account that answers."""
        return self.home if self.place == "direct" else self.place

    @property
    def direct(self) -> bool:
        """Whether no gateway stands between."""
        return self.place == "direct"

    @property
    def translated(self) -> bool:
        """Whether the vendor speaks another dialect than the client."""
        return self.account != self.home

    @property
    def up(self) -> ScriptedUpstream:
        """The vendor that answers."""
        return self.house.vendor(self.account)

    def model(self, scenario: str = "", *, base: str | None = None) -> str:
        """Return the name of a model as the client writes it; `scenario` is added to the base."""
        name = (base or self.base) + (f"+{scenario}" if scenario else "")
        return name if self.direct else f"{self.place}/{name}"

    @property
    def base(self) -> str:
        """The vendor's ordinary model."""
        return OPENAI_MODEL if self.account == "chat" else ANTHROPIC_MODEL

    def names(self, scenario: str = "") -> str:
        """Return what `model` says in the reply: the vendor's own name, or as asked where it is translated."""
        asked = self.model(scenario)
        return asked if self.translated or self.direct else asked.partition("/")[2]

    def pick(self, *, chat: Any, claude: Any) -> Any:
        """Return what is expected of the vendor that answers."""
        return chat if self.account == "chat" else claude

    def call(self, path: str, body: dict[str, Any], **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Send one request by plain HTTP and return status, headers and body."""
        port = self.up.port if self.direct else self.house.gateway.port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        try:
            sent = {"content-type": "application/json", "authorization": f"Bearer {self.key}", **headers}
            sent |= {DIRECT: "yes"} if self.direct else {"cookie": COOKIE}
            connection.request("POST", path, json.dumps(body), sent)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    @property
    def key(self) -> str:
        """The credential the client sends: the vendor's own, or the caller's at the gateway."""
        return KEYS[self.home] if self.direct else CALLER_KEY

    @property
    def client_options(self) -> dict[str, Any]:
        """What both SDKs are made with."""
        headers = {DIRECT: "yes"} if self.direct else {"cookie": COOKIE}
        return {"api_key": self.key, "max_retries": 0, "timeout": TIMEOUT, "default_headers": headers}


class OpenAICell(Cell):
    """OpenAI's SDK at one address."""

    @property
    def base_url(self) -> str:
        """Where the SDK is pointed."""
        return self.up.openai_url if self.direct else self.house.gateway.openai_url

    def client(self, **changes: Any) -> openai.OpenAI:
        """Make a client; loading certificates for each would take longer than all else."""
        http_client = openai.DefaultHttpxClient(verify=False)
        return openai.OpenAI(
            base_url=self.base_url, http_client=http_client, **{**self.client_options, **changes}
        )

    def async_client(self, **changes: Any) -> openai.AsyncOpenAI:
        """Make an async client."""
        http_client = openai.DefaultAsyncHttpxClient(verify=False)
        return openai.AsyncOpenAI(
            base_url=self.base_url, http_client=http_client, **{**self.client_options, **changes}
        )


class AnthropicCell(Cell):
    """Anthropic's SDK at one address."""

    @property
    def base_url(self) -> str:
        """Where the SDK is pointed."""
        return self.up.url if self.direct else self.house.gateway.url

    def client(self, **changes: Any) -> anthropic.Anthropic:
        """Make a client."""
        http_client = anthropic.DefaultHttpxClient(verify=False)
        return anthropic.Anthropic(
            base_url=self.base_url, http_client=http_client, **{**self.client_options, **changes}
        )

    def async_client(self, **changes: Any) -> anthropic.AsyncAnthropic:
        """Make an async client."""
        http_client = anthropic.DefaultAsyncHttpxClient(verify=False)
        return anthropic.AsyncAnthropic(
            base_url=self.base_url, http_client=http_client, **{**self.client_options, **changes}
        )
