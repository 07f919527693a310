"""The scripted upstream: a vendor on loopback, in a thread of its own, that remembers all it was sent."""

import asyncio
import socket
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, cast

from tests.upstreams.anthropic_messages import AnthropicMessages
from tests.upstreams.brain import answer as think_of_answer
from tests.upstreams.dialect import Dialect, Exchange, Refusal, Route
from tests.upstreams.faults import Draft, Fault, FaultCounter, Pace, parse_fault, spoil
from tests.upstreams.openai_chat import OpenAIChat
from tests.upstreams.prompts import Answer, Prompt
from tests.upstreams.received import Disconnect, Journal, Outcome, Received
from tests.upstreams.reply import Cuts, Delivery, Reply, deliver
from tests.upstreams.scenarios import ModelName
from tests.upstreams.wire import Connection, HttpRequest, PeerGone

DIALECTS: dict[str, type[Dialect]] = {"openai_chat": OpenAIChat, "anthropic": AnthropicMessages}
MODELS: dict[str, tuple[str, ...]] = {
    "openai_chat": ("gpt-4.1", "gpt-5.2", "o4-mini", "acme/chat-large", "deepseek-reasoner"),
    "anthropic": ("claude-sonnet-4-5", "claude-opus-4-6", "claude-haiku-4-5-20251001", "claude-opus-5"),
}

ScriptItem = str | Answer | Reply | Callable[[Received], Any] | None
"""A scenario or fault name, an answer in any dialect, a raw reply, a function giving one of these; None: the brain."""


