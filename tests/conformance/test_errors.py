"""Refusals of the vendor and of the gateway: status, exception, words, and what they say about trying again."""

import json
from typing import Any, NamedTuple

import anthropic
import openai
import pytest

from tests.conformance.house import AnthropicCell, Cell, House, OpenAICell
from tests.conformance.samples import user


class Expected(NamedTuple):
    """What the caller gets: the status, a piece of the message, and the advice on trying again."""

    status: int
    message: str
    retry: str | None = None
    calls: int = 1


CHAT_CREDENTIAL = "Incorrect API key provided"
ACCOUNT = "was refused by its provider"
FAULTS: dict[str, Expected] = {
    "400": Expected(400, "could not be understood", "false"),
    "401": Expected(502, ACCOUNT, "false"),
    "402": Expected(502, "has no credit left at its provider", "false"),
    "403": Expected(502, ACCOUNT, "false"),
    "404": Expected(404, "The model does not exist.", "false"),
    "409": Expected(409, "in another state", "false"),
    "413": Expected(413, "The request is too large.", "false"),
    "422": Expected(422, "well-formed but makes no sense", "false"),
    "429": Expected(429, "rate limit"),
    "429-retry-after": Expected(429, "rate limit"),
    "500": Expected(500, "error", calls=2),
    "502": Expected(502, "Bad gateway.", calls=2),
    "503": Expected(503, "unavailable"),
    "504": Expected(504, "took too long"),
    "529": Expected(529, "Overloaded"),
    "context-length": Expected(400, "maximum", "false"),
    "content-policy": Expected(400, "polic", "false"),
}
"""The vendor's fault and what becomes of it; the accounts' own troubles are not the caller's."""


def status_for(cell: Cell, expected: Expected) -> int:
    """Return the status in the client's dialect: Chat has no 529."""
    return 503 if expected.status == 529 and isinstance(cell, OpenAICell) else expected.status


def exception_for(sdk: Any, status: int) -> type[Exception]:
    """Return the class that the SDK raises for a status, by the SDK's own table."""
    named = {
        400: "BadRequestError",
        401: "AuthenticationError",
        403: "PermissionDeniedError",
        404: "NotFoundError",
        409: "ConflictError",
        413: "RequestTooLargeError",
        422: "UnprocessableEntityError",
        429: "RateLimitError",
        503: "ServiceUnavailableError",
        504: "DeadlineExceededError",
        529: "OverloadedError",
    }
    server = sdk.InternalServerError if status >= 500 else sdk.APIStatusError
    return getattr(sdk, named.get(status, ""), server)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_vendor_s_refusal(cell: Cell, fault: str, stream: bool) -> None:
    expected = FAULTS[fault]
    status = status_for(cell, expected)
    with pytest.raises(exception_for(cell.sdk, status)) as caught:
        cell.ask(f"fault-{fault}", stream=stream)
    error: Any = caught.value
    assert error.status_code == status
    assert expected.message.lower() in error.message.lower()
    headers = error.response.headers
    assert headers.get("x-should-retry") == expected.retry
    assert headers.get("retry-after") == ("2" if fault == "429-retry-after" else None)
    assert error.request_id == headers["x-request-id"] == headers["request-id"]
    assert len(cell.up.calls) == expected.calls
    receipt = cell.house.receipt(error.request_id)
    assert (receipt["outcome"], len(receipt["attempts"])) == ("error", expected.calls)
    assert "key-of-the" not in str(error.body) + str(receipt)


TOLD_AS_IT_IS = [fault for fault, expected in FAULTS.items() if expected.status not in (502, 504)]
"""Not what is wrong with an account or with the vendor's machines: that is told in the gateway's words."""


@pytest.mark.parametrize("fault", TOLD_AS_IT_IS)
def test_the_vendor_s_own_words_stay_in_its_own_dialect(house: House, fault: str) -> None:
    """A refusal that is the caller's business reaches a client of the same dialect as the vendor wrote it."""
    for kind, home in ((OpenAICell, "chat"), (AnthropicCell, "claude")):
        bodies: list[Any] = []
        for place in ("direct", home):
            cell = kind(house, place, home)
            with pytest.raises(cell.sdk.APIStatusError) as caught:
                cell.ask(f"fault-{fault}", stream=False)
            body: Any = dict(caught.value.body)  # type: ignore[arg-type]
            body.pop("request_id", None)
            bodies.append(body)
        assert bodies[0] == bodies[1]


def test_chat_s_quota_is_the_account_s_trouble(house: House) -> None:
    """OpenAI tells an empty account by 429; trying again would never help."""
    for cell in (OpenAICell(house, "chat", "chat"), AnthropicCell(house, "chat", "claude")):
        with pytest.raises(cell.sdk.APIStatusError) as caught:
            cell.ask("fault-429-quota", stream=False)
        assert caught.value.status_code == 502
        assert caught.value.response.headers["x-should-retry"] == "false"


