"""What Claude Code relies on: asked as it asks, seen as its vendor and the other vendors see it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from flowrouter.errors import CallerError
from flowrouter.httpkit.auth import authenticate
from flowrouter.httpkit.keys import KeyRing
from tests.agents.recordings import recording
from tests.agents.sessions import MARK, REMINDER, ClaudeSession, blocks, dumps, events, scripted
from tests.agents.stand import CALLER_KEY, DIALECTS, MODELS, Stand, Told
from tests.upstreams import Answer

RECORDED = recording("claude_code")
FOREIGN = ("chat", "responses", "gemini")
ATTRIBUTION = "x-anthropic-billing-header:"
FINGERPRINTS = ("x-stainless", "claude-cli", "x-app", "x-claude-code", "dangerous-direct-browser")
BETAS = "anthropic-beta"


def asked(account: str, **members: Any) -> dict[str, Any]:
    """Return a recorded request to a model of that account."""
    session = ClaudeSession(RECORDED, model=f"{account}/{MODELS[account]}")
    return {**json.loads(session.body()), **members}


def ask(stand: Stand, account: str, headers: dict[str, str] | None = None, **members: Any) -> Told:
    body = dumps(asked(account, **members))
    return stand.ask(ClaudeSession.path, body, headers={**RECORDED.headers, **(headers or {})})


def seen_words(stand: Stand, account: str) -> str:
    return stand.seen(account).body.decode()


def test_its_vendor_gets_the_bytes_as_they_are(stand: Stand) -> None:
    body = ClaudeSession(RECORDED, model="claude-opus-5").body()
    assert stand.ask(ClaudeSession.path, body, headers=RECORDED.headers).status == 200
    # Every account takes every name; the first one lists it by itself.
    received = stand.seen("claude")
    assert received.body == body
    assert received.path == "/v1/messages"


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages?beta=true", "/messages?beta=true"])
def test_the_query_of_the_betas_hides_no_route(stand: Stand, path: str) -> None:
    body = asked("claude")
    assert stand.ask(path, body, headers=RECORDED.headers).status == 200
    assert stand.ask(path.replace("messages", "messages/count_tokens"), counted(body)).status == 200


def test_betas_reach_its_vendor_whole_and_no_other(stand: Stand) -> None:
    for account in DIALECTS:
        assert ask(stand, account).status == 200
        wanted = RECORDED.headers[BETAS] if account == "claude" else None
        assert stand.seen(account).header(BETAS) == wanted
        version = RECORDED.headers["anthropic-version"] if account == "claude" else None
        assert stand.seen(account).header("anthropic-version") == version


@pytest.mark.parametrize("account", DIALECTS)
def test_nobody_is_told_which_program_asks(stand: Stand, account: str) -> None:
    more = {"x-claude-code-agent-id": "agent-1", "x-claude-code-parent-agent-id": "agent-0"}
    assert ask(stand, account, more).status == 200
    for name, value in stand.seen(account).headers:
        assert not any(mark in f"{name}: {value}".lower() for mark in FINGERPRINTS), name


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
@pytest.mark.parametrize("account", DIALECTS)
def test_either_credential_is_taken_and_neither_sent_on(stand: Stand, account: str, header: str) -> None:
    credential = f"Bearer {CALLER_KEY}" if header == "authorization" else CALLER_KEY
    assert ask(stand, account, {"authorization": "", header: credential}).status == 200


def test_the_attribution_block_stays_first_and_whole(stand: Stand) -> None:
    assert ask(stand, "claude").status == 200
    first = stand.seen("claude").json["system"][0]
    assert first == RECORDED.body["system"][0]
    assert first["text"].startswith(ATTRIBUTION)


@pytest.mark.parametrize("account", FOREIGN)
def test_the_attribution_block_is_left_out_elsewhere_and_told(stand: Stand, account: str) -> None:
    told = ask(stand, account)
    assert told.status == 200
    assert ATTRIBUTION not in seen_words(stand, account)
    assert RECORDED.body["system"][1]["text"] in seen_words(stand, account)
    assert stand.lost(told)["system[0]"] == "dropped"


@pytest.mark.parametrize("account", FOREIGN)
def test_what_only_its_vendor_knows_is_left_out_and_told(stand: Stand, account: str) -> None:
    tools = [{**RECORDED.body["tools"][0], "defer_loading": True}, *RECORDED.body["tools"][1:]]
    told = ask(stand, account, tools=tools)
    assert told.status == 200
    sent = seen_words(stand, account)
    assert not any(name in sent for name in ("context_management", "cache_control", "defer_loading"))
    lost = stand.lost(told)
    assert lost["context_management"] == "dropped"
    assert any(path.startswith("tools") and path.endswith("defer_loading") for path in lost)
    assert any(path.startswith("system[") and path.endswith("cache_control") for path in lost)


def test_effort_means_the_same_everywhere(stand: Stand) -> None:
    ask(stand, "responses")
    assert stand.seen("responses").json["reasoning"]["effort"] == "high"
    ask(stand, "gemini")
    assert stand.seen("gemini").json["generationConfig"]["thinkingConfig"]["thinkingLevel"].lower() == "high"


def test_four_marks_of_the_cache_stay_four(stand: Stand) -> None:
    """The vendor takes four, and some agents send them all (Droid)."""
    body = asked("claude")
    body["tools"][-1] |= MARK
    assert stand.ask(ClaudeSession.path, body, headers=RECORDED.headers).status == 200
    assert stand.seen("claude").body.count(b'"cache_control"') == 4


@pytest.mark.parametrize("name", ["claude-sonnet-4-5", "claude-haiku-4-5"])
def test_no_mark_is_added_by_a_translation(stand: Stand, name: str) -> None:
    """Another client's request to the same vendor: three marks that Chat carried arrive as three."""
    marked = {"type": "text", "text": "Hi", **MARK}
    messages = [{"role": role, "content": [marked]} for role in ("system", "user", "assistant", "user")]
    messages[2]["content"] = "Yes."
    body = {"model": f"claude/{name}", "max_tokens": 100, "messages": messages}
    assert stand.ask("/v1/chat/completions", body).status == 200
    assert stand.seen("claude").body.count(b'"cache_control"') == 3


