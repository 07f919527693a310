"""A field that a provider refuses: one more try without it, remembered, told in the receipt."""

from __future__ import annotations

import msgspec

from flowrouter.storage import MemoryStateStore
from tests.playbooks.stage import JSON, SSE, House, Performance, Script, VirtualClock, live, play
from tests.playbooks.test_passthrough import ANSWER, CHAT, CLAUDE, SECOND, WHOLE_STREAM
from tests.playbooks.test_translate import CLAUDE_ANSWER

ASK = (
    b'{"model":"m","temperature":0.2,"top_p":0.5,"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
)


def refusal(field: str, code: str = "unsupported_parameter") -> Script:
    said = {
        "error": {
            "message": f"Unsupported parameter: '{field}'",
            "type": "invalid_request_error",
            "param": field,
            "code": code,
        }
    }
    return Script(status=400, headers=dict(JSON), steps=[msgspec.json.encode(said)])


def test_the_request_goes_once_more_without_the_field() -> None:
    state = MemoryStateStore(VirtualClock())
    result = play(
        "openai_chat",
        ASK,
        accounts=[CHAT],
        scripts=[refusal("temperature"), Script(steps=[ANSWER])],
        state=state,
    )
    assert result.body == ANSWER
    assert "temperature" in msgspec.json.decode(result.requests[0].body)
    assert msgspec.json.decode(result.requests[1].body) == {
        "model": "m", "top_p": 0.5, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}],
    }  # fmt: skip
    assert [(loss["path"], loss["kind"]) for loss in result.receipt["request_losses"]] == [
        ("temperature", "dropped")
    ]
    assert [attempt["verdict"] for attempt in result.receipt["attempts"]] == ["field_refused", "answered"]
    assert result.headers["x-flowrouter-losses"] == "temperature"


def test_the_next_request_knows() -> None:
    async def story(house: House) -> Performance:
        await house.ask("openai_chat", ASK)
        return await house.ask("openai_chat", ASK)

    good = Script(steps=[ANSWER])
    again = live(story, accounts=[CHAT], scripts=[refusal("top_p"), good, good])
    assert "top_p" not in msgspec.json.decode(again.requests[0].body)
    assert again.receipt["request_losses"][0]["path"] == "top_p"


def test_a_cap_is_sent_under_the_name_the_host_knows() -> None:
    result = play(
        "openai_chat", ASK, accounts=[CHAT], scripts=[refusal("max_tokens"), Script(steps=[ANSWER])]
    )
    sent = msgspec.json.decode(result.requests[1].body)
    assert sent["max_completion_tokens"] == 9
    assert "max_tokens" not in sent
    assert result.receipt["request_losses"][0]["kind"] == "changed"


def test_a_translated_request_learns_too_and_names_the_clients_field() -> None:
    ask = b'{"model":"m","max_completion_tokens":9,"user":"u","messages":[{"role":"user","content":"hi"}]}'
    said = {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "metadata: Extra inputs are not permitted"},
    }
    scripts = [
        Script(status=400, headers=dict(JSON), steps=[msgspec.json.encode(said)]),
        Script(steps=[CLAUDE_ANSWER]),
    ]
    result = play("openai_chat", ask, accounts=[CLAUDE], scripts=scripts)
    assert result.status == 200
    assert "metadata" in msgspec.json.decode(result.requests[0].body)
    assert "metadata" not in msgspec.json.decode(result.requests[1].body)


def test_a_host_that_refuses_everything_is_not_asked_for_ever() -> None:
    scripts = [
        refusal("temperature"),
        refusal("top_p"),
        refusal("max_tokens"),
        refusal("max_completion_tokens"),
    ]
    result = play("openai_chat", ASK, accounts=[CHAT], scripts=scripts)
    assert result.status == 400
    assert len(result.requests) == 4


def test_a_value_out_of_range_goes_back_to_the_caller() -> None:
    said = {
        "error": {
            "message": "'temperature' must be between 0 and 2",
            "type": "invalid_request_error",
            "param": "temperature",
            "code": "invalid_value",
        }
    }
    scripts = [Script(status=400, headers=dict(JSON), steps=[msgspec.json.encode(said)])]
    result = play("openai_chat", ASK, accounts=[CHAT], scripts=scripts)
    assert result.status == 400
    assert msgspec.json.decode(result.body) == said


def test_a_second_try_has_the_time_that_is_left() -> None:
    """The seconds to the first word are a target's own, however often it is asked."""
    slow = msgspec.structs.replace(refusal("temperature"), before=8.0)
    late = Script(headers=SSE, before=8.0, steps=WHOLE_STREAM)
    result = play(
        "openai_chat",
        ASK.replace(b'"max_tokens"', b'"stream":true,"max_tokens"'),
        accounts=[CHAT, SECOND],
        scripts={"chat": [slow, late], "second": Script(headers=SSE, steps=WHOLE_STREAM)},
    )
    assert [(attempt.account_id, attempt.outcome) for attempt in result.row.attempts] == [
        ("chat", "field_refused"),
        ("chat", "timeout"),
        ("second", "answered"),
    ]
    assert result.row.ttft_ms is not None
    assert result.row.ttft_ms < 12_500


def test_a_second_try_stays_within_the_clients_time() -> None:
    slow = msgspec.structs.replace(refusal("temperature"), before=8.0)
    late = Script(before=8.0, steps=[ANSWER])
    result = play(
        "openai_chat",
        ASK,
        accounts=[CHAT],
        scripts=[slow, late],
        address={"headers": {"x-flowrouter-timeout": "10"}},
    )
    assert (result.status, result.head_at) == (504, 10.0)
