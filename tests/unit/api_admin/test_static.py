"""What the dashboard loads: served to everybody, packed once, never older than the file, nothing else."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from flowrouter.api.dashboard import POLICY, Dashboard
from tests.unit.api_admin.conftest import Gateway

SCRIPT = "/static/vendor/preact.js"


def test_a_stranger_gets_the_files(gateway: Gateway) -> None:
    reply = gateway.client().get(SCRIPT)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-security-policy"] == POLICY
    assert "set-cookie" not in reply.headers
    assert "export" in reply.text


@pytest.mark.parametrize("accepts", ["identity", "", "gzip;q=0", "br"])
def test_who_cannot_unpack_gets_it_plain(gateway: Gateway, accepts: str) -> None:
    client = gateway.client()
    plain = client.get(SCRIPT, headers={"accept-encoding": accepts})
    assert "content-encoding" not in plain.headers
    assert plain.content == client.get(SCRIPT, headers={"accept-encoding": "gzip, br"}).content


def test_a_copy_that_is_still_good_is_not_sent_again(gateway: Gateway) -> None:
    client = gateway.client()
    tag = client.get(SCRIPT).headers["etag"]
    for sent in (tag, f'"other", {tag}'):
        again = client.get(SCRIPT, headers={"if-none-match": sent})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert client.get(SCRIPT, headers={"if-none-match": '"other"'}).status_code == 200


def test_head_tells_what_get_would(gateway: Gateway) -> None:
    client = gateway.client()
    for path in ("/", SCRIPT):
        asked, told = client.get(path), client.head(path)
        assert (told.status_code, told.content) == (200, b"")
        assert told.headers["content-length"] == asked.headers["content-length"]
        assert told.headers["etag"] == asked.headers["etag"]


@pytest.mark.parametrize(
    "path",
    ["nothing.js", "vendor", "vendor/", "", "vendor/preact.d.ts", "vendor/vendor.toml", "../__init__.py",
     "%2e%2e/__init__.py", "vendor/..%2f..%2f__init__.py", "..%2f..%2f..%2fpyproject.toml", "%2fetc%2fpasswd",
     "vendor//preact.js", ".hidden.js", "a%00.js", "a%0a.js"],
)  # fmt: skip
def test_nothing_else_is_there(gateway: Gateway, path: str) -> None:
    reply = gateway.client().get(f"/static/{path}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "unknown_url")


def test_files_are_only_read(gateway: Gateway) -> None:
    assert gateway.client().post(SCRIPT, json={}).status_code == 404


def served(folder: Path) -> TestClient:
    files = Dashboard(folder)

    async def answer(request: Request) -> Response:
        return await files.answer(request, request.path_params["name"]) or Response(status_code=404)

    return TestClient(Starlette(routes=[Route("/{name:path}", answer)]))


def test_a_saved_file_shows_at_once(tmp_path: Path) -> None:
    page = tmp_path / "page.js"
    page.write_text("export const one = 1;\n")
    client = served(tmp_path)
    first = client.get("/page.js")
    page.write_text("export const one = 2;\n")
    os.utime(page, ns=(1, 1))  # a clock too coarse to tell the two apart is not what is tried here
    second = client.get("/page.js")
    assert (first.text, second.text) == ("export const one = 1;\n", "export const one = 2;\n")
    assert first.headers["etag"] != second.headers["etag"]
    page.unlink()
    assert client.get("/page.js").status_code == 404


def test_only_what_gets_smaller_is_packed(tmp_path: Path) -> None:
    (tmp_path / "long.css").write_text("a { color: red; }\n" * 100)
    (tmp_path / "short.css").write_text("a{}")
    client = served(tmp_path)
    assert client.get("/long.css").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in client.get("/short.css").headers
    assert int(client.get("/long.css").headers["content-length"]) == len(
        gzip.compress((tmp_path / "long.css").read_bytes(), 9, mtime=0)
    )


def test_a_stylesheet_comes_with_those_it_imports(tmp_path: Path) -> None:
    (tmp_path / "styles").mkdir()
    part = tmp_path / "styles" / "part.css"
    part.write_text("b { color: red; }\n")
    (tmp_path / "app.css").write_text('@import url("styles/part.css");\na { color: blue; }\n')
    client = served(tmp_path)
    assert client.get("/app.css").text == "b { color: red; }\n\na { color: blue; }\n"
    part.write_text("b { color: green; }\n")
    os.utime(part, ns=(1, 1))
    assert "green" in client.get("/app.css").text
    part.unlink()
    assert client.get("/app.css").status_code == 404
