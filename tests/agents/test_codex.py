"""What Codex relies on: asked as it asks, seen as its vendor and the other vendors see it."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from tests.agents.recordings import Recording, recording
from tests.agents.sessions import CodexSession, dumps, events, scripted
from tests.agents.stand import DIALECTS, MODELS, Stand, Told
from tests.upstreams import Answer, Call, Received, Thought

RECORDED = recording("codex")
NAMESPACES = recording("codex_namespaces")
IN_ITEMS = recording("codex_tools_in_items")
FOREIGN = ("chat", "claude", "gemini")
FINGERPRINTS = ("codex", "originator", "session-id", "thread-id", "installation")
PATCH = '*** Begin Patch\n*** Update File: notes.txt\n@@\n-\u201calpha\u201d\n+"gamma"\\n\n*** End Patch\n'


def asked(account: str, recorded: Recording = RECORDED, **members: Any) -> dict[str, Any]:
    """Return a recorded request to a model of that account."""
    session = CodexSession(recorded, model=f"{account}/{MODELS[account]}")
    return {**json.loads(session.body()), **members}


def ask(stand: Stand, account: str, recorded: Recording = RECORDED, **members: Any) -> Told:
    body = dumps(asked(account, recorded, **members))
    return stand.ask(CodexSession.path, body, headers=recorded.headers)


def items(told: Told) -> list[dict[str, Any]]:
    """Return the finished items of a streamed answer."""
    assert told.status == 200, told.body
    return [event["item"] for event in events(told.body) if event["type"] == "response.output_item.done"]


def offered(received: Received) -> dict[str, dict[str, Any]]:
    """Return the functions and custom tools a vendor was offered, by name."""
    tools: list[dict[str, Any]] = []
    for tool in received.json["tools"]:
        tools += tool.get("functionDeclarations", [tool.get("function", tool)])
    return {tool["name"]: tool for tool in tools if "name" in tool}


def called(received: Received) -> list[tuple[str, Any]]:
    """Return the calls in a conversation that a vendor was sent, names and arguments."""
    body = received.json
    found: list[tuple[str, Any]] = []
    for message in body.get("messages", body.get("contents", ())):
        functions = [call["function"] for call in message.get("tool_calls", ())]
        found += [(call["name"], json.loads(call["arguments"])) for call in functions]
        content = message.get("content", message.get("parts"))
        for part in content if isinstance(content, list) else ():
            if part.get("type") == "tool_use":
                found.append((part["name"], part["input"]))
            if "functionCall" in part:
                found.append((part["functionCall"]["name"], part["functionCall"]["args"]))
    return found


def replayed(account: str, told: Told, *outputs: str, recorded: Recording = RECORDED) -> list[dict[str, Any]]:
    """Return the conversation with an answer and its calls' outputs, as Codex writes them."""
    conversation = list(asked(account, recorded)["input"])
    calls = []
    for item in items(told):
        if item["type"] == "reasoning":
            item = {key: item.get(key) for key in ("type", "id", "summary", "content", "encrypted_content")}
        conversation.append(item)
        calls += [item] if "call_id" in item else []
    for call, output in zip(calls, outputs, strict=True):
        kind = f"{call['type']}_output"
        conversation.append(
            {"type": kind, "id": f"o_{call['id']}", "call_id": call["call_id"], "output": output}
        )
    return conversation


def test_its_vendor_gets_the_bytes_as_they_are(stand: Stand) -> None:
    body = CodexSession(RECORDED, model="gpt-5.2").body()
    assert stand.ask(CodexSession.path, body, headers=RECORDED.headers).status == 200
    assert stand.seen("responses").body == body


@pytest.mark.parametrize("account", DIALECTS)
def test_nobody_is_told_which_program_asks(stand: Stand, account: str) -> None:
    assert ask(stand, account).status == 200
    for name, value in stand.seen(account).headers:
        assert not any(mark in f"{name}: {value}".lower() for mark in FINGERPRINTS), name


