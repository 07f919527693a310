"""An outbound request's text form never shows a secret."""

from __future__ import annotations

from flowrouter.wire.http import HttpRequest, redacted

REQUEST = HttpRequest(
    method="POST",
    url="https://api.example.com/v1/messages",
    headers=(("x-api-key", "sk-canary"), ("x-custom", "sk-canary"), ("content-type", "application/json")),
    body=b'{"secret":"sk-canary"}',
)


def test_text_forms_hide_what_is_not_known_to_be_public() -> None:
    for text in (repr(REQUEST), str(REQUEST), f"{REQUEST}", str(REQUEST.__rich_repr__()), repr([REQUEST])):
        assert "canary" not in text
        assert "application/json" in text


def test_headers_are_found_by_any_case() -> None:
    assert REQUEST.header("Content-Type") == "application/json"
    assert REQUEST.header("accept") is None


def test_redaction_knows_names_in_any_case() -> None:
    assert redacted([("Authorization", "Bearer x"), ("Accept", "*/*")]) == {
        "Authorization": "<hidden>",
        "Accept": "*/*",
    }