def test_codes_and_params_survive(house: House) -> None:
    house.refusals_meant = True
    with pytest.raises(openai.BadRequestError) as caught:
        OpenAICell(house, "chat", "chat").ask("fault-context-length", stream=True)
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "messages")
    cell = OpenAICell(house, "chat", "chat")
    with cell.client() as sdk, pytest.raises(openai.BadRequestError) as caught:
        sdk.chat.completions.create(model=cell.model(), messages=user("hi"), temperature=9)
    assert (caught.value.code, caught.value.param) == ("decimal_above_max_value", "temperature")


def test_the_kind_of_an_error_is_the_client_dialect_s(cell: Cell) -> None:
    """Each dialect has its own words for a rate limit and for an overload."""
    for fault, for_openai, for_anthropic in (
        ("429", "rate_limit", "rate_limit_error"),
        ("503", "server_error", "overloaded_error"),
        ("400", "invalid_request_error", "invalid_request_error"),
    ):
        with pytest.raises(cell.sdk.APIStatusError) as caught:
            cell.ask(f"fault-{fault}", stream=False)
        body: Any = caught.value.body
        if isinstance(cell, OpenAICell):
            assert body["type"].startswith(for_openai), body
            assert set(body) >= {"message", "type", "param", "code"}
        elif fault != "503" or cell.translated:
            assert (body["type"], body["error"]["type"]) == ("error", for_anthropic)
            assert body["request_id"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_sdk_s_own_retries_see_the_recovery(
    cell: Cell, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two 429s: the gateway passes the first two on, the SDK asks again and gets its answer."""
    monkeypatch.setattr(cell.sdk._base_client, "INITIAL_RETRY_DELAY", 0.01)
    asked = cell.ask("fault-429-2-times", stream=stream, max_retries=2)
    assert asked.text == "You said: one two three"
    assert [received.status for received in cell.up.calls] == [429, 429, 200]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_must_not_be_retried_is_not(cell: Cell, stream: bool) -> None:
    """The account's key is wrong: the SDK is told not to hammer."""
    with pytest.raises(cell.sdk.APIStatusError):
        cell.ask("fault-401", stream=stream, max_retries=2)
    assert len(cell.up.calls) == 1


# the gateway's own refusals

NONSENSE: dict[str, tuple[bytes, int]] = {
    "no JSON": (b"{", 400),
    "no object": (b"[]", 400),
    "no model": (b'{"messages":[{"role":"user","content":"hi"}],"max_tokens":5}', 400),
    "an empty model": (b'{"model":"","messages":[{"role":"user","content":"hi"}],"max_tokens":5}', 400),
}


@pytest.mark.parametrize("case", NONSENSE)
def test_nonsense_is_refused_in_the_route_s_dialect(house: House, case: str) -> None:
    body, status = NONSENSE[case]
    for path, is_anthropic in (("/v1/chat/completions", False), ("/v1/messages", True)):
        got, text = house.gateway.call("POST", path, body=body)
        value = json.loads(text)
        assert got == status, text
        assert value["error"]["type"] == "invalid_request_error"
        assert (value.get("type") == "error") is is_anthropic
    assert not house.chat.requests
    assert not house.claude.requests


@pytest.mark.parametrize("body", [{"messages": []}, {"messages": [{"role": "robot", "content": "hi"}]}, {}])
def test_bad_messages_are_refused_across_dialects(house: House, body: dict[str, Any]) -> None:
    """Where the request must be read to be translated, what is wrong with it is said before anything is sent."""
    for cell, path in (
        (OpenAICell(house, "claude", "chat"), "/v1/chat/completions"),
        (AnthropicCell(house, "chat", "claude"), "/v1/messages"),
    ):
        status, headers, text = cell.call(path, {"model": cell.model(), "max_tokens": 5, **body})
        assert (status, headers["x-should-retry"]) == (400, "false"), text
        assert "messages" in json.loads(text)["error"]["message"]
        assert not cell.up.requests


def test_routes_that_do_not_exist(house: House) -> None:
    for path, dialect in (("/v1/nowhere", "openai"), ("/v1/messages/nowhere", "anthropic")):
        status, text = house.gateway.call("POST", path, body=b"{}")
        assert status == 404
        assert (json.loads(text).get("type") == "error") is (dialect == "anthropic")
    assert house.gateway.get("/v1/chat/completions")[0] == 405


@pytest.mark.parametrize(
    "path",
    ["/v1/chat/completions/", "/v1/v1/chat/completions", "/chat/completions", "/v1//chat/completions"],
)
def test_pasted_base_urls(house: House, path: str) -> None:
    cell = OpenAICell(house, "chat", "chat")
    status, _, text = cell.call(path, {"model": cell.model(), "messages": user("hi")})
    assert (status, json.loads(text)["choices"][0]["message"]["content"]) == (200, "You said: hi")


def test_pasted_base_urls_of_anthropic_clients(house: House) -> None:
    for suffix in ("", "/v1"):
        cell = AnthropicCell(house, "claude", "claude")
        with cell.client(base_url=house.gateway.url + suffix) as sdk:
            made = sdk.messages.create(model=cell.model(), max_tokens=50, messages=user("hi"))
        assert isinstance(made, anthropic.types.Message)