@pytest.mark.parametrize("account", DIALECTS)
def test_the_events_are_its_vendors(stand: Stand, account: str) -> None:
    stand.vendors[account].script([scripted(RECORDED.turns[0], 1)])
    told = ask(stand, account)
    found = events(told.body)
    kinds = [event["type"] for event in found]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    whole = found[-1]["response"]
    assert whole["status"] == "completed"
    assert whole["usage"]["total_tokens"] > 0
    assert [item["type"] for item in whole["output"]] == [item["type"] for item in items(told)]
    prefixes = {"reasoning": "rs_", "message": "msg_", "function_call": "fc_", "custom_tool_call": "ctc_"}
    assert all(item["id"].startswith(prefixes[item["type"]]) for item in items(told))
    call = items(told)[-1]
    assert (call["name"], json.loads(call["arguments"])) == ("exec_command", {"cmd": "cat notes.txt"})
    assert 0 < len(call["call_id"]) <= 64


@pytest.mark.parametrize("account", FOREIGN)
def test_developer_messages_are_the_systems(stand: Stand, account: str) -> None:
    assert ask(stand, account).status == 200
    told = stand.seen(account).json
    first, second = (message["content"] for message in RECORDED.opening[:2])
    texts = [part["text"] for part in (*first, *second)]
    match account:
        case "chat":
            heads = [message for message in told["messages"] if message["role"] in ("system", "developer")]
            assert len(heads) == 2
            assert told["messages"][:2] == heads
            held = json.dumps(heads, ensure_ascii=False)
        case "claude":
            held = json.dumps(told["system"], ensure_ascii=False)
        case _:
            held = json.dumps(told["systemInstruction"], ensure_ascii=False)
    assert all(json.dumps(text, ensure_ascii=False)[1:-1] in held for text in texts)


@pytest.mark.parametrize("account", FOREIGN)
def test_what_only_its_vendor_knows_is_left_out_and_told(stand: Stand, account: str) -> None:
    told = ask(stand, account)
    assert told.status == 200
    assert "x-codex" not in stand.seen(account).body.decode()
    lost = stand.lost(told)
    assert lost["client_metadata"] == "dropped"
    assert [path for path in lost if path.startswith("tools[")], "hosted tools"
    if account == "chat":
        assert stand.seen(account).json["prompt_cache_key"] == RECORDED.body["prompt_cache_key"]
    else:
        assert lost["prompt_cache_key"] == "dropped"


@pytest.mark.parametrize("account", FOREIGN)
def test_a_patch_goes_out_as_a_function_and_comes_back_as_free_text(stand: Stand, account: str) -> None:
    call = Call(name="apply_patch", arguments=json.dumps({"input": PATCH}))
    stand.vendors[account].script([Answer(calls=(call,))])
    told = ask(stand, account)
    tool = offered(stand.seen(account))["apply_patch"]
    assert "*** Begin Patch" in json.dumps(tool), "the grammar has to be told in words"
    assert stand.lost(told)["tools[3]"] == "emulated"
    back = items(told)[-1]
    assert (back["type"], back["name"], back["input"]) == ("custom_tool_call", "apply_patch", PATCH)
    deltas = [
        event for event in events(told.body) if event["type"] == "response.custom_tool_call_input.delta"
    ]
    assert "".join(event["delta"] for event in deltas) == PATCH
    again = ask(stand, account, input=replayed(account, told, "Success."))
    assert again.status == 200
    assert called(stand.seen(account)) == [("apply_patch", {"input": PATCH})]
    assert "Success." in stand.seen(account).body.decode()


@pytest.mark.parametrize("account", FOREIGN)
def test_tools_of_a_namespace_have_one_name_abroad_and_two_at_home(stand: Stand, account: str) -> None:
    call = Call(name="multi_agent_v1__wait_agent", arguments='{"targets":["a"]}')
    stand.vendors[account].script([Answer(calls=(call,))])
    told = ask(stand, account, NAMESPACES)
    (space,) = [tool for tool in NAMESPACES.body["tools"] if tool["type"] == "namespace"]
    names = {f"{space['name']}__{tool['name']}" for tool in space["tools"]}
    assert names <= offered(stand.seen(account)).keys()
    back = items(told)[-1]
    assert (back["namespace"], back["name"]) == ("multi_agent_v1", "wait_agent")
    again = ask(stand, account, NAMESPACES, input=replayed(account, told, "done", recorded=NAMESPACES))
    assert again.status == 200
    assert called(stand.seen(account)) == [("multi_agent_v1__wait_agent", {"targets": ["a"]})]


