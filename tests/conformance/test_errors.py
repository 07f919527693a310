"""Refusals of the vendor and of the gateway: status, exception, words, and what they say about trying again."""

import itertools
import json
from typing import Any, NamedTuple

import anthropic
import openai
import pytest
from google.genai import errors

from tests.conformance.cells import AnthropicCell, Cell, OpenAICell, ResponsesCell
from tests.conformance.google_cell import GeminiCell
from tests.conformance.house import ACCOUNTS, House
from tests.conformance.matrix import CLIENTS
from tests.conformance.samples import user


class Expected(NamedTuple):
    """What the caller gets: the status, a piece of the message (one vendor's or another's), and the advice on retries."""

    status: int
    message: str | tuple[str, ...]
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
    "413": Expected(413, ("The request is too large.", "payload size exceeds the limit"), "false"),
    "422": Expected(422, "well-formed but makes no sense", "false"),
    "429": Expected(429, ("rate limit", "exceeded your current quota")),
    "429-retry-after": Expected(429, ("rate limit", "exceeded your current quota")),
    "500": Expected(500, "error", calls=2),
    "502": Expected(502, "Bad gateway.", calls=2),
    "503": Expected(503, ("unavailable", "overloaded")),
    "504": Expected(504, ("took too long", "deadline expired")),
    "529": Expected(529, "Overloaded"),
    "context-length": Expected(400, ("maximum", "exceeds the context window"), "false"),
    "content-policy": Expected(400, "polic", "false"),
}
"""The vendor's fault and what becomes of it; the accounts' own troubles are not the caller's."""


BUSY = frozenset({"429", "429-retry-after", "503", "529"})
"""Faults that are waited out for some seconds, three rounds at most."""


def status_for(cell: Cell, expected: Expected) -> int:
    """Return the status in the client's dialect: only Anthropic's has 529."""
    return 503 if expected.status == 529 and cell.name != "anthropic" else expected.status


def exception_for(cell: Cell, status: int) -> type[Exception]:
    """Return the class that the SDK raises for a status, by the SDK's own table."""
    if cell.name == "google":
        return errors.ServerError if status >= 500 else errors.ClientError
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
    sdk: Any = anthropic if cell.name == "anthropic" else openai
    server = sdk.InternalServerError if status >= 500 else sdk.APIStatusError
    return getattr(sdk, named.get(status, ""), server)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_vendor_s_refusal(cell: Cell, fault: str, stream: bool) -> None:
    expected = FAULTS[fault]
    status = status_for(cell, expected)
    with pytest.raises(exception_for(cell, status)) as caught:
        cell.ask(f"fault-{fault}", stream=stream)
    told = cell.told(caught.value)
    assert told.status == status
    words = expected.message if isinstance(expected.message, tuple) else (expected.message,)
    assert any(word.lower() in told.message.lower() for word in words)
    assert told.headers.get("x-should-retry") == expected.retry
    # The only target of a name that is busy for a moment is waited for, and told when it is free again.
    busy = fault in BUSY
    assert told.headers.get("retry-after", "0").isdigit()
    assert ("retry-after" in told.headers) or not busy
    request_id = told.headers["x-request-id"]
    assert request_id == told.headers["request-id"]
    assert getattr(caught.value, "request_id", request_id) == request_id
    calls = len(cell.up.calls)
    assert calls == expected.calls or (busy and 1 <= calls <= 3)
    receipt = cell.house.receipt(request_id)
    assert (receipt["outcome"], len(receipt["attempts"])) == ("error", calls)
    assert "key-of-the" not in str(told.body) + str(receipt)


TOLD_AS_IT_IS = [fault for fault, expected in FAULTS.items() if expected.status not in (502, 504)]
"""Not what is wrong with an account or with the vendor's machines: that is told in the gateway's words."""


