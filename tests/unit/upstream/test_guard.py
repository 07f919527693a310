"""Where the gateway may connect to, and that it connects to what was checked (SE7)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from flowrouter.errors import UpstreamError
from flowrouter.settings.egress import Egress
from flowrouter.upstream.aiohttp_client import AiohttpTransport
from flowrouter.upstream.guard import EgressError, Guard, Hosts
from flowrouter.upstream.http1 import Http1Transport
from flowrouter.upstream.lookup import Found
from flowrouter.upstream.reach import reach
from flowrouter.wire.http import HttpRequest

METADATA = [
    "169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]", "100.100.100.200", "metadata.google.internal", "metadata.google.internal.", "METADATA.GOOG",
    "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "[fe80::1]",
]  # fmt: skip
"""Ways to write the address of a metadata service into a URL."""

EVERYTHING = Egress(
    hosts=("169.254.0.0/16", "fd00:ec2::/32", "*.internal", "metadata.goog", "100.100.100.200")
)


class Script:
    """A resolver that answers what it is told, one answer after another, and remembers being asked."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = {name.replace("_", "."): list(each) for name, each in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[Found]:
        self.asked.append(host)
        answers = self.answers.get(host)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [Found(socket.AF_INET6 if ":" in each else socket.AF_INET, each) for each in answer.split(",")]


class Server:
    """A server on loopback that counts the requests and answers `reply`."""

    def __init__(
        self, reply: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    ) -> None:
        self.reply = reply
        self.heads: list[bytes] = []
        self.port = 0
        self.taken = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.taken = True
            try:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self.reply)
                await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()
                idle.set()

        idle = asyncio.Event()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()
            if self.taken:
                await idle.wait()


def get(url: str) -> HttpRequest:
    return HttpRequest(method="GET", url=url, headers=(("authorization", "Bearer canary"),))


_in_use: list[type[AiohttpTransport | Http1Transport]] = []


