"""SE7: one guard for every address that somebody wrote: after the name is looked up, on each redirect, pinned."""

from __future__ import annotations

import base64
import json
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import pytest

from flowrouter.gateway.pictures import BYTES_MAX, REDIRECTS_MAX, guarded_by
from flowrouter.settings.egress import Egress
from flowrouter.upstream.guard import EgressError, Guard
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

METADATA = "http://169.254.169.254/latest/meta-data/"


def png() -> bytes:
    """Return a picture of one dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    dot = zlib.compress(b"\x00\xff\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", dot) + chunk(b"IEND", b"")


class Gallery:
    """A web server on loopback; remembers what it was asked for and with which headers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        gallery = self

        class Desk(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gallery.asked.append(self.path)
                gallery.headers.append({name.lower(): value for name, value in self.headers.items()})
                status, headers, body = gallery.answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign] # who hangs up is no news
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.port = self._server.server_port

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class Stand:
    """A gateway that may fetch pictures from one gallery, a model that takes bytes only, and a house nobody may enter."""

    def __init__(
        self, gateway: RunningGateway, model: ScriptedUpstream, gallery: Gallery, inner: Gallery
    ) -> None:
        self.gateway, self.model, self.gallery, self.inner = gateway, model, gallery, inner

    def show(self, url: str, **headers: str) -> tuple[int, str]:
        """Send a picture's address; return the status and what reached the model."""
        self.model.reset()
        parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": url}}]
        body = {"model": "plain/m", "messages": [{"role": "user", "content": parts}]}
        status, _ = self.gateway.call(
            "POST", "/v1/chat/completions", body=json.dumps(body).encode(), headers=headers
        )
        return status, json.dumps(self.model.last.json) if self.model.calls else ""


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with (
        ScriptedUpstream(dialect="openai_chat", keys=["k"]) as model,
        Gallery() as gallery,
        Gallery() as inner,
    ):
        account = {
            "name": "plain", "preset": "ollama", "base_url": model.openai_url, "api_key": "k", "models": ["m"],
        }  # fmt: skip
        # The inner house may be reached as an account's host, not because a prompt names it.
        egress = {
            "pictures": "fetch",
            "picture_hosts": [f"127.0.0.1:{gallery.port}"],
            "hosts": [f"127.0.0.1:{inner.port}"],
        }
        with RunningGateway([account], settings={"egress": egress}) as gateway:
            yield Stand(gateway, model, gallery, inner)
            gateway.assert_no_complaints()


def test_se7_a_picture_arrives_as_bytes(stand: Stand) -> None:
    stand.gallery.answers["/a.png"] = (200, {"content-type": "text/html", "set-cookie": "a=b"}, png())
    status, sent = stand.show(f"{stand.gallery.url}/a.png", cookie="canary", authorization="Bearer canary")
    assert status == 200
    assert f"data:image/png;base64,{base64.b64encode(png()).decode()}" in sent
    assert stand.gallery.url not in sent
    told = stand.gallery.headers[-1]
    assert told["user-agent"].startswith("flow-router/")
    assert not {"cookie", "authorization", "referer", "x-forwarded-for"} & told.keys()


def test_se7_a_redirect_to_a_picture_is_followed(stand: Stand) -> None:
    stand.gallery.answers["/old"] = (302, {"location": "/new"}, b"")
    stand.gallery.answers["/new"] = (200, {}, png())
    assert "data:image/png" in stand.show(f"{stand.gallery.url}/old")[1]


def _moved(to: Callable[[Stand], str]) -> Callable[[Stand], str]:
    def asked(stand: Stand) -> str:
        stand.gallery.answers["/moved"] = (302, {"location": to(stand)}, b"")
        return f"{stand.gallery.url}/moved"

    return asked


def _answering(status: int, headers: dict[str, str], body: bytes) -> Callable[[Stand], str]:
    def asked(stand: Stand) -> str:
        stand.gallery.answers["/odd"] = (status, headers, body)
        return f"{stand.gallery.url}/odd"

    return asked


def _circle(stand: Stand) -> str:
    stand.gallery.answers["/circle"] = (302, {"location": "/circle"}, b"")
    return f"{stand.gallery.url}/circle"