@pytest.mark.parametrize("account", FOREIGN)
def test_tools_told_in_the_conversation_are_offered(stand: Stand, account: str) -> None:
    """The newest models of its own list get all their tools so, in an item at the head of `input`."""
    assert "tools" not in IN_ITEMS.body
    free = Call(name="functions__exec", arguments='{"input":"text(1)"}')
    slept = Call(name="clock__sleep", arguments='{"duration_ms":1}')
    stand.vendors[account].script([Answer(calls=(free, slept))])
    told = ask(stand, account, IN_ITEMS)
    assert {"functions__exec", "functions__wait", "clock__sleep"} <= offered(stand.seen(account)).keys()
    first, second = (item for item in items(told) if "call_id" in item)
    assert (first["type"], first["namespace"], first["name"], first["input"]) == (
        "custom_tool_call", "functions", "exec", "text(1)",
    )  # fmt: skip
    assert (second["type"], second["namespace"], second["name"]) == ("function_call", "clock", "sleep")
    lost = stand.lost(told)
    assert lost["input[0]"] == "emulated"
    assert lost["input[0].tools[0].tools[0]"] == "emulated"
    again = ask(stand, account, IN_ITEMS, input=replayed(account, told, "1", "slept", recorded=IN_ITEMS))
    assert again.status == 200
    free_again, slept_again = called(stand.seen(account))
    assert free_again == ("functions__exec", {"input": "text(1)"})
    assert slept_again == ("clock__sleep", {"duration_ms": 1})


@pytest.mark.parametrize("account", ["claude", "gemini"])
def test_foreign_reasoning_travels_sealed_and_comes_home(stand: Stand, account: str) -> None:
    thought = Thought(text="It is in the notes.")
    stand.vendors[account].script([Answer(thoughts=(thought,), calls=(Call(name="get_goal"),))])
    told = ask(stand, account)
    sealed = next(item for item in items(told) if item["type"] == "reasoning")
    assert sealed["encrypted_content"].startswith("flr1.")
    again = ask(stand, account, input=replayed(account, told, "none"))
    assert again.status == 200
    assert '"signature":"' in (sent := stand.seen(account).body.decode()) or '"thoughtSignature":"' in sent
    stand.vendors[account].assert_all_valid()
    # At another vendor it is worth nothing, and does no harm.
    for other in DIALECTS:
        assert ask(stand, other, input=replayed(account, told, "none")).status == 200


def test_its_vendors_reasoning_comes_home_untouched(stand: Stand) -> None:
    stand.vendors["responses"].script([scripted(RECORDED.turns[0], 1)])
    told = ask(stand, "responses")
    state = next(item for item in items(told) if item["type"] == "reasoning")["encrypted_content"]
    again = ask(stand, "responses", input=replayed("responses", told, "alpha"))
    assert again.status == 200
    assert json.dumps(state) in stand.seen("responses").body.decode()


@pytest.mark.parametrize("account", DIALECTS)
def test_a_cut_stream_ends_in_a_failure_and_can_be_asked_again(stand: Stand, account: str) -> None:
    other = f"{account}/{MODELS[account]}+lenient"
    stand.vendors[account].script(["fault-cut", scripted(RECORDED.turns[0], 1)])
    cut = events(ask(stand, account, model=other).body)
    assert cut[-1]["type"] == "response.failed"
    assert cut[-1]["response"]["error"]["message"]
    assert "response.completed" not in [event["type"] for event in cut]
    again = events(ask(stand, account, model=other).body)
    assert again[-1]["type"] == "response.completed"