class ScriptedUpstream:
    """A fake vendor. Use as a context manager (also `async with`); leaving it fails if the upstream itself erred.

    `dialect`: "openai_chat", "anthropic" or "both". `keys`: the accepted credentials (None: any but an empty one).
    `strict_models`: 404 for names that are not in `models`. `cuts` and `gap` (seconds) shape every reply.
    """

    def __init__(
        self,
        dialect: str = "both",
        *,
        keys: Sequence[str] | None = None,
        models: Sequence[str] | None = None,
        strict_models: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        pace: Pace | None = None,
        cuts: Cuts = None,
        gap: float = 0.0,
    ) -> None:
        names = list(DIALECTS) if dialect == "both" else [dialect]
        self.dialects: list[Dialect] = [DIALECTS[name]() for name in names]
        self.keys = None if keys is None else set(keys)
        self.models = list(models) if models is not None else [m for name in names for m in MODELS[name]]
        self._own_models = models is not None
        self.strict_models = strict_models
        self.pace = pace or Pace()
        self.cuts: Cuts = cuts
        self.gap = gap
        self.errors: list[str] = []
        self.journal = Journal()
        self._host, self._port = host, port
        self._faults = FaultCounter()
        self._script: deque[ScriptItem] = deque()
        self._scripts_by_model: dict[str, deque[ScriptItem]] = {}
        self._always: ScriptItem = None
        self._connections: dict[int, Connection] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None

    # life

    def start(self) -> Self:
        """Listen; the port is known when this returns."""
        listener = socket.create_server((self._host, self._port), backlog=1024)
        self._port = listener.getsockname()[1]
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listener, ready), daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._thread is None or self._loop is None or self._stopping is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(timeout=10)
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if kind is None and self.errors:
            raise AssertionError("the scripted upstream itself failed:\n" + "\n".join(self.errors))

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)
        self.__exit__(kind, error, trace)

    # addresses

    @property
    def port(self) -> int:
        """The port listened on."""
        return self._port

    @property
    def url(self) -> str:
        """The base address without `/v1`: the base_url of Anthropic's SDK."""
        return f"http://{self._host}:{self._port}"

    @property
    def openai_url(self) -> str:
        """The base address with `/v1`: the base_url of OpenAI's SDK."""
        return f"{self.url}/v1"

    # what was seen

    @property
    def requests(self) -> list[Received]:
        """All requests so far, in order of arrival."""
        return list(self.journal.requests)

    @property
    def calls(self) -> list[Received]:
        """The requests for an answer, without model lists and token counts."""
        return [received for received in self.requests if received.route == "generate"]

    @property
    def last(self) -> Received:
        """The latest request."""
        return self.journal.requests[-1]

    def calls_of(self, model: str) -> list[Received]:
        """The requests for an answer from one model."""
        return [received for received in self.calls if received.model == model]

    @property
    def disconnects(self) -> list[Disconnect]:
        """The times the peer hung up in the middle of a reply."""
        return list(self.journal.disconnects)

    @property
    def open_connections(self) -> int:
        """How many connections are open now, idle ones included."""
        return len(self.journal.open_ids)

    @property
    def connections_total(self) -> int:
        """How many connections were ever accepted."""
        return self.journal.connections_total

    @property
    def in_flight(self) -> list[Received]:
        """The requests whose reply has not ended."""
        return [received for received in self.requests if received.outcome == "pending"]

    @property
    def refused(self) -> list[Received]:
        """The requests that broke the vendor's types or rules (not those refused by a fault)."""
        return [received for received in self.requests if received.refusal is not None]

    def seen(self, text: str) -> list[Received]:
        """The requests in which `text` occurs anywhere, plain or encoded."""
        return [received for received in self.requests if received.contains(text)]

    def assert_never_received(self, *canaries: str) -> None:
        """Fail if any of these strings reached this upstream."""
        for canary in canaries:
            found = self.seen(canary)
            assert not found, (
                f"{canary!r} reached the upstream in {[f'{r.method} {r.target}' for r in found]}"
            )

    def assert_all_valid(self) -> None:
        """Fail if any request was refused as invalid."""
        assert not self.refused, [f"{r.method} {r.path}: {r.refusal}" for r in self.refused]

    def wait_for(self, condition: Callable[[], bool], timeout: float = 5.0) -> None:
        """Block until the condition holds; for synchronous tests. Raises TimeoutError."""
        with self.journal.changed:
            if not self.journal.changed.wait_for(condition, timeout):
                raise TimeoutError("the scripted upstream did not see what was waited for")

    async def until(self, condition: Callable[[], bool], timeout: float = 5.0) -> None:
        """The same for tests whose event loop must go on meanwhile."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("the scripted upstream did not see what was waited for")
            await asyncio.sleep(0.005)

    # scripting

    def script(self, items: Sequence[ScriptItem], *, model: str | None = None) -> Self:
        """Queue what the next valid requests (for `model`, else any) get, one item each."""
        queue = self._script if model is None else self._scripts_by_model.setdefault(model, deque())
        queue.extend(items)
        return self

    def always(self, item: ScriptItem) -> Self:
        """Say what requests get while nothing is queued."""
        self._always = item
        return self

    def reset(self) -> None:
        """Forget requests, scripts and fault counts; connections stay."""
        with self.journal.changed:
            self.journal.requests.clear()
            self.journal.disconnects.clear()
        self._faults = FaultCounter()
        self._script.clear()
        self._scripts_by_model.clear()
        self._always = None
        self.errors.clear()

    def drop_connections(self) -> None:
        """Close all open connections from our side at once, as a vendor's restart does."""
        assert self._loop is not None
        for connection in list(self._connections.values()):
            self._loop.call_soon_threadsafe(connection.close)

    # inside: the thread

    def _run(self, listener: socket.socket, ready: threading.Event) -> None:
        asyncio.run(self._serve(listener, ready))

    async def _serve(self, listener: socket.socket, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        server = await self._loop.create_server(self._connect, sock=listener)
        ready.set()
        await self._stopping.wait()
        server.close()
        for connection in list(self._connections.values()):
            connection.closed_by_us = True
            connection.transport.abort()
        await asyncio.sleep(0)

    def _connect(self) -> Connection:
        connection = Connection(self.journal.opened(), self._respond, self._disconnected)
        self._connections[connection.id] = connection
        return connection

    def _disconnected(self, connection: Connection) -> None:
        self._connections.pop(connection.id, None)
        self.journal.closed(connection.id)

    async def _respond(self, connection: Connection, request: HttpRequest) -> bool:
        received = self.journal.add(request, connection_id=connection.id, at=time.monotonic())
        connection.current = received
        reply = self._shaped(received, self._reply_to(received))
        received.status = reply.status if reply.head else None
        progress = Delivery()
        outcome: Outcome = "broken"
        try:
            reusable = await deliver(reply, connection, progress)
            outcome = "complete" if reply.ending == "clean" else "broken"
            return reusable
        except PeerGone:
            outcome = "broken" if connection.closed_by_us else "peer_gone"
            return False
        finally:
            received.pieces_sent, received.bytes_sent = progress.pieces, progress.size
            connection.current = None
            self.journal.ended(received, outcome, at=time.monotonic(), peer_closed_at=connection.gone_at)

    def _shaped(self, received: Received, reply: Reply) -> Reply:
        model = ModelName(received.model)
        if model.has("gzip"):
            reply = reply.gzipped()
        random_seed = model.number("cut-random")
        cuts = model.number("cut") or (f"random:{random_seed}" if random_seed is not None else self.cuts)
        gap = (model.number("gap") or 0) / 1000 or self.gap
        return replace(reply, cuts=reply.cuts or cuts, gap=reply.gap or gap)

    # inside: the vendor

    def _reply_to(self, received: Received) -> Reply:
        dialect, route = self._route(received)
        received.dialect, received.route = dialect.name, route or ""
        request_id = f"req_{received.index:08d}"
        try:
            if route is None:
                raise Refusal(404, f"Invalid URL ({received.method} {received.path})", type="not_found_error")
            received.account = self._authenticated(dialect, received)
            dialect.check_headers(received)
            return self._answer(dialect, route, received, request_id)
        except Refusal as refusal:
            body = dialect.envelope(refusal, request_id)
            return Reply.json(
                body, status=refusal.status, headers=(*dialect.headers(request_id), *refusal.headers)
            )
        except Exception:
            self.errors.append(traceback.format_exc())
            refusal = Refusal(500, f"the scripted upstream itself failed: {traceback.format_exc(limit=-1)}")
            return Reply.json(dialect.envelope(refusal, request_id), status=500)

    def _route(self, received: Received) -> tuple[Dialect, Route | None]:
        for dialect in self.dialects:
            route = dialect.route(received)
            if route is not None and (received.method == "POST") == (route in ("generate", "count_tokens")):
                return dialect, route
        by_header = "anthropic" if received.header("anthropic-version") else "openai_chat"
        named = [dialect for dialect in self.dialects if dialect.name == by_header]
        return (named or self.dialects)[0], None

    def _authenticated(self, dialect: Dialect, received: Received) -> str:
        credential = dialect.credential(received)
        if credential is None or (self.keys is not None and credential not in self.keys):
            raise dialect.unauthorized(credential)
        return credential

    def _answer(self, dialect: Dialect, route: Route, received: Received, request_id: str) -> Reply:
        headers = dialect.headers(request_id)
        if route == "models":
            return Reply.json(dialect.models(received, self._listed(dialect)), headers=headers)
        if route == "model":
            name = received.path.removeprefix("/v1/models/")
            if name not in self.models:
                raise dialect.model_missing(name)
            return Reply.json(dialect.one_model(name), headers=headers)
        exchange = self._exchange(dialect, received, request_id)
        if route == "count_tokens":
            self._validate(dialect.check_count, exchange)
            return Reply.json(dialect.count(exchange, dialect.read(exchange)), headers=headers)
        fault = self._faults.active(exchange.model)
        self._validate(dialect.check, exchange)
        return self._generate(dialect, exchange, fault, self._next_item(received))

    def _listed(self, dialect: Dialect) -> list[str]:
        own = set(MODELS[dialect.name])
        return self.models if self._own_models else [name for name in self.models if name in own]

    def _exchange(self, dialect: Dialect, received: Received, request_id: str) -> Exchange:
        if not isinstance(received.json, dict):
            raise Refusal(400, "We could not parse the JSON body of your request.")
        body = cast(dict[str, Any], received.json)
        name = body.get("model")
        received.model = name if isinstance(name, str) else ""
        if self.strict_models and received.model and received.model not in self.models:
            raise dialect.model_missing(received.model)
        return Exchange(received, ModelName(received.model), received.account, request_id, body)

    def _validate(self, check: Callable[[Exchange], None], exchange: Exchange) -> None:
        if exchange.model.has("unchecked"):
            return
        try:
            check(exchange)
        except Refusal as refusal:
            exchange.received.refusal = refusal.message
            raise

    def _next_item(self, received: Received) -> ScriptItem:
        own = self._scripts_by_model.get(received.model)
        item = own.popleft() if own else self._script.popleft() if self._script else self._always
        while callable(item):
            item = cast(ScriptItem, item(received))
        return item

    def _generate(self, dialect: Dialect, exchange: Exchange, fault: Fault | None, item: ScriptItem) -> Reply:
        if isinstance(item, Reply):
            return item
        if isinstance(item, str):
            scripted = parse_fault(item)
            fault = scripted or fault
            exchange.model = replace(exchange.model, extra=() if scripted else (item,))
        prompt = dialect.read(exchange)
        fixed = item if isinstance(item, Answer) else None
        answers = _answers(prompt, dialect.choices(exchange), fixed)
        draft = Draft(
            dialect=dialect,
            model=exchange.model,
            streaming=exchange.received.streaming,
            frames=dialect.stream(exchange, prompt, answers),
            body=dialect.whole(exchange, prompt, answers),
            request_id=exchange.request_id,
            pace=self.pace,
        )
        return draft.reply() if fault is None else spoil(draft, fault)


def _answers(prompt: Prompt, count: int, fixed: Answer | None) -> list[Answer]:
    """Give one answer for each choice; later choices say which they are."""
    first = fixed or think_of_answer(prompt)
    others = [replace(first, text=first.text and f"{first.text} (choice {i})") for i in range(1, count)]
    return [first, *others]


def refused_port() -> tuple[socket.socket, int]:
    """Return a port that refuses connections for as long as the returned socket is kept."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.bind(("127.0.0.1", 0))
    return holder, holder.getsockname()[1]
