"""Data URLs in every form clients have been seen to write them."""

from __future__ import annotations

import base64

import pytest

from flowrouter.canonical.data_urls import is_data_url, read_data_url, write_data_url
from flowrouter.errors import CallerError

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(20))).decode()


@pytest.mark.parametrize(
    ("url", "media_type"),
    [
        (f"data:image/png;base64,{PNG}", "image/png"),
        (f"data:image/png;name=x.png;charset=utf-8;base64,{PNG}", "image/png"),
        (f"DATA:Image/PNG;Base64,{PNG}", "image/png"),
        (f" data:image/png;base64, {PNG[:8]}\r\n{PNG[8:]} ", "image/png"),
        (f"data:image/png;base64,data:image/png;base64,{PNG}", "image/png"),
        (f"data:;base64,{PNG}", "image/png"),
        (f"data:base64,{PNG}", "image/png"),
        (PNG, "image/png"),
        (f"data:image/jpg;base64,{PNG}", "image/jpeg"),
        (f"data:image/png;base64,{PNG.rstrip('=')}", "image/png"),
        (f"data:image/png;base64,{PNG.replace('+', '-').replace('/', '_')}", "image/png"),
        (
            f"data:image/png;base64,{PNG.replace('+', '%2B').replace('/', '%2F').replace('=', '%3D')}",
            "image/png",
        ),
    ],
)
def test_every_form_becomes_plain_base64(url: str, media_type: str) -> None:
    source = read_data_url(url, path="p")
    assert (source.kind, source.media_type, source.data) == ("base64", media_type, PNG)


def test_only_an_unusual_form_is_kept_beside_the_data() -> None:
    plain = f"data:image/png;base64,{PNG}"
    assert read_data_url(plain, path="p").url is None
    assert write_data_url(read_data_url(plain, path="p")) == plain
    odd = f"data:image/png;q=1;base64,{PNG}"
    assert read_data_url(odd, path="p").url == odd


def test_percent_encoded_data() -> None:
    source = read_data_url("data:image/svg+xml,%3Csvg/%3E", path="p")
    assert base64.b64decode(source.data or "") == b"<svg/>"
    assert source.media_type == "image/svg+xml"


def test_text_media_become_text() -> None:
    source = read_data_url("data:text/plain;base64,aMOp", path="p", filename="a.txt")
    assert (source.kind, source.data) == ("text", "hé")
    assert write_data_url(source) == "data:text/plain;base64,aMOp"


@pytest.mark.parametrize(
    ("start", "media_type"),
    [(b"\xff\xd8\xff\xe0", "image/jpeg"), (b"GIF89a", "image/gif"), (b"%PDF-1.7", "application/pdf"),
     (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"), (b"?????", "application/octet-stream")],
)  # fmt: skip
def test_media_types_are_read_from_the_first_bytes(start: bytes, media_type: str) -> None:
    data = base64.b64encode(start + b"rest of the file").decode()
    assert read_data_url(data, path="p").media_type == media_type


def test_the_file_name_decides_where_the_bytes_do_not() -> None:
    assert read_data_url("AAAA", path="p", filename="a.PDF").media_type == "application/pdf"


@pytest.mark.parametrize(
    "url", ["data:image/png;base64,", "data:image/png;base64,  ", "data:image/png", "data:,"]
)
def test_no_data_is_refused_by_name(url: str) -> None:
    with pytest.raises(CallerError) as caught:
        read_data_url(url, path="messages[0].content[1].image_url.url")
    assert caught.value.param == "messages[0].content[1].image_url.url"


def test_links_are_no_data_urls() -> None:
    assert not is_data_url("https://example.com/data:image/png")
    assert is_data_url("  DATA:image/png;base64,AA")