@pytest.mark.parametrize("account", DIALECTS)
def test_a_rate_limit_is_told_with_its_wait(stand: Stand, account: str) -> None:
    stand.vendors[account].always("fault-429-retry-after")
    told = ask(stand, account, model=f"{account}/{MODELS[account]}+unchecked")
    assert told.status == 429
    assert int(told.headers["retry-after"]) > 0
    assert told.json["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/v1/v1/responses"])
def test_a_web_socket_is_refused_at_once(stand: Stand, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", stand.gateway.port, timeout=10)
    connection.request(
        "GET",
        path,
        headers={
            "connection": "Upgrade",
            "upgrade": "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
            "openai-beta": "responses_websockets=2026-02-06",
        },
    )
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    assert answer.status == 426
    assert answer.getheader("upgrade") is not None
    assert body["error"]["code"] == "websocket_not_supported"


def test_its_menu_has_the_shape_it_reads(stand: Stand) -> None:
    told = stand.get("/v1/models?client_version=0.169.0", RECORDED.headers)
    assert told.status == 200
    assert told.headers["etag"]
    rows = {row["slug"]: row for row in told.json["models"]}
    assert set(MODELS.values()) <= rows.keys()
    needed = ("display_name", "visibility", "base_instructions", "supported_reasoning_levels", "shell_type")
    assert all(name in row for row in rows.values() for name in needed)
    assert "data" in stand.get("/v1/models").json, "all others get the plain list"


@pytest.mark.parametrize("account", DIALECTS)
def test_a_conversation_is_compacted_and_goes_on(stand: Stand, account: str) -> None:
    if account != "responses":
        stand.vendors[account].script([Answer(text="They read notes.txt; alpha is to become gamma.")])
    said = RECORDED.opening[2:]
    (thanks,) = json.loads(RECORDED.turns[-1].reply)
    compacted = stand.ask(
        "/v1/responses/compact",
        {"model": f"{account}/{MODELS[account]}", "input": said, "instructions": "Be brief."},
        headers=RECORDED.headers,
    )
    assert compacted.status == 200, compacted.body
    output = compacted.json["output"]
    (item,) = [item for item in output if item["type"] == "compaction"]
    assert item["encrypted_content"].startswith("flr1.") == (account != "responses")
    again = ask(stand, account, input=[*output, thanks])
    assert again.status == 200
    if account != "responses":
        assert "alpha is to become gamma" in stand.seen(account).body.decode()


@pytest.mark.parametrize("account", DIALECTS)
def test_its_own_way_to_compact_is_a_plain_question(stand: Stand, account: str) -> None:
    """At a provider that is not its vendor it asks for a summary without tools and goes on from that."""
    body = {name: value for name, value in asked(account).items() if name not in ("tools", "tool_choice")}
    body["input"] = [*body["input"], {"type": "message", "role": "user", "content": [
        {"type": "input_text", "text": "Summarise what was done so far."}]}]  # fmt: skip
    assert stand.ask(CodexSession.path, body, headers=RECORDED.headers).status == 200


def test_a_session_is_found_by_its_id(stand: Stand) -> None:
    session = "01a200e0-0000-7000-8000-00000000bbbb"
    for account in DIALECTS:
        body = dumps(asked(account))
        headers = {**RECORDED.headers, "session-id": session, "thread-id": session}
        assert stand.ask(CodexSession.path, body, headers=headers).status == 200
    rows = stand.rows(f"session={session}", len(DIALECTS))
    assert [row["session_id"] for row in rows] == [session] * len(DIALECTS)


def test_background_work_is_refused_by_name(stand: Stand) -> None:
    told = ask(stand, "responses", background=True)
    assert told.status == 400
    assert told.json["error"]["param"] == "background"


@pytest.mark.parametrize("account", FOREIGN)
def test_history_that_nobody_holds_is_never_left_out(stand: Stand, account: str) -> None:
    told = ask(stand, account, previous_response_id="resp_of_somebody_else")
    assert told.status == 404
    assert told.json["error"]["code"] == "previous_response_not_found"
    assert not stand.vendors[account].calls