@pytest.fixture(autouse=True, params=[AiohttpTransport, Http1Transport])
def client(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every way to reach providers is held to the same rule."""
    _in_use.append(request.param)
    yield
    _in_use.clear()


async def ask(url: str, guard: Guard | None, script: Script) -> int:
    transport = _in_use[0](connect_timeout=2, guard=guard, look_up=script)
    try:
        reply = await transport.send(get(url))
        while await reply.read():
            pass
        reply.close()
        return reply.status
    finally:
        await transport.close()


@pytest.mark.parametrize("host", METADATA)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_se7_metadata_services_are_never_reached(scheme: str, host: str) -> None:
    everything = Hosts(written=frozenset({f"{host.strip('[]').lower()}:{port}" for port in (80, 443)}))
    guard = Guard(EVERYTHING, lambda: everything)
    with pytest.raises(UpstreamError) as refused:
        await ask(f"{scheme}://{host}/latest/meta-data/", guard, Script())
    # What the library itself takes for no address never left either; all others are refused by us.
    assert refused.value.kind == "egress" or "reached" in refused.value.message


@pytest.mark.parametrize("host", METADATA)
def test_se7_metadata_services_are_refused_by_the_guard_itself(host: str) -> None:
    with pytest.raises(EgressError, match="never connects there"):
        Guard(EVERYTHING).admit(host.strip("[]"), 80)


async def test_se7_a_name_that_leads_to_metadata_is_refused_whatever_is_set() -> None:
    everything = Hosts(written=frozenset({"llm.example:80"}))
    for address in ("169.254.169.254", "8.8.8.8,169.254.169.254", "::ffff:169.254.169.254"):
        guard = Guard(Egress(hosts=("llm.example",)), lambda: everything)
        with pytest.raises(EgressError, match="never connects there"):
            await ask("http://llm.example/v1", guard, Script(llm_example=[address]))


async def test_se7_a_name_is_looked_up_once_and_the_checked_address_is_used() -> None:
    async with Server().running() as server:
        named = Hosts(written=frozenset({f"llm.example:{server.port}"}))
        script = Script(llm_example=["127.0.0.1", "169.254.169.254"])
        guard = Guard(Egress(), lambda: named)
        assert await ask(f"http://llm.example:{server.port}/v1", guard, script) == 200
        assert script.asked == ["llm.example"]
        # No system resolver knows the name: had anything looked it up again, nothing would have come.
        assert b"host: llm.example" in server.heads[0].lower()


async def test_se7_dns_rebinding_a_second_answer_is_checked_like_the_first() -> None:
    async with Server().running() as server:
        preset = Hosts(preset=frozenset({f"api.example:{server.port}"}))
        script = Script(api_example=["127.0.0.1"])
        with pytest.raises(EgressError, match=r"\[egress\] hosts"):
            await ask(f"http://api.example:{server.port}/v1", Guard(Egress(), lambda: preset), script)
        assert server.heads == []


async def test_se7_one_private_address_among_public_ones_spoils_the_answer() -> None:
    async with Server().running() as server:
        script = Script(api_example=["8.8.8.8,127.0.0.1"])
        with pytest.raises(EgressError, match="private"):
            await ask(f"http://api.example:{server.port}/", Guard(Egress()), script)
        assert server.heads == []


async def test_se7_redirects_are_not_followed() -> None:
    async with Server().running() as inner:
        reply = (
            b"HTTP/1.1 307 Found\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % inner.port
        )
        async with Server(reply).running() as outer:
            guard = Guard(Egress(hosts=("127.0.0.1",)))
            assert await ask(f"http://127.0.0.1:{outer.port}/", guard, Script()) == 307
        assert inner.heads == []


@pytest.mark.parametrize(
    ("settings", "hosts", "allowed"),
    [
        (Egress(), Hosts(written=frozenset({"127.0.0.1:80"})), True),
        (Egress(private=False), Hosts(written=frozenset({"127.0.0.1:80"})), False),
        (Egress(private=False, hosts=("127.0.0.1",)), Hosts(), True),
        (Egress(private=False, hosts=("127.0.0.0/8",)), Hosts(), True),
        (Egress(private=False, hosts=("127.0.0.1:81",)), Hosts(), False),
        (Egress(), Hosts(preset=frozenset({"127.0.0.1:80"})), True),
        (Egress(), Hosts(), False),
        (Egress(), Hosts(written=frozenset({"127.0.0.1:81"})), False),
    ],
    ids=["own", "own-forbidden", "listed", "network", "other-port", "preset", "unknown", "own-other-port"],
)
def test_private_addresses_only_where_somebody_wrote_them(
    settings: Egress, hosts: Hosts, *, allowed: bool
) -> None:
    guard = Guard(settings, lambda: hosts)
    with contextlib.nullcontext() if allowed else pytest.raises(EgressError, match=r"\[egress\]"):
        guard.admit("127.0.0.1", 80)


@pytest.mark.parametrize(
    ("settings", "host", "allowed"),
    [
        (Egress(mode="accounts"), "api.example", True),
        (Egress(mode="accounts"), "own.example", True),
        (Egress(mode="accounts"), "other.example", False),
        (Egress(mode="accounts", hosts=("*.example",)), "other.example", True),
        (Egress(mode="accounts"), "8.8.8.8", False),
        (Egress(mode="list", hosts=("own.example",)), "own.example", True),
        (Egress(mode="list", hosts=("own.example",)), "OWN.example.", True),
        (Egress(mode="list", hosts=("own.example",)), "api.example", False),
        (Egress(mode="list", hosts=("*.own.example",)), "own.example", False),
        (Egress(mode="list", hosts=("*.own.example",)), "evilown.example", False),
        (Egress(mode="list", hosts=("8.8.8.0/24",)), "8.8.8.8", True),
        (Egress(), "anything.example", True),
    ],
)
def test_modes(settings: Egress, host: str, *, allowed: bool) -> None:
    named = Hosts(written=frozenset({"own.example:443"}), preset=frozenset({"api.example:443"}))
    guard = Guard(settings, lambda: named)
    with contextlib.nullcontext() if allowed else pytest.raises(EgressError, match=r"\[egress\] mode"):
        guard.admit(host, 443)


def test_what_was_admitted_is_asked_again_when_the_accounts_change() -> None:
    now = [Hosts(written=frozenset({"own.example:443"}))]
    guard = Guard(Egress(mode="accounts"), lambda: now[0])
    guard.admit("own.example", 443)
    now[0] = Hosts()
    with pytest.raises(EgressError):
        guard.admit("own.example", 443)


def test_a_proxy_that_stands_in_for_every_name_does_not_shut_the_presets_out() -> None:
    named = Hosts(preset=frozenset({"api.example:443"}))
    guard = Guard(Egress(), lambda: named)
    guard.check("api.example", 443, "198.18.0.9")
    with pytest.raises(EgressError):
        guard.check("other.example", 443, "198.18.0.9")


async def test_the_doctors_look_is_guarded_too() -> None:
    async with Server().running() as server:
        found = await reach(f"http://127.0.0.1:{server.port}", limit=2, guard=Guard(Egress()))
        assert found.failed == "allowed"
        assert "[egress]" in found.reason
        named = Hosts(written=frozenset({f"127.0.0.1:{server.port}"}))
        found = await reach(f"http://127.0.0.1:{server.port}", limit=2, guard=Guard(Egress(), lambda: named))
        assert found.failed is None


@pytest.mark.parametrize("entry", ["", "http://x", "a b", "*.*.x", "1.2.3.4/99", "x:0", "x:99999", "[::1"])
def test_hosts_that_are_none_are_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="no host"):
        Egress(hosts=(entry,))


def test_a_list_without_hosts_reaches_nobody() -> None:
    with pytest.raises(EgressError, match=r"\[egress\] hosts"):
        Guard(Egress(mode="list")).admit("api.example", 443)