SPOKEN = {
    "chat": ("messages", "system"),
    "responses": ("input", "developer"),
    "claude": ("messages", "system"),
    "gemini": ("contents", "user"),
}


@pytest.mark.parametrize("account", DIALECTS)
def test_system_messages_among_the_others_stay_where_they_are(stand: Stand, account: str) -> None:
    reminder = REMINDER.format("here")
    messages = [
        *asked(account)["messages"],
        {"role": "assistant", "content": [{"type": "text", "text": "I am at work."}]},
        {"role": "user", "content": [{"type": "text", "text": "Go on."}]},
        {"role": "system", "content": reminder},
    ]
    assert ask(stand, account, messages=messages).status == 200
    place, role = SPOKEN[account]
    told = stand.seen(account).json[place]
    holding = [number for number, message in enumerate(told) if "(here)" in json.dumps(message)]
    assert holding == [len(told) - 1], "it was hoisted"
    assert told[-1]["role"] == role


@pytest.mark.parametrize("account", DIALECTS)
def test_threads_are_refused_so_that_the_sdk_sends_all(stand: Stand, account: str) -> None:
    created = ask(stand, account, thread={"type": "create"})
    assert created.status == 400
    assert created.json["error"]["details"]["error_code"] == "thread_unsupported_request"
    gone_on = ask(stand, account, thread={"type": "continue", "previous_message_id": "msg_1"})
    assert gone_on.status in (400, 404)
    assert gone_on.json["error"]["details"]["error_code"].startswith("thread_")
    assert not stand.vendors[account].calls


@pytest.mark.parametrize("account", DIALECTS)
def test_the_stream_is_one_its_vendor_could_have_sent(stand: Stand, account: str) -> None:
    stand.vendors[account].script([scripted(RECORDED.turns[1], 1)])
    told = ask(stand, account)
    kinds = [event["type"] for event in events(told.body)]
    assert kinds[0] == "message_start"
    assert kinds.count("message_start") == kinds.count("message_stop") == kinds.count("message_delta") == 1
    assert kinds[-1] == "message_stop"
    assert kinds.count("content_block_start") == kinds.count("content_block_stop")
    first, last = events(told.body)[0], events(told.body)[-2]
    assert first["message"]["id"].startswith("msg_")
    assert first["message"]["usage"]["input_tokens"] > 0
    assert last["delta"]["stop_reason"] == "tool_use"
    assert last["usage"]["output_tokens"] > 0
    calls = [block for block in blocks(told.body) if block["type"] == "tool_use"]
    assert [call["input"] for call in calls] == [call["arguments"] for call in RECORDED.turns[1].calls]
    assert len({call["id"] for call in calls}) == 2
    assert all(call["id"].replace("_", "").replace("-", "").isalnum() for call in calls)


def test_pings_of_its_vendor_reach_it(stand: Stand) -> None:
    told = ask(stand, "claude", model="claude/claude-opus-5+quirk-pings")
    assert [event["type"] for event in events(told.body)].count("ping") > 2


def counted(body: dict[str, Any]) -> dict[str, Any]:
    """Return what is sent to have `body` counted: the vendor takes no more than this."""
    names = ("model", "messages", "system", "tools", "thinking", "output_config")
    return {name: body[name] for name in names if name in body}


@pytest.mark.parametrize("account", DIALECTS)
def test_tokens_are_counted(stand: Stand, account: str) -> None:
    told = stand.ask("/v1/messages/count_tokens?beta=true", counted(asked(account)), headers=RECORDED.headers)
    assert told.status == 200
    assert told.json["input_tokens"] > 500
    by = told.headers["x-flowrouter-counted-by"]
    assert by == (account if account in ("claude", "gemini") else "estimate")


