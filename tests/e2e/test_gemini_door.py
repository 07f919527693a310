"""Google's own SDK, and bare HTTP as its other clients speak it, through a running gateway."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from google import genai
from google.genai import errors, types

from tests.contracts.fakes import wait_until
from tests.e2e.conftest import accounts
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream
from tests.upstreams.gemini.embeddings import vector

ASK = b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}'
MODELS = ["google/gemini-2.5-flash", "chat/gpt-4.1", "claude/claude-sonnet-4-5"]


@pytest.fixture(scope="module")
def google() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(dialect="gemini", keys=["google-key"]) as upstream:
        yield upstream


def listed(google: ScriptedUpstream, *others: ScriptedUpstream) -> list[dict[str, object]]:
    account = {
        "name": "google",
        "preset": "custom-gemini",
        "base_url": f"http://127.0.0.1:{google.port}",
        "api_key": "google-key",
    }
    return [account, *(accounts(*others) if others else ())]


@pytest.fixture(scope="module")
def gateway(
    google: ScriptedUpstream, chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream
) -> Iterator[RunningGateway]:
    with RunningGateway(listed(google, chat_upstream, claude_upstream)) as running:
        yield running
        running.assert_no_complaints()


@pytest.fixture(params=["v1", "v1beta"])
def client(
    gateway: RunningGateway, google: ScriptedUpstream, request: pytest.FixtureRequest
) -> Iterator[genai.Client]:
    google.reset()
    options = types.HttpOptions(base_url=gateway.url, api_version=request.param)
    yield genai.Client(api_key="any", http_options=options)
    google.assert_all_valid()


@pytest.mark.parametrize("model", MODELS)
def test_an_answer_whole_and_streamed(client: genai.Client, model: str) -> None:
    whole = client.models.generate_content(model=model, contents="Say something")
    assert whole.text
    assert whole.candidates[0].finish_reason == types.FinishReason.STOP  # type: ignore[index]
    assert whole.usage_metadata.prompt_token_count  # type: ignore[union-attr]
    chunks = list(client.models.generate_content_stream(model=model, contents="Say something"))
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP  # type: ignore[index]


@pytest.mark.parametrize("model", MODELS)
def test_the_array_form_is_json_as_a_whole(gateway: RunningGateway, model: str) -> None:
    path = f"/v1beta/models/{model}:streamGenerateContent"
    status, body = gateway.call("POST", path, body=ASK)
    assert status == 200, body
    elements = json.loads(body)
    assert elements[-1]["candidates"][0]["finishReason"] == "STOP"
    status, encoded = gateway.call(
        "POST", path.replace("/gemini", "%2Fgemini").replace(":s", "%3As"), body=ASK
    )
    assert status == 200
    assert json.loads(encoded)[-1]["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize("model", MODELS)
def test_tokens_are_counted_by_whoever_can(client: genai.Client, model: str) -> None:
    counted = client.models.count_tokens(model=model, contents="how many tokens are these")
    assert counted.total_tokens


def test_who_counted_is_told(gateway: RunningGateway) -> None:
    for model, who in zip(MODELS, ("google", "estimate", "claude"), strict=True):
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        headers = {"content-type": "application/json"}
        connection.request("POST", f"/v1beta/models/{model}:countTokens", body=ASK, headers=headers)
        answer = connection.getresponse()
        assert json.loads(answer.read())["totalTokens"] > 0
        assert answer.getheader("x-flowrouter-counted-by") == who
        connection.close()


def test_embeddings_reach_either_kind_of_provider(client: genai.Client) -> None:
    texts: Any = ["some words", "others"]
    own = client.models.embed_content(
        model="google/gemini-embedding-001", contents=texts, config={"output_dimensionality": 4}
    )
    assert [item.values for item in own.embeddings or ()] == [vector(text, 4) for text in texts]
    other = client.models.embed_content(model="chat/text-embedding-3-small", contents=texts)
    assert len(other.embeddings or ()) == 2


def test_an_openai_client_embeds_at_google(gateway: RunningGateway, google: ScriptedUpstream) -> None:
    google.reset()
    with openai.OpenAI(base_url=gateway.openai_url, api_key="any", max_retries=0) as client:
        reply = client.embeddings.create(model="google/gemini-embedding-001", input=["some words", "others"])
    assert [row.embedding for row in reply.data] == [vector("some words"), vector("others")]
    assert reply.usage.prompt_tokens > 0
    google.assert_all_valid()


def test_models_are_listed_page_by_page(client: genai.Client, google: ScriptedUpstream) -> None:
    wait_until(lambda: len(list(client.models.list())) >= len(google.models))  # asked for behind the start
    found = {model.name: model for model in client.models.list(config={"page_size": 2})}
    assert {f"models/{name}" for name in google.models} <= found.keys()
    embeds = found["models/gemini-embedding-001"]
    assert "generateContent" not in (embeds.supported_actions or ())
    one = client.models.get(model="gemini-2.5-flash")
    assert one.name == "models/gemini-2.5-flash"
    with pytest.raises(errors.ClientError) as caught:
        client.models.get(model="nothing-of-the-kind/x")
    assert caught.value.code == 404


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ("fault-429-retry-after", 429, "RESOURCE_EXHAUSTED"),
        ("fault-401", 502, "UNAVAILABLE"),
        ("fault-cut", 502, "UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("account", ["google/gemini-2.5-flash", "chat/gpt-4.1"])
def test_errors_are_googles(
    google: ScriptedUpstream,
    chat_upstream: ScriptedUpstream,
    account: str,
    fault: str,
    code: int,
    status: str,
) -> None:
    google.reset()
    # What is refused pauses: a gateway of its own, so that others find theirs at work.
    with RunningGateway([*listed(google), accounts(chat_upstream, chat_upstream)[0]]) as gateway:
        client = genai.Client(api_key="any", http_options=types.HttpOptions(base_url=gateway.url))
        with pytest.raises(errors.APIError) as caught:
            client.models.generate_content(model=f"{account}+{fault}", contents="hi")
    assert (caught.value.code, caught.value.status) == (code, status)


def test_a_key_may_stand_in_the_query_of_googles_routes_only(
    google: ScriptedUpstream, tmp_path: Path
) -> None:
    google.reset()
    with RunningGateway(listed(google), data=tmp_path) as gateway:
        command = [sys.executable, "-m", "flowrouter.cli.main", "keys", "create", "laptop"]
        made = subprocess.run(
            [*command, "--data", str(tmp_path), "--json"], capture_output=True, text=True, check=True
        )
        token = next(
            value for value in _texts(json.loads(made.stdout)) if value.startswith("flr_") and len(value) > 70
        )
        path = "/v1beta/models/gemini-2.5-flash:generateContent"

        def ask(query: str, headers: dict[str, str] | None = None, at: str = path) -> int:
            sent = {"content-type": "application/json", **(headers or {})}
            return gateway.call("POST", at + query, body=ASK, headers=sent)[0]

        deadline = time.monotonic() + 20
        while ask("", {"x-goog-api-key": token}) != 200:  # the key is seen within a second
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert ask("", {"api-key": token}) == 200
        assert ask(f"?key={token}") == 200
        assert ask(f"?alt=sse&key={token}", {"x-goog-api-key": "dummy"}) == 200
        assert ask("") == ask("?key=dummy") == 401
        other = "1" if token.endswith("0") else "0"
        assert ask(f"?key={token[:-1]}{other}") == 401
        assert ask(f"?key={token}", at="/v1/chat/completions") == 401
        assert gateway.get(f"/v1beta/models?key={token}")[0] == 200
        assert gateway.get(f"/v1/receipts/req_1?key={token}")[0] == 401
        assert token not in gateway.log
    google.assert_never_received(token)
    google.assert_all_valid()


def _texts(value: Any) -> Iterator[str]:
    """Yield every text inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
