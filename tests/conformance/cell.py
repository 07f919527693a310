"""What all cells of the matrix have in common: a client SDK at one address.

`direct` is the client's own vendor (the baseline: what a test expects there is what the vendor does); the other
places are the gateway in front of each vendor. A test that takes a cell runs at all of them, so an expectation that
differs behind the gateway has to be written down.
"""

import http.client
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.conformance.house import CALLER_KEY, COOKIE, DIRECT, KEYS, MODELS, THINKING_MODELS, TIMEOUT, House
from tests.upstreams import ScriptedUpstream


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
        except cell.failures as error:
            error.partial = self  # type: ignore[attr-defined]
            raise


@dataclass
class Told:
    """What an SDK's exception says; `status` is None where it came inside a stream that had begun well."""

    status: int | None
    message: str
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: Any = None


@dataclass(frozen=True)
class Cell:
    """One address of the matrix; `home` is the account of the client's own dialect."""

    house: House
    place: str
    name: ClassVar[str]
    home: ClassVar[str]
    natural: ClassVar[str]
    """How the client's dialect writes that an answer ended by itself."""
    failures: ClassVar[tuple[type[Exception], ...]]
    timeouts: ClassVar[type[Exception]]

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
        return MODELS[self.account]

    @property
    def thinker(self) -> str:
        """A model of the vendor's that thinks."""
        return THINKING_MODELS[self.account]

    def names(self, scenario: str = "") -> str:
        """Return what `model` says in the reply: the vendor's own name, or as asked where it is translated."""
        asked = self.model(scenario)
        return asked if self.translated or self.direct else asked.partition("/")[2]

    def pick(self, **expected: Any) -> Any:
        """Return what is expected of the vendor that answers; `rest` of those that are not named."""
        return expected[self.account] if self.account in expected else expected["rest"]

    def fields(
        self, scenario: str = "", text: str = "one two three", *, base: str | None = None
    ) -> dict[str, Any]:
        """Return one question, as the SDK takes it."""
        raise NotImplementedError

    def create(self, sdk: Any, **fields: Any) -> Any:
        """Ask for a whole answer."""
        raise NotImplementedError

    def open(self, sdk: Any, **fields: Any) -> Any:
        """Ask for a stream and return its iterator, which has `close`."""
        raise NotImplementedError

    def helper(self, sdk: Any, **fields: Any) -> Any:
        """Ask for a stream by the SDK's own helper; returns a context manager."""
        raise NotImplementedError

    def request_id(self, stream: Any, piece: Any) -> str:
        """Return the gateway's name for the exchange that a stream belongs to."""
        return stream.response.headers["x-request-id"]

    async def aopen(self, sdk: Any, **fields: Any) -> AsyncIterator[Any]:
        """The same of the async client."""
        raise NotImplementedError

    def read(self, made: Any) -> Asked:
        """Read a whole answer."""
        raise NotImplementedError

    def gather(self, asked: Asked, piece: Any) -> None:
        """Read one piece of a stream."""
        raise NotImplementedError

    def ask(self, scenario: str, text: str = "one two three", *, stream: bool, **changes: Any) -> Asked:
        """Ask one question and return the whole answer; raises what the SDK raises."""
        asked, fields = Asked(), self.fields(scenario, text)
        with self.client(**changes) as sdk:
            if not stream:
                return self.read(self.create(sdk, **fields))
            with asked.keeping(self):
                for piece in self.open(sdk, **fields):
                    self.gather(asked, piece)
        return asked

    def told(self, error: Any) -> Told:
        """Read an exception of the SDK's."""
        status = getattr(error, "status_code", None)
        headers = dict(error.response.headers) if status is not None else {}
        return Told(status, error.message, headers, error.body)

    def lost(self, headers: Any, *, of: str = "request") -> list[str]:
        """Return which fields the receipt of an exchange says were lost on the way."""
        receipt = self.house.receipt(headers["x-request-id"])
        return [loss["path"] for loss in receipt[f"{of}_losses"]]

    def client(self, **changes: Any) -> Any:
        """Make a client."""
        raise NotImplementedError

    def async_client(self, **changes: Any) -> Any:
        """Make an async client."""
        raise NotImplementedError

    def path(self, model: str, *, stream: bool = False) -> str:
        """Return where a question is posted."""
        raise NotImplementedError

    def body(self, model: str, text: str, *, stream: bool = False) -> dict[str, Any]:
        """Return a question as JSON."""
        raise NotImplementedError

    def post(
        self, text: str = "hello there", *, stream: bool = False, model: str | None = None, **more: Any
    ) -> tuple[int, dict[str, str], bytes]:
        """Ask one question by plain HTTP, with `more` in its body."""
        named = model or self.model()
        return self.call(self.path(named, stream=stream), {**self.body(named, text, stream=stream), **more})

    def call(self, path: str, body: dict[str, Any], **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Send one request by plain HTTP and return status, headers and body."""
        port = self.up.port if self.direct else self.house.gateway.port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        try:
            sent = {"content-type": "application/json", **self.credentials, **headers}
            sent |= self.marks
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
    def credentials(self) -> dict[str, str]:
        """The header that carries it."""
        return {"authorization": f"Bearer {self.key}"}

    @property
    def marks(self) -> dict[str, str]:
        """Headers that tell the baseline from the rest, and what must not pass the gateway."""
        return {DIRECT: "yes"} if self.direct else {"cookie": COOKIE}

    @property
    def client_options(self) -> dict[str, Any]:
        """What OpenAI's and Anthropic's SDKs are made with."""
        return {
            "base_url": self.base_url,
            "api_key": self.key,
            "max_retries": 0,
            "timeout": TIMEOUT,
            "default_headers": self.marks,
        }

    @property
    def base_url(self) -> str:
        """Where the SDK is pointed."""
        return self.up.url if self.direct else self.house.gateway.url