def test_what_cannot_be_counted_is_refused_in_its_own_words(stand: Stand) -> None:
    for body in ({"model": "claude/claude-opus-5"}, {"messages": []}):
        told = stand.ask("/v1/messages/count_tokens?beta=true", body, headers=RECORDED.headers)
        assert told.status == 400
        assert told.json["type"] == "error"
        assert told.json["error"]["type"] == "invalid_request_error"


DISCOVERY = {"anthropic-version": "2023-06-01", "user-agent": "claude-code/2.1.197"}


def test_its_menu_offers_every_model_under_a_name_it_shows(stand: Stand) -> None:
    told = stand.get("/v1/models?limit=1000", DISCOVERY)
    assert told.status == 200
    names = [model["id"] for model in told.json["data"]]
    assert all(name.startswith(("claude", "anthropic")) for name in names)
    assert {"claude-opus-5", "claude-code/gpt-5.2", "claude-code/gemini-3.5-flash"} <= set(names)
    assert "claude-code/other-name" in names, "an alias"
    assert all(model["display_name"] for model in told.json["data"])
    assert names == sorted(names)
    assert (told.json["has_more"], told.json["first_id"], told.json["last_id"]) == (
        False,
        names[0],
        names[-1],
    )


@pytest.mark.parametrize(
    ("name", "account"),
    [("gpt-5.2", "responses"), ("gemini-3.5-flash", "gemini"), ("other-name", "gemini")],
    ids=["listed", "listed-elsewhere", "alias"],
)
def test_a_name_of_its_menu_can_be_asked_for(stand: Stand, name: str, account: str) -> None:
    assert ask(stand, account, model=f"claude-code/{name}").status == 200
    assert stand.get(f"/v1/models/claude-code/{name}", DISCOVERY).status == 200


def test_others_that_speak_its_dialect_get_the_plain_names(stand: Stand) -> None:
    told = stand.get(
        "/v1/models?limit=1000", {"anthropic-version": "2023-06-01", "user-agent": "Anthropic/Python"}
    )
    names = [model["id"] for model in told.json["data"]]
    assert "gpt-5.2" in names
    assert not any(name.startswith("claude-code/") for name in names)


def test_the_probe_before_its_first_call_does_no_harm(stand: Stand) -> None:
    assert stand.ask("/", method="HEAD").status < 500


def test_a_session_is_found_by_its_id(stand: Stand) -> None:
    session = "0b0e1c2d-0000-4000-8000-00000000aaaa"
    for account in DIALECTS:
        assert ask(stand, account, {"x-claude-code-session-id": session}).status == 200
    rows = stand.rows(f"session={session}", len(DIALECTS))
    assert [row["session_id"] for row in rows] == [session] * len(DIALECTS)


@pytest.mark.parametrize("account", DIALECTS)
def test_a_cut_stream_ends_in_an_error_and_can_be_asked_again(stand: Stand, account: str) -> None:
    other = f"{account}/{MODELS[account]}+lenient"
    stand.vendors[account].script(["fault-cut", scripted(RECORDED.turns[0], 1)])
    cut = ask(stand, account, model=other)
    kinds = [event["type"] for event in events(cut.body)]
    assert kinds[-1] == "error"
    assert "message_stop" not in kinds
    again = ask(stand, account, model=other)
    assert events(again.body)[-1]["type"] == "message_stop"
    assert stand.vendors[account].calls[0].body == stand.vendors[account].calls[-1].body


@pytest.mark.parametrize("account", DIALECTS)
def test_an_overloaded_vendor_is_told_as_such(stand: Stand, account: str) -> None:
    stand.vendors[account].always("fault-429-retry-after")
    told = ask(stand, account, model=f"{account}/{MODELS[account]}+unchecked")
    assert told.status == 429
    assert told.json["type"] == "error"
    assert told.json["error"]["type"] == "rate_limit_error"
    assert int(told.headers["retry-after"]) > 0


@pytest.mark.parametrize("account", DIALECTS)
def test_every_model_has_a_messages_endpoint(stand: Stand, account: str) -> None:
    """Whole, not streamed, and without anything but what must be there."""
    stand.vendors[account].script([Answer(text="Hello.")])
    body = {"model": f"{account}/{MODELS[account]}", "max_tokens": 50}
    told = stand.ask("/v1/messages", {**body, "messages": [{"role": "user", "content": "Hi"}]})
    assert told.status == 200
    assert (told.json["type"], told.json["role"]) == ("message", "assistant")
    assert told.json["content"][-1]["text"] == "Hello."
    assert told.json["stop_reason"] == "end_turn"


def test_ids_of_sessions_and_agents_give_no_rights() -> None:
    ids = {
        "x-claude-code-session-id": "s",
        "x-claude-code-agent-id": "a",
        "x-claude-code-parent-agent-id": "p",
    }
    with pytest.raises(CallerError) as refused:
        authenticate(ids, KeyRing(()), now_ms=0, protected=True)
    assert refused.value.status == 401


def test_nothing_recorded_was_changed() -> None:
    """The fixtures are shared: a test that edits one would change the next."""
    before = copy.deepcopy(RECORDED.body)
    ClaudeSession(RECORDED, model="m").body()
    assert RECORDED.body == before
