"""Fetches pictures that a client names by address, for models that take bytes only; off unless configured.

An address in a prompt is anybody's: a page that an agent has read may have written it. So the guard of these
requests is one of its own: public addresses only, whatever accounts may reach, plus the hosts that the
settings name for pictures. Each redirect passes it again. What comes is a picture by its first bytes, whatever
it calls itself, or it is thrown away: no text of any service can be read through here.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urljoin, urlsplit

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.data_urls import read_data_url
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.messages import Words
from flowrouter.canonical.parts import Image, Part, Source, ToolResult
from flowrouter.canonical.request import Request
from flowrouter.errors import FlowRouterError, UpstreamError
from flowrouter.gateway.carried import Picture
from flowrouter.gateway.exchange import Exchange, parsed
from flowrouter.gateway.world import World
from flowrouter.providers.headers import USER_AGENT
from flowrouter.routing import Target
from flowrouter.settings.egress import Egress
from flowrouter.upstream.guard import EgressError
from flowrouter.upstream.transport import Reply, Transport
from flowrouter.wire.http import HttpRequest

SECONDS = 10.0
"""How long all pictures of one request may take."""

BYTES_MAX = 20 * 1024 * 1024
"""What they may weigh together: what Google takes inline."""

COUNT_MAX = 20
REDIRECTS_MAX = 3

_AT_ONCE = 8
_KINDS = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_MOVED = frozenset({301, 302, 303, 307, 308})
_ADDRESS = re.compile(r"https?://[^\s/?#@\\]+(?:[/?#]\S*)?", re.IGNORECASE)
_LONGEST = 4_096
_GOOGLES_FILES = "generativelanguage.googleapis.com"
"""Where addresses lead to files that Google opens itself, with the account's own rights."""

_HEADERS = (("accept", "image/*"), ("accept-encoding", "identity"), ("user-agent", USER_AGENT))


class PictureError(FlowRouterError):
    """An address gives no picture; the message says why, for the caller."""


class _Scales:
    """Weighs what arrives for one request."""

    def __init__(self) -> None:
        self._left = BYTES_MAX

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise PictureError(f"the pictures are larger than {BYTES_MAX // (1024 * 1024)} MiB together")


