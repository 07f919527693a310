"""The door: what a web page of another site could send is refused, what local clients send is not."""

from __future__ import annotations

import pytest

from flowrouter.httpkit.guard import LANDINGS, Guard, is_loopback

GUARD = Guard(
    hosts=frozenset({"router.example.com", "nas:2402"}),
    origins=frozenset({"https://app.example.com", "null-ish://x"}),
)
JSON = "application/json"


def status(method: str = "GET", host: str | None = "127.0.0.1:2402", **headers: str) -> int | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if host is not None:
        named["host"] = host
    objection = GUARD.objection(method, named)
    if objection is not None:
        assert objection[1]
    return objection[0] if objection is not None else None


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:2402",
        "127.8.9.1:1",
        "localhost",
        "LocalHost:2402",
        "localhost.:2402",
        "app.localhost:2402",
        "[::1]",
        "[::1]:2402",
        "router.example.com",
        "ROUTER.example.com:8443",
        "nas:2402",
    ],
)
def test_hosts_served(host: str) -> None:
    assert status(host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.com",
        "evil.com:2402",
        "localhost.evil.com",
        "localhost.evil.com:2402",
        "127.0.0.1.evil.com",
        "127.0.0.1.nip.io:2402",
        "evil-localhost",
        "notlocalhost",
        "192.168.1.5:2402",
        "10.0.0.1",
        "0.0.0.0:2402",
        "169.254.169.254",
        "[::]:2402",
        "[::ffff:10.0.0.1]",
        "[fe80::1]",
        "[2001:db8::1]:2402",
        "::1",
        "nas",
        "nas:80",
        "sub.router.example.com",
        "router.example.com.evil.com",
        "127.0.0.1:2402, evil.com",
        "127.0.0.1:80@evil.com",
        "evil.com@127.0.0.1",
        "127.0.0.1/evil.com",
        "127.0.0.1:evil",
        "[::1].evil.com",
        "[::1",
        "localhost localhost",
        "127.0.0.1\t",
        "①②⑦.0.0.1",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
def test_foreign_hosts(host: str | None, method: str) -> None:
    """DNS rebinding: the page's own name, pointed at 127.0.0.1."""
    assert status(method, host=host, content_type=JSON) == 421


@pytest.mark.parametrize(
    "host, origin",
    [
        ("127.0.0.1:2402", "http://127.0.0.1:2402"),
        ("localhost:2402", "http://localhost:2402"),
        ("[::1]:2402", "http://[::1]:2402"),
        ("router.example.com", "https://router.example.com"),
        ("Router.Example.com", "https://router.example.com"),
        ("127.0.0.1:2402", "https://app.example.com"),
        ("127.0.0.1:2402", "https://APP.example.com"),
    ],
)
def test_own_pages_and_listed_origins(host: str, origin: str) -> None:
    assert status(host=host, origin=origin) is None
    assert status("POST", host=host, origin=origin, content_type=JSON) is None


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://evil.com",
        "http://evil.com:2402",
        "http://127.0.0.1",
        "http://127.0.0.1:3000",
        "http://localhost:2402",
        "http://127.0.0.1:2402.evil.com",
        "http://127.0.0.1:2402/",
        "http://127.0.0.1:2402@evil.com",
        "ftp://127.0.0.1:2402",
        "https://app.example.com.evil.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://x.app.example.com",
        "chrome-extension://abcdef",
        "file://",
        "https://app.example.com, https://evil.com",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_foreign_origins(origin: str, method: str) -> None:
    assert status(method, origin=origin, content_type=JSON) == 403
    assert status(method, origin=origin, content_type=JSON, sec_fetch_site="same-origin") == 403


@pytest.mark.parametrize(
    "site, expected",
    [
        ("cross-site", 403),
        ("same-site", 403),
        ("Cross-Site", 403),
        ("same-origin", None),
        ("none", None),
        ("", None),
    ],
)
def test_fetches_without_an_origin(site: str, expected: int | None) -> None:
    """Images, scripts and no-cors fetches of other pages carry no `Origin`, but this header."""
    assert status(sec_fetch_site=site) == expected


def test_a_listed_origin_may_be_cross_site() -> None:
    assert status(origin="https://app.example.com", sec_fetch_site="cross-site") is None


def test_web_socket_handshakes() -> None:
    """Browsers do not hold web sockets to the same origin; their `Origin` is the only sign."""
    handshake = {"upgrade": "websocket", "connection": "Upgrade", "sec_websocket_key": "x"}
    assert status(origin="https://evil.com", **handshake) == 403
    assert status(host="evil.com", **handshake) == 421
    assert status(origin="http://127.0.0.1:2402", **handshake) is None
    assert status(**handshake) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize(
    "kind, expected",
    [
        ("application/json", None),
        ("application/json; charset=utf-8", None),
        ("Application/JSON;charset=UTF-8", None),
        ("application/vnd.api+json", None),
        (None, 415),
        ("", 415),
        ("text/plain", 415),
        ("text/plain; charset=utf-8", 415),
        ("text/plain;application/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("text/json", 415),
        ("application/jsonp", 415),
        ("application/json, text/plain", 415),
        ("text/plain, application/json", 415),
        ("text/x+json", 415),
        ("application/octet-stream", 415),
    ],
)
def test_bodies_must_be_declared_as_json(method: str, kind: str | None, expected: int | None) -> None:
    headers = {} if kind is None else {"content_type": kind}
    assert status(method, **headers) == expected


def test_requests_without_a_body_need_no_type() -> None:
    assert [status(method) for method in ("GET", "HEAD", "DELETE", "OPTIONS")] == [None] * 4


def test_the_message_is_short_and_names_the_cure() -> None:
    objection = GUARD.objection("GET", {"host": "x" * 10_000})
    assert objection is not None
    assert len(objection[1]) < 400
    assert "allowed_hosts" in objection[1]


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "[::1]", "LOCALHOST", "localhost."])
def test_loopback(name: str) -> None:
    assert is_loopback(name)


@pytest.mark.parametrize(
    "name", ["", "0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.com", "127.0.0.1.com"]
)
def test_not_loopback(name: str) -> None:
    assert not is_loopback(name)


def test_what_passed_once_is_looked_at_again() -> None:
    """The guard remembers what has passed: never more than that, and not by a part of it."""
    guard = Guard(origins=frozenset({"https://app.example.com"}))
    home = {"host": "localhost", "content-type": JSON}
    assert guard.objection("POST", home) is guard.objection("POST", home) is None
    for change, code in (
        ({"host": "evil.com"}, 421),
        ({"origin": "https://evil.com"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": ""}, 415),
    ):
        for _ in range(2):
            objection = guard.objection("POST", {**home, **change})
            assert objection is not None
            assert objection[0] == code


def test_a_landing_opens_nothing_else() -> None:
    guard = Guard()
    sent = {"host": "localhost", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    landing = next(iter(LANDINGS))
    assert guard.objection("GET", sent, path=landing) is None
    assert guard.objection("GET", sent, path="/api/accounts") is not None
    assert guard.objection("GET", {**sent, "sec-fetch-mode": "no-cors"}, path=landing) is not None


def test_the_guard_remembers_a_bounded_number() -> None:
    guard = Guard()
    for port in range(1, 2_000):
        assert guard.objection("GET", {"host": f"localhost:{port}"}) is None
    assert len(guard.passed) < 1_000
    guard.passed.clear()
    assert guard.objection("POST", {"host": "localhost", "content-type": JSON + ";" + "x" * 10_000}) is None
    assert not guard.passed