@pytest.mark.parametrize("fault", TOLD_AS_IT_IS)
def test_the_vendor_s_own_words_stay_in_its_own_dialect(house: House, fault: str) -> None:
    """A refusal that is the caller's business reaches a client of the same dialect as the vendor wrote it."""
    for kind in (OpenAICell, ResponsesCell, AnthropicCell, GeminiCell):
        bodies: list[Any] = []
        for place in ("direct", kind.home):
            cell = kind(house, place)
            with pytest.raises(cell.failures) as caught:
                cell.ask(f"fault-{fault}", stream=False)
            body: Any = dict(cell.told(caught.value).body)
            body.pop("request_id", None)
            bodies.append(body)
        assert bodies[0] == bodies[1]


def test_chat_s_quota_is_the_account_s_trouble(house: House) -> None:
    """OpenAI tells an empty account by 429; trying again would never help."""
    for kind, place in itertools.product(CLIENTS.values(), ("chat", "responses")):
        cell = kind(house, place)
        with pytest.raises(cell.failures) as caught:
            cell.ask("fault-429-quota", stream=False)
        told = cell.told(caught.value)
        assert told.status == 502
        assert told.headers["x-should-retry"] == "false"


def test_codes_and_params_survive(house: House) -> None:
    house.refusals_meant = True
    with pytest.raises(openai.BadRequestError) as caught:
        OpenAICell(house, "chat").ask("fault-context-length", stream=True)
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "messages")
    cell = OpenAICell(house, "chat")
    with cell.client() as sdk, pytest.raises(openai.BadRequestError) as caught:
        sdk.chat.completions.create(model=cell.model(), messages=user("hi"), temperature=9)
    assert (caught.value.code, caught.value.param) == ("decimal_above_max_value", "temperature")


KINDS: dict[str, dict[str, tuple[str, ...]]] = {
    "openai": {"429": ("rate_limit", "tokens", "requests"), "503": ("server_error",), "400": ("invalid_request_error",)},
    "responses": {"429": ("rate_limit", "tokens", "requests"), "503": ("server_error",), "400": ("invalid_request_error",)},
    "anthropic": {"429": ("rate_limit_error",), "503": ("overloaded_error", "api_error"), "400": ("invalid_request_error",)},
    "google": {"429": ("RESOURCE_EXHAUSTED",), "503": ("UNAVAILABLE",), "400": ("INVALID_ARGUMENT",)},
}  # fmt: skip


@pytest.mark.parametrize("fault", ["429", "503", "400"])
def test_the_kind_of_an_error_is_the_client_dialect_s(cell: Cell, fault: str) -> None:
    """Each dialect has its own words for a rate limit and for an overload."""
    with pytest.raises(cell.failures) as caught:
        cell.ask(f"fault-{fault}", stream=False)
    body: Any = cell.told(caught.value).body
    match cell.name:
        case "openai" | "responses":
            assert set(body) >= {"message", "type", "param", "code"}
            kind = body["type"]
        case "anthropic":
            assert body["type"] == "error"
            assert body["request_id"]
            kind = body["error"]["type"]
        case _:
            assert body["error"]["code"] == int(fault)
            kind = body["error"]["status"]
    assert kind.startswith(KINDS[cell.name][fault]), body


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_one_failure_is_the_gateway_s_to_mend(cell: Cell, stream: bool) -> None:
    """The vendor stumbles once: the gateway asks again and the SDK, which does not retry here, sees nothing of it."""
    asked = cell.ask("fault-500-1-times", stream=stream)
    assert asked.text == "You said: one two three"
    assert [received.status for received in cell.up.calls] == [500, 200]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_sdk_s_own_retries_see_the_recovery(house: House, stream: bool) -> None:
    """The vendor wants two seconds, more than the gateway may wait here: the SDK waits as long as it is told.

    Google's SDK knows no `Retry-After`, so that the gateway's own waiting (`tests/faults`) is all it has.
    """
    for client in ("openai", "responses", "anthropic"):
        kind = CLIENTS[client]
        cell = kind(house, kind.home)
        asked = cell.ask("fault-429-1-times", stream=stream, max_retries=1)
        assert asked.text == "You said: one two three"
        assert [received.status for received in cell.up.calls] == [429, 200]
        house.begin()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_refused_key_is_not_tried_again(cell: Cell, stream: bool) -> None:
    """The account's key is wrong: SDKs are told not to hammer, and Google's, which is deaf to it, meets a pause."""
    with pytest.raises(cell.failures):
        cell.ask("fault-401", stream=stream, max_retries=2)
    assert len(cell.up.calls) == 1