class Pictures:
    """Fetches through `transport`, whose guard must be one for addresses of strangers (`guarded_by`)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def gather(self, exchange: Exchange, world: World, target: Target) -> None:
        """Put the pictures that `target` cannot fetch itself into `exchange.pictures`."""
        inbound = exchange.inbound
        if inbound.operation != "generate" or b"http" not in inbound.body:
            return
        if not needed(world.capabilities(world.presets[target.account_id], target.model, target.dialect)):
            return
        asked = [url for url in dict.fromkeys(addresses(parsed(exchange))) if url not in exchange.pictures]
        if not asked:
            return
        scales = _Scales()
        found = await asyncio.gather(*(self._picture(url, scales) for url in asked[:COUNT_MAX]))
        more = Picture(problem=f"a request may name {COUNT_MAX} pictures to fetch")
        exchange.pictures = {
            **exchange.pictures,
            **dict(zip(asked, found, strict=False)),
            **dict.fromkeys(asked[COUNT_MAX:], more),
        }

    async def _picture(self, url: str, scales: _Scales) -> Picture:
        try:
            async with asyncio.timeout(SECONDS), self._places:
                return Picture(source=await self._fetched(url, scales))
        except TimeoutError:
            return Picture(problem=f"it did not come within {SECONDS:g} s")
        except EgressError:  # its words tell an address inside, which is nobody's business out there
            return Picture(problem="the gateway may not connect there")
        except UpstreamError:
            return Picture(problem="it could not be fetched")
        except PictureError as error:
            return Picture(problem=error.message)

    async def _fetched(self, url: str, scales: _Scales) -> Source:
        for _ in range(REDIRECTS_MAX + 1):
            if len(url) > _LONGEST or not _ADDRESS.fullmatch(url):
                raise PictureError("this is no address of a picture")
            reply = await self._transport.send(HttpRequest(method="GET", url=url, headers=_HEADERS))
            try:
                if reply.status not in _MOVED:
                    return _picture_in(await _body(reply, scales))
                url = urljoin(url, reply.headers.get("location", ""))
            finally:
                reply.close()
        raise PictureError(f"it was moved more than {REDIRECTS_MAX} times")


def guarded_by(egress: Egress) -> Egress:
    """Return the rule for addresses that stand in prompts: public ones, and the hosts named for pictures."""
    mode = "open" if egress.mode == "open" else "list"
    return Egress(mode=mode, hosts=egress.picture_hosts, private=False)


def needed(capabilities: Capabilities) -> bool:
    """Return whether a model takes pictures and none by address."""
    return not capabilities.image_url and capabilities.vision is not False


def addresses(request: Request) -> Iterator[str]:
    """Yield the addresses of pictures in `request`, those in the results of tools too."""
    for message in () if type(request.messages) is Words else request.messages:
        for image in _images(message.parts):
            if _is_ours(image.source):
                yield image.source.url or ""


def with_pictures(request: Request, pictures: Mapping[str, Picture]) -> tuple[Request, tuple[Loss, ...]]:
    """Return `request` with bytes in place of addresses, and what is to be told of it."""
    told: list[Loss] = []
    messages = []
    for place, message in enumerate(request.messages):
        path = message.place or f"messages[{place}]"
        parts = tuple(_with(part, pictures, path=path, told=told) for part in message.parts)
        messages.append(msgspec.structs.replace(message, parts=parts))
    return msgspec.structs.replace(request, messages=tuple(messages)), tuple(told)


def _images(parts: Sequence[Part]) -> Iterator[Image]:
    for part in parts:
        if isinstance(part, Image):
            yield part
        elif isinstance(part, ToolResult):
            yield from _images(part.content)


def _with(part: Part, pictures: Mapping[str, Picture], *, path: str, told: list[Loss]) -> Part:
    if isinstance(part, ToolResult):
        inner = tuple(_with(each, pictures, path=path, told=told) for each in part.content)
        return part if inner == part.content else msgspec.structs.replace(part, content=inner)
    if not isinstance(part, Image) or not _is_ours(part.source):
        return part
    found = pictures.get(part.source.url or "")
    if found is None:
        return part
    if found.source is None:
        told.append(Loss(path=f"{path}.picture", kind="dropped", reason=f"not fetched: {found.problem}"))
        return part
    told.append(Loss(path=f"{path}.picture", kind="emulated", reason="fetched, and sent as bytes"))
    return msgspec.structs.replace(part, source=found.source)


def _is_ours(source: Source) -> bool:
    """Return whether a source is an address that the gateway may try."""
    url = source.url or ""
    if source.kind != "url" or not url.lower().startswith(("http://", "https://")):
        return False
    try:
        return urlsplit(url).hostname != _GOOGLES_FILES
    except ValueError:
        return False


async def _body(reply: Reply, scales: _Scales) -> bytes:
    if reply.status != 200:
        raise PictureError(f"it answered {reply.status}")
    declared = reply.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:18]) > BYTES_MAX:
        raise PictureError(f"it is larger than {BYTES_MAX // (1024 * 1024)} MiB")
    body = bytearray()
    while piece := await reply.read():
        scales.take(len(piece))
        body += piece
    return bytes(body)


def _picture_in(body: bytes) -> Source:
    """Return the picture that `body` is by its first bytes; raises `PictureError`."""
    if body:
        found = read_data_url(f"data:;base64,{base64.b64encode(body).decode()}", path="")
        if found.media_type in _KINDS:
            return Source(kind="base64", media_type=found.media_type, data=found.data)
    raise PictureError("it is no JPEG, PNG, GIF or WebP picture")


__all__ = [
    "BYTES_MAX",
    "COUNT_MAX",
    "REDIRECTS_MAX",
    "SECONDS",
    "Picture",
    "PictureError",
    "Pictures",
    "addresses",
    "guarded_by",
    "needed",
    "with_pictures",
]
