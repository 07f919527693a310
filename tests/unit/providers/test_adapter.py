"""What leaves the house: address, headers and secret of the request, asserted on the value itself."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flowrouter import __version__
from flowrouter.canonical.dialect import DIALECTS, Dialect
from flowrouter.providers import adapter, catalog, headers
from flowrouter.providers.adapter import AdapterError
from flowrouter.wire.http import HttpRequest

KEY = "sk-canary-0123456789"


class WireCase(msgspec.Struct, frozen=True, kw_only=True):
    """A call of `build` and what its request must and must not carry."""

    preset: str
    dialect: Dialect
    request: dict[str, Any] = {}
    url: str
    present: dict[str, str] = {}
    absent: tuple[str, ...] = ()
    method: str = "POST"


CASES = [
    WireCase(
        preset="openai",
        dialect="openai_chat",
        url="https://api.openai.com/v1/chat/completions",
        present={
            "authorization": f"Bearer {KEY}",
            "content-type": "application/json",
            "accept": "application/json",
            "user-agent": f"flow-router/{__version__}",
        },
        absent=("x-api-key", "anthropic-version", "accept-encoding"),
    ),
    WireCase(
        preset="openai",
        dialect="openai_responses",
        request={"stream": True},
        url="https://api.openai.com/v1/responses",
        present={"accept": "text/event-stream", "accept-encoding": "identity"},
    ),
    WireCase(
        preset="anthropic",
        dialect="anthropic",
        url="https://api.anthropic.com/v1/messages",
        present={"x-api-key": KEY, "anthropic-version": "2023-06-01"},
        absent=("authorization", "anthropic-beta"),
    ),
    WireCase(
        preset="anthropic",
        dialect="anthropic",
        request={"operation": "count_tokens"},
        url="https://api.anthropic.com/v1/messages/count_tokens",
        present={"x-api-key": KEY},
    ),
    WireCase(
        preset="anthropic",
        dialect="anthropic",
        request={"operation": "models", "page": (("after_id", "claude-x"),)},
        url="https://api.anthropic.com/v1/models?limit=1000&after_id=claude-x",
        present={"x-api-key": KEY, "anthropic-version": "2023-06-01"},
        absent=("content-type",),
        method="GET",
    ),
    WireCase(
        preset="deepseek",
        dialect="openai_chat",
        url="https://api.deepseek.com/v1/chat/completions",
        present={"authorization": f"Bearer {KEY}"},
        absent=("x-api-key",),
    ),
    WireCase(
        preset="deepseek",
        dialect="anthropic",
        url="https://api.deepseek.com/anthropic/v1/messages",
        present={"x-api-key": KEY, "anthropic-version": "2023-06-01"},
        absent=("authorization",),
    ),
    WireCase(
        preset="openrouter",
        dialect="openai_chat",
        url="https://openrouter.ai/api/v1/chat/completions",
        present={"x-title": "Flow Router", "http-referer": "http://localhost:2402"},
    ),
    WireCase(
        preset="openrouter",
        dialect="anthropic",
        url="https://openrouter.ai/api/v1/messages",
        present={"authorization": f"Bearer {KEY}", "x-title": "Flow Router"},
    ),
    WireCase(preset="groq", dialect="openai_chat", url="https://api.groq.com/openai/v1/chat/completions"),
    WireCase(
        preset="together",
        dialect="openai_chat",
        request={"operation": "models"},
        url="https://api.together.xyz/v1/models",
        method="GET",
    ),
    WireCase(preset="fireworks", dialect="anthropic", url="https://api.fireworks.ai/inference/v1/messages"),
    WireCase(
        preset="gemini",
        dialect="gemini",
        request={"operation": "embed_content", "model": "models/e"},
        url="https://generativelanguage.googleapis.com/v1beta/models/e:embedContent",
        present={"x-goog-api-key": KEY},
        absent=("authorization",),
    ),
    WireCase(
        preset="gemini",
        dialect="gemini",
        request={"operation": "batch_embed", "model": "acme/e:x"},
        url="https://generativelanguage.googleapis.com/v1beta/models/acme%2Fe%3Ax:batchEmbedContents",
        present={"x-goog-api-key": KEY},
    ),
    WireCase(
        preset="ollama",
        dialect="openai_chat",
        request={"api_key": None},
        url="http://127.0.0.1:11434/v1/chat/completions",
        absent=("authorization",),
    ),
    WireCase(
        preset="local",
        dialect="anthropic",
        request={"base_url": "http://127.0.0.1:40001/v1"},
        url="http://127.0.0.1:40001/v1/messages",
        absent=("authorization", "x-api-key"),
    ),
    WireCase(
        preset="custom-anthropic",
        dialect="anthropic",
        request={"base_url": "http://host:8000/proxy/"},
        url="http://host:8000/proxy/v1/messages",
        present={"x-api-key": KEY},
    ),
]


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.preset}-{case.dialect}-{n}" for n, case in enumerate(CASES)]
)
def test_wire(case: WireCase) -> None:
    arguments = {"api_key": KEY, "body": b'{"a":1}', **case.request}
    request = adapter.build(catalog.packaged().get(case.preset), case.dialect, **arguments)
    assert (request.method, request.url) == (case.method, case.url)
    assert request.body == (b"" if case.method == "GET" else b'{"a":1}')
    for name, value in case.present.items():
        assert request.header(name) == value
    for name in case.absent:
        assert request.header(name) is None
    names = [name for name, _ in request.headers]
    assert names == [name.lower() for name in names]
    assert len(names) == len(set(names))


CANARIES = {
    "Authorization": "Bearer canary",
    "x-api-key": "canary",
    "X-Goog-Api-Key": "canary",
    "api-key": "canary",
    "Cookie": "session=canary",
    "Proxy-Authorization": "canary",
    "X-Forwarded-For": "canary",
    "x-forwarded-host": "canary",
    "Forwarded": "for=canary",
    "x-real-ip": "canary",
    "X-Stainless-Lang": "canary",
    "x-stainless-retry-count": "canary",
    "User-Agent": "canary-cli/1.0",
    "originator": "canary",
    "x-app": "canary",
    "session-id": "canary",
    "ChatGPT-Account-Id": "canary",
    "OpenAI-Organization": "canary",
    "OpenAI-Project": "canary",
    "x-claude-code-session-id": "canary",
    "anthropic-dangerous-direct-browser-access": "canary",
    "x-goog-user-project": "canary",
    "Host": "canary",
    "Origin": "canary",
    "Referer": "canary",
    "HTTP-Referer": "canary",
    "X-Title": "canary",
    "Content-Type": "canary",
    "Accept-Encoding": "canary",
    "traceparent": "canary",
}
ALLOWED = {
    "anthropic-version": "2026-10-21",
    "Anthropic-Beta": "files-2025,skills-2026",
    "openai-beta": "responses=1",
    "Idempotency-Key": "k-1",
}


@pytest.mark.parametrize("same_dialect", [False, True])
@pytest.mark.parametrize("preset", list(catalog.packaged()), ids=lambda preset: preset.id)
def test_canaries_of_the_client_reach_no_provider(preset: Any, same_dialect: bool) -> None:
    for dialect in preset.served_dialects:
        request = adapter.build(
            preset,
            dialect,
            api_key=KEY,
            base_url="http://127.0.0.1:9/v1",
            model="m",
            client_headers={**CANARIES, **ALLOWED},
            same_dialect=same_dialect,
        )
        assert not [item for item in request.headers if "canary" in item[1] and KEY not in item[1]]
        sent = {name for name, _ in request.headers}
        passed = {name.lower() for name in ALLOWED if request.header(name) == ALLOWED[name]}
        assert passed == (set(headers.FORWARDED[dialect]) if same_dialect else set())
        if not same_dialect:
            assert not sent & {"anthropic-beta", "openai-beta", "idempotency-key"}


def test_the_forwarding_table_is_exactly_this() -> None:
    assert {dialect: set(headers.FORWARDED[dialect]) for dialect in DIALECTS} == {
        "openai_chat": {"openai-beta", "idempotency-key"},
        "openai_responses": {"openai-beta", "idempotency-key"},
        "anthropic": {"anthropic-version", "anthropic-beta", "idempotency-key"},
        "gemini": set(),
    }


def test_betas_of_account_and_client_are_joined_once() -> None:
    request = adapter.build(
        catalog.packaged().get("anthropic"),
        "anthropic",
        api_key=KEY,
        client_headers={"anthropic-beta": "a, b"},
        same_dialect=True,
        account_headers={"Anthropic-Beta": "b,c"},
    )
    assert request.header("anthropic-beta") == "a,b,c"


def test_a_client_value_that_no_header_may_hold_is_left_out() -> None:
    request = adapter.build(
        catalog.packaged().get("anthropic"),
        "anthropic",
        api_key=KEY,
        client_headers={"anthropic-version": "x\r\nx-api-key: y", "anthropic-beta": ""},
        same_dialect=True,
    )
    assert request.header("anthropic-version") == "2023-06-01"
    assert request.header("anthropic-beta") is None


@pytest.mark.parametrize(
    ("preset", "dialect", "override", "base"),
    [
        ("openai", "openai_chat", "http://p:1", "http://p:1/v1"),
        ("openai", "openai_chat", "http://p:1/", "http://p:1/v1"),
        ("openai", "openai_chat", "http://p:1/v1/", "http://p:1/v1"),
        ("openai", "openai_responses", "http://p:1/x", "http://p:1/x"),
        ("openai", "openai_chat", "https://p/v1/chat/completions", "https://p/v1"),
        ("anthropic", "anthropic", "https://p/v1/messages", "https://p/v1"),
        ("anthropic", "anthropic", "https://p", "https://p/v1"),
        ("anthropic", "anthropic", "https://p/tenant", "https://p/tenant/v1"),
        ("deepseek", "openai_chat", "https://p/v1", "https://p/v1"),
        ("deepseek", "anthropic", "https://p/v1", "https://p/anthropic/v1"),
        ("deepseek", "anthropic", "https://p/x/v1", "https://p/x/anthropic/v1"),
        ("deepseek", "anthropic", "https://p", "https://p/anthropic/v1"),
        ("deepseek", "anthropic", "https://p/anthropic", "https://p/anthropic/v1"),
        ("deepseek", "anthropic", "https://p/anthropic/v1", "https://p/anthropic/v1"),
        ("ollama", "anthropic", "http://10.0.0.5:11434", "http://10.0.0.5:11434/v1"),
        ("custom-openai", "openai_chat", "http://h:8000", "http://h:8000"),
        ("custom-openai", "openai_chat", "http://h:8000/v1", "http://h:8000/v1"),
        ("custom-openai", "openai_chat", "http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("custom-anthropic", "anthropic", "http://h:8000", "http://h:8000/v1"),
        ("custom-anthropic", "anthropic", "http://h/v1beta", "http://h/v1beta"),
        ("custom-gemini", "gemini", "http://h:8000", "http://h:8000/v1beta"),
        ("custom-gemini", "gemini", "http://h:8000/v1", "http://h:8000/v1"),
        ("custom-gemini", "gemini", "http://h/v1beta/models/m:generateContent", "http://h/v1beta"),
        ("gemini", "gemini", "http://h", "http://h/v1beta"),
    ],
)
def test_an_accounts_base_url(preset: str, dialect: Dialect, override: str, base: str) -> None:
    assert adapter.resolve_base_url(catalog.packaged().get(preset), dialect, override=override) == base


def gemini() -> Any:
    text = 'id = "g"\nname = "G"\nvendor = "G"\n[dialects]\ngemini = "https://g.test/v1beta"\n'
    text += '[auth]\ntype = "header"\nheader = "x-goog-api-key"\n[models]\nshape = "gemini"\nendpoint = "/models?pageSize=1000"\n'
    return catalog.packaged().with_files({"g.toml": text}).get("g")


def test_gemini_carries_the_model_in_the_address() -> None:
    preset = gemini()
    plain = adapter.build(preset, "gemini", api_key=KEY, model="models/gemini-3-flash")
    stream = adapter.build(preset, "gemini", api_key=KEY, model="a/b?c", stream=True)
    count = adapter.build(preset, "gemini", api_key=KEY, model="m", operation="count_tokens")
    listing = adapter.build_listing(preset, api_key=KEY, page=(("pageToken", "t=&"),))
    assert plain.url == "https://g.test/v1beta/models/gemini-3-flash:generateContent"
    assert stream.url == "https://g.test/v1beta/models/a%2Fb%3Fc:streamGenerateContent?alt=sse"
    assert count.url == "https://g.test/v1beta/models/m:countTokens"
    assert listing.url == "https://g.test/v1beta/models?pageSize=1000&pageToken=t%3D%26"
    assert listing.header("x-goog-api-key") == KEY
    with pytest.raises(AdapterError, match="model's name"):
        adapter.build(preset, "gemini", api_key=KEY)


@pytest.mark.parametrize(
    ("preset", "dialect", "arguments", "message"),
    [
        ("openai", "openai_chat", {}, "OPENAI_API_KEY"),
        ("openai", "openai_chat", {"api_key": "   "}, "OPENAI_API_KEY"),
        ("openai", "openai_chat", {"api_key": "sk-canary\r\nx: y"}, "characters that no key has"),
        ("openai", "openai_chat", {"api_key": "sk-canary-ü"}, "characters that no key has"),
        ("openai", "anthropic", {"api_key": KEY}, "does not speak anthropic"),
        ("openai", "openai_chat", {"api_key": KEY, "operation": "count_tokens"}, "count tokens"),
        ("custom-openai", "openai_chat", {}, "needs a base URL"),
        ("custom-openai", "openai_chat", {"base_url": "host:8000"}, "must begin with http"),
        ("custom-openai", "openai_chat", {"base_url": "http://u:canary@h/v1"}, "credentials"),
        (
            "custom-openai",
            "openai_chat",
            {"base_url": "http://h/v1", "account_headers": {"a b": "c"}},
            "'a b'",
        ),
        (
            "custom-openai",
            "openai_chat",
            {"base_url": "http://h/v1", "account_headers": {"a": "canary\n"}},
            "'a'",
        ),
        (
            "custom-openai",
            "openai_chat",
            {"base_url": "http://h/v1", "account_headers": {"Host": "h"}},
            "'Host'",
        ),
        ("local", "openai_chat", {"base_url": "http://h/v1", "operation": "models"}, "no model list"),
    ],
)
def test_what_cannot_be_built_is_refused_without_telling_secrets(
    preset: str, dialect: Dialect, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(AdapterError, match=message) as caught:
        adapter.build(catalog.packaged().get(preset), dialect, **arguments)
    assert "canary" not in str(caught.value)


def test_a_key_is_trimmed_and_shown_to_an_optional_host() -> None:
    request = adapter.build(catalog.packaged().get("vllm"), "openai_chat", api_key=f" {KEY}\n")
    assert request.header("authorization") == f"Bearer {KEY}"


def test_the_text_form_hides_secrets_and_bodies() -> None:
    request = adapter.build(
        catalog.packaged().get("anthropic"),
        "anthropic",
        api_key=KEY,
        body=b"canary body",
        account_headers={"x-tenant": "canary"},
    )
    for text in (repr(request), str(request), f"{request}", str(request.__rich_repr__())):
        assert KEY not in text
        assert "canary" not in text
        assert "x-api-key" in text
    assert isinstance(request, HttpRequest)
