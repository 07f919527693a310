"""The scripted upstream: a vendor on loopback, in a thread of its own, that remembers all it was sent."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from tests.upstreams.faults import Pace
from tests.upstreams.received import Disconnect, Journal, Outcome, Received
from tests.upstreams.reply import Cuts, Delivery, Reply, deliver
from tests.upstreams.scenarios import ModelName
from tests.upstreams.vendor import Vendor
from tests.upstreams.wire import Connection, HttpRequest, PeerGone


class ScriptedUpstream(Vendor):
    """A fake vendor. Use as a context manager (also `async with`); leaving it fails if the upstream itself erred.

    `dialect`: a name in `vendor.DIALECTS`, or "both" (also "all") for every one of them. `keys`: the accepted credentials (None: any but an empty one).
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
        super().__init__(dialect, keys=keys, models=models, strict_models=strict_models, pace=pace)
        self.cuts: Cuts = cuts
        self.gap = gap
        self.journal = Journal()
        self._host, self._port = host, port
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
        """The base address without `/v1`: the base_url of Anthropic's and of Google's SDK."""
        return f"http://{self._host}:{self._port}"

    @property
    def openai_url(self) -> str:
        """The base address with `/v1`: the base_url of OpenAI's SDK."""
        return f"{self.url}/v1"

    @property
    def gemini_url(self) -> str:
        """The base address with `/v1beta`, for clients of the Gemini API that do not add it."""
        return f"{self.url}/v1beta"

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

    # between tests

    def reset(self) -> None:
        """Forget requests, scripts and fault counts; connections stay."""
        with self.journal.changed:
            self.journal.requests.clear()
            self.journal.disconnects.clear()
        self.forget()

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
        return Connection(self._opened, self._respond, self._disconnected)

    def _opened(self, connection: Connection) -> int:
        number = self.journal.opened()
        self._connections[number] = connection
        return number

    def _disconnected(self, connection: Connection) -> None:
        self._connections.pop(connection.id, None)
        self.journal.closed(connection.id)

    async def _respond(self, connection: Connection, request: HttpRequest) -> bool:
        received = self.journal.add(request, connection_id=connection.id, at=time.monotonic())
        connection.current = received
        reply = self._shaped(received, self.reply_to(received))
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


def refused_port() -> tuple[socket.socket, int]:
    """Return a port that refuses connections for as long as the returned socket is kept."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.bind(("127.0.0.1", 0))
    return holder, holder.getsockname()[1]