# the gateway's own refusals

NONSENSE: dict[str, bytes] = {
    "no JSON": b"{",
    "no object": b"[]",
    "no model": b'{"messages":[{"role":"user","content":"hi"}],"input":"hi","max_tokens":5}',
    "an empty model": b'{"model":"","messages":[{"role":"user","content":"hi"}],"input":"hi","max_tokens":5}',
}


@pytest.mark.parametrize("case", NONSENSE)
def test_nonsense_is_refused_in_the_route_s_dialect(house: House, case: str) -> None:
    body = NONSENSE[case]
    for client, kind in CLIENTS.items():
        if client == "google" and case in ("no model", "an empty model"):
            continue  # its model stands in the address
        cell = kind(house, kind.home)
        status, text = house.gateway.call("POST", cell.path(cell.model()), body=body)
        value = json.loads(text)
        assert status == 400, text
        assert (value.get("type") == "error") is (client == "anthropic")
        told = value["error"]["status"] if client == "google" else value["error"]["type"]
        assert told in ("invalid_request_error", "INVALID_ARGUMENT")
    assert not any(vendor.requests for vendor in house.vendors.values())


BAD: dict[str, list[dict[str, Any]]] = {
    "openai": [{"messages": []}, {"messages": [{"role": "robot", "content": "hi"}]}, {"messages": None}],
    "responses": [{"input": [{"role": "robot", "content": "hi"}]}, {"input": 7}, {"input": None}],
    "anthropic": [{"messages": []}, {"messages": [{"role": "robot", "content": "hi"}]}, {"messages": None}],
    "google": [
        {"contents": []},
        {"contents": [{"role": "robot", "parts": [{"text": "hi"}]}]},
        {"contents": None},
    ],
}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_bad_messages_are_refused_across_dialects(house: House, number: int) -> None:
    """Where the request must be read to be translated, what is wrong with it is said before anything is sent."""
    for kind in CLIENTS.values():
        for place in ACCOUNTS:
            cell = kind(house, place)
            if not cell.translated:
                continue
            bad = BAD[kind.name][number]
            status, headers, text = cell.post(**bad)
            assert (status, headers["x-should-retry"]) == (400, "false"), text
            assert next(iter(bad)) in json.loads(text)["error"]["message"], text
            assert not cell.up.requests


def test_routes_that_do_not_exist(house: House) -> None:
    for path, dialect in (
        ("/v1/nowhere", "openai"),
        ("/v1/messages/nowhere", "anthropic"),
        ("/v1beta/nowhere", "google"),
        ("/v1/models/x:nowhere", "google"),
    ):
        status, text = house.gateway.call("POST", path, body=b"{}")
        assert status == 404
        value = json.loads(text)
        assert (value.get("type") == "error") is (dialect == "anthropic")
        assert (value["error"].get("status") == "NOT_FOUND") is (dialect == "google")
    assert house.gateway.get("/v1/chat/completions")[0] == 405


@pytest.mark.parametrize(
    "path",
    ["/v1/chat/completions/", "/v1/v1/chat/completions", "/chat/completions", "/v1//chat/completions"],
)
def test_pasted_base_urls(house: House, path: str) -> None:
    cell = OpenAICell(house, "chat")
    status, _, text = cell.call(path, {"model": cell.model(), "messages": user("hi")})
    assert (status, json.loads(text)["choices"][0]["message"]["content"]) == (200, "You said: hi")


def test_pasted_base_urls_of_anthropic_clients(house: House) -> None:
    for suffix in ("", "/v1"):
        cell = AnthropicCell(house, "claude")
        with cell.client(base_url=house.gateway.url + suffix) as sdk:
            made = sdk.messages.create(model=cell.model(), max_tokens=50, messages=user("hi"))
        assert isinstance(made, anthropic.types.Message)
