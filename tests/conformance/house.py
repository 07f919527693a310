"""One running gateway between the vendors' SDKs and two scripted vendors, and the cells of the matrix.

A cell is a client SDK at one address: `direct` is the vendor itself (the baseline: what a test expects there is
what the vendor does), `chat` and `claude` are the gateway in front of either vendor. A test that takes a cell
runs at all three, so an expectation that differs behind the gateway has to be written down.
"""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Self

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
ALIASES = {
    "my-model": f"claude/{ANTHROPIC_MODEL}",
    # The compliance tester leaves cases out by the model's name; under these it leaves out none.
    "o4-played-by-claude": f"claude/{ANTHROPIC_MODEL}",
    "o4-played-by-claude+cut-5": f"claude/{ANTHROPIC_MODEL}+cut-5",
    "claude-opus-played-by-chat": "chat/deepseek-reasoner",
    "claude-opus-played-by-chat+cut-5": "chat/deepseek-reasoner+cut-5",
}
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
        accounts += [
            {**account, "name": f"listed-{account['name']}", "models": [], "priority": 2}
            for account in accounts
        ]
        self._gateway = RunningGateway(accounts, settings={"models": {"aliases": ALIASES}}).start()
        self.listed()
        return self

    def listed(self) -> list[str]:
        """Return the names that the gateway lists, once it has asked both vendors."""
        expected = {*self.chat.models, *self.claude.models, *ALIASES}
        deadline = time.monotonic() + TIMEOUT
        while True:
            names = [entry["id"] for entry in json.loads(self.gateway.get("/v1/models")[1])["data"]]
            if set(names) == expected or time.monotonic() > deadline:
                return names
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop all three; each says if it erred itself."""
        assert self.gateway.stop() == 0
        self.gateway.assert_no_complaints()
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


@dataclass
class Asked:
    """What came of a question: the text, and why it ended (None: it did not)."""

    text: str = ""
    finish: str | None = None

    @contextmanager
    def keeping(self, cell: "Cell") -> Iterator[None]:
        """Hang what had arrived on an error that ends a stream, as `partial`."""
        try:
            yield
        except cell.sdk.APIError as error:
            error.partial = self  # type: ignore[attr-defined]
            raise


@dataclass(frozen=True)
class Cell:
    """One address of the matrix; `place` is `direct`, `chat` or `claude`, `home` the client dialect's own account."""

    house: House
    place: str
    home: str
    sdk: ClassVar[Any]

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

    def ask(self, scenario: str, text: str = "one two three", *, stream: bool, **changes: Any) -> Asked:
        """Ask one question and return the whole answer; raises what the SDK raises."""
        raise NotImplementedError

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
        return {
            "base_url": self.base_url,
            "api_key": self.key,
            "max_retries": 0,
            "timeout": TIMEOUT,
            "default_headers": headers,
        }

    @property
    def base_url(self) -> str:
        """Where the SDK is pointed."""
        raise NotImplementedError


class OpenAICell(Cell):
    """OpenAI's SDK at one address."""

    sdk = openai

    @property
    def base_url(self) -> str:
        """Where the SDK is pointed."""
        return self.up.openai_url if self.direct else self.house.gateway.openai_url

    def client(self, **changes: Any) -> openai.OpenAI:
        """Make a client; loading certificates for each would take longer than all else."""
        http_client = openai.DefaultHttpxClient(verify=False)
        return openai.OpenAI(http_client=http_client, **{**self.client_options, **changes})

    def async_client(self, **changes: Any) -> openai.AsyncOpenAI:
        """Make an async client."""
        http_client = openai.DefaultAsyncHttpxClient(verify=False)
        return openai.AsyncOpenAI(http_client=http_client, **{**self.client_options, **changes})

    def ask(self, scenario: str, text: str = "one two three", *, stream: bool, **changes: Any) -> Asked:
        """Ask one question and return the whole answer; raises what the SDK raises."""
        asked = Asked()
        fields: Any = {"model": self.model(scenario), "messages": [{"role": "user", "content": text}]}
        with self.client(**changes) as sdk:
            if not stream:
                made = sdk.chat.completions.create(**fields)
                asked.text, asked.finish = (
                    made.choices[0].message.content or "",
                    made.choices[0].finish_reason,
                )
                return asked
            with asked.keeping(self), sdk.chat.completions.create(stream=True, **fields) as chunks:
                for choice in (choice for chunk in chunks for choice in chunk.choices):
                    asked.text += choice.delta.content or ""
                    asked.finish = choice.finish_reason or asked.finish
        return asked


class AnthropicCell(Cell):
    """Anthropic's SDK at one address."""

    sdk = anthropic

    @property
    def base_url(self) -> str:
        """Where the SDK is pointed."""
        return self.up.url if self.direct else self.house.gateway.url

    def client(self, **changes: Any) -> anthropic.Anthropic:
        """Make a client."""
        http_client = anthropic.DefaultHttpxClient(verify=False)
        return anthropic.Anthropic(http_client=http_client, **{**self.client_options, **changes})

    def async_client(self, **changes: Any) -> anthropic.AsyncAnthropic:
        """Make an async client."""
        http_client = anthropic.DefaultAsyncHttpxClient(verify=False)
        return anthropic.AsyncAnthropic(http_client=http_client, **{**self.client_options, **changes})

    def ask(self, scenario: str, text: str = "one two three", *, stream: bool, **changes: Any) -> Asked:
        """Ask one question and return the whole answer; raises what the SDK raises."""
        asked = Asked()
        fields: Any = {
            "model": self.model(scenario),
            "max_tokens": 4000,
            "messages": [{"role": "user", "content": text}],
        }
        with self.client(**changes) as sdk:
            if not stream:
                made = sdk.messages.create(**fields)
                asked.text = "".join(block.text for block in made.content if block.type == "text")
                asked.finish = made.stop_reason
                return asked
            with asked.keeping(self), sdk.messages.create(stream=True, **fields) as events:
                for event in events:
                    if event.type == "content_block_delta" and event.delta.type == "text_delta":
                        asked.text += event.delta.text
                    if event.type == "message_delta":
                        asked.finish = event.delta.stop_reason
        return asked