SECRET = b"inner-canary-credentials"
REFUSED: dict[str, Callable[[Stand], str]] = {
    "metadata": lambda _: METADATA,
    "metadata by number": lambda _: "http://2852039166/latest/meta-data/",
    "metadata inside IPv6": lambda _: "http://[::ffff:169.254.169.254]/latest/",
    "this machine": lambda stand: f"http://localhost:{stand.inner.port}/secret",
    "an account's host": lambda stand: f"{stand.inner.url}/secret",
    "the gateway itself": lambda stand: f"{stand.gateway.url}/api/accounts",
    "another port": lambda stand: f"http://127.0.0.1:{stand.inner.port}/secret",
    "a redirect to metadata": _moved(lambda _: METADATA),
    "a redirect inside": _moved(lambda stand: f"{stand.inner.url}/secret"),
    "a redirect to a file": _moved(lambda _: "file:///etc/passwd"),
    "a redirect with a user": _moved(lambda stand: f"http://user:word@127.0.0.1:{stand.gallery.port}/a.png"),
    "a redirect nowhere": _moved(lambda _: ""),
    "a circle": _circle,
    "a user in the address": lambda stand: f"http://user:word@127.0.0.1:{stand.gallery.port}/a.png",
    "two hosts in one": lambda stand: f"http://127.0.0.1:{stand.gallery.port}\\@{stand.inner.url[7:]}/secret",
    "text": _answering(200, {"content-type": "image/png"}, SECRET),
    "a drawing that runs": _answering(200, {"content-type": "image/svg+xml"}, b"<svg onload='x()'>" + SECRET),
    "an error": _answering(500, {"content-type": "image/png"}, png() + SECRET),
    "one too large": _answering(200, {}, png() + bytes(BYTES_MAX)),
    "one that says so": _answering(200, {"content-length": "99999999999"}, b""),
    "nothing": _answering(200, {}, b""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_se7_what_a_prompt_names_opens_nothing_inside(stand: Stand, name: str) -> None:
    stand.inner.asked.clear()
    stand.inner.answers["/secret"] = (200, {}, png() + SECRET)
    url = REFUSED[name](stand)
    stand.gallery.asked.clear()
    status, sent = stand.show(url)
    assert status == 200, "the model is told that a picture is missing"
    assert "data:image" not in sent
    assert base64.b64encode(SECRET).decode()[:20] not in sent
    assert stand.inner.asked == []
    assert len(stand.gallery.asked) <= REDIRECTS_MAX + 1


def test_se7_it_is_told_what_became_of_it_and_no_address_inside(stand: Stand) -> None:
    stand.show(METADATA)
    bearer = {"authorization": f"Bearer {(stand.gateway.data / 'local.token').read_text().strip()}"}
    newest = json.loads(stand.gateway.get("/api/requests?limit=1", bearer)[1])["data"][0]
    receipt = stand.gateway.get(f"/v1/receipts/{newest['id']}")[1].decode()
    assert "not fetched: the gateway may not connect there" in receipt


def test_se7_pictures_are_left_alone_unless_somebody_says_so() -> None:
    with ScriptedUpstream(dialect="openai_chat", keys=["k"]) as model, Gallery() as gallery:
        gallery.answers["/a.png"] = (200, {}, png())
        account = {
            "name": "plain", "preset": "ollama", "base_url": model.openai_url, "api_key": "k", "models": ["m"],
        }  # fmt: skip
        with RunningGateway([account]) as gateway:
            Stand(gateway, model, gallery, gallery).show(f"{gallery.url}/a.png")
        assert gallery.asked == []


@pytest.mark.parametrize("mode", ["accounts", "list"])
def test_se7_where_hosts_are_counted_pictures_come_from_those_named_for_them(mode: Any) -> None:
    rule = guarded_by(Egress(mode=mode, hosts=("api.example",), picture_hosts=("img.example",)))
    guard = Guard(rule)
    guard.admit("img.example", 443)
    for host in ("api.example", "elsewhere.example"):
        with pytest.raises(EgressError):
            guard.admit(host, 443)


def test_se7_an_accounts_provider_cannot_send_the_gateway_elsewhere() -> None:
    """The credential would go with it."""
    with Gallery() as inner, ScriptedUpstream(dialect="openai_chat", keys=["k"]) as model:
        moved = {"status": 307, "headers": [("location", f"{inner.url}/secret")]}
        account = {
            "name": "a", "preset": "custom-openai", "base_url": model.openai_url, "api_key": "k", "models": ["m"],
        }  # fmt: skip
        from tests.upstreams import Reply

        model.always(Reply.json({}, **moved))
        with RunningGateway([account]) as gateway:
            body = json.dumps({"model": "a/m", "messages": [{"role": "user", "content": "hi"}]}).encode()
            status, _ = gateway.call("POST", "/v1/chat/completions", body=body)
            assert status >= 500
        assert inner.asked == []
