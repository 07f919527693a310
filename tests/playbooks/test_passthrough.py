"""The passthrough lane: bytes unchanged but for the owned fields, both commits, missing terminators."""

from __future__ import annotations

import msgspec
import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.config import Timeouts
from flowrouter.settings.routing import Routing
from tests.playbooks.stage import SSE, Script, account, play, reset

CHAT = account("chat", "openai_chat")
SECOND = account("second", "openai_chat", priority=2)
CLAUDE = account("claude", "anthropic")

ASK = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}], "zeta": {"unknown": [1, 2.50]}}'
ASK_STREAM = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}'
ASK_STREAM_USAGE = (
    b'{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true,'
    b'"stream_options":{"include_usage":true}}'
)
ANSWER = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m-2026","new_field":[1],'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}'
)


def chunk(delta: str, finish: str = "null", extra: str = "") -> bytes:
    return (
        f'data: {{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m",'
        f'"choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]{extra}}}\n\n'
    ).encode()


ROLE = chunk('{"role":"assistant","content":""}')
HEL = chunk('{"content":"Hel"}')
LO = chunk('{"content":"lo"}')
FINISH = chunk("{}", '"stop"')
USAGE = (
    b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],'
    b'"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}\n\n'
)
DONE = b"data: [DONE]\n\n"
WHOLE_STREAM = [ROLE, HEL, LO, FINISH, USAGE, DONE]


def test_whole_reply_keeps_every_byte() -> None:
    result = play("openai_chat", ASK, accounts=[CHAT], scripts=[Script(steps=[ANSWER])])
    assert result.status == 200
    assert result.body == ANSWER
    assert result.requests[0].body == ASK
    assert result.row.lane == "passthrough"
    assert (result.row.input_tokens, result.row.output_tokens) == (9, 3)
    assert result.row.outcome == "ok"


def test_alias_changes_the_model_and_nothing_else() -> None:
    listed = account("listed", "openai_chat", models=("real",))
    result = play(
        "openai_chat", ASK, accounts=[listed], scripts=[Script(steps=[ANSWER])], aliases={"m": "real"}
    )
    assert result.requests[0].body == ASK.replace(b'"m"', b'"real"')


def test_stream_asked_with_usage_is_byte_identical() -> None:
    result = play(
        "openai_chat", ASK_STREAM_USAGE, accounts=[CHAT], scripts=[Script(headers=SSE, steps=WHOLE_STREAM)]
    )
    assert result.body == b"".join(WHOLE_STREAM)
    assert result.requests[0].body == ASK_STREAM_USAGE


def test_usage_only_frame_is_withheld_from_a_client_that_did_not_ask() -> None:
    result = play(
        "openai_chat", ASK_STREAM, accounts=[CHAT], scripts=[Script(headers=SSE, steps=WHOLE_STREAM)]
    )
    assert result.body == b"".join([ROLE, HEL, LO, FINISH, DONE])
    assert (result.row.input_tokens, result.row.output_tokens) == (9, 3)
    sent = msgspec.json.decode(result.requests[0].body)
    assert sent["stream_options"] == {"include_usage": True}


def test_frames_cut_anywhere_leave_as_whole_frames() -> None:
    wire = b"".join(WHOLE_STREAM)
    pieces = [wire[i : i + 7] for i in range(0, len(wire), 7)]
    result = play(
        "openai_chat", ASK_STREAM_USAGE, accounts=[CHAT], scripts=[Script(headers=SSE, steps=pieces)]
    )
    assert result.body == wire


@pytest.mark.parametrize("at", range(3, 9))
@pytest.mark.parametrize("client", ["openai_chat", "anthropic"])
def test_frames_that_come_together_leave_as_those_that_come_alone(client: Dialect, at: int) -> None:
    """The end may be among them, and half a frame."""
    texts = [chunk(f'{{"content":"{word}"}}') for word in ("a", "b", "c", "d")]
    frames = [ROLE, HEL, LO, *texts, FINISH, USAGE, DONE]
    half = len(frames[at]) // 2
    together = [
        *frames[:3],
        b"".join(frames[3:at]) + frames[at][:half],
        frames[at][half:] + b"".join(frames[at + 1 :]),
    ]
    ask = ASK_STREAM_USAGE if client == "openai_chat" else ANTHROPIC_ASK
    alone, result = (
        play(client, ask, accounts=[CHAT], scripts=[Script(headers=SSE, steps=steps)])
        for steps in (frames, together)
    )
    assert result.body == alone.body
    assert result.row.output_tokens == alone.row.output_tokens == 3


def test_missing_done_is_supplied() -> None:
    result = play(
        "openai_chat",
        ASK_STREAM_USAGE,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[ROLE, HEL, LO, FINISH, USAGE])],
    )
    assert result.body == b"".join(WHOLE_STREAM)
    assert result.row.outcome == "ok"


def test_cut_stream_ends_with_an_error_and_no_terminator() -> None:
    result = play(
        "openai_chat", ASK_STREAM, accounts=[CHAT], scripts=[Script(headers=SSE, steps=[ROLE, HEL])]
    )
    assert result.body.startswith(ROLE + HEL)
    assert b"[DONE]" not in result.body
    assert b'"error"' in result.body.removeprefix(ROLE + HEL)
    assert result.row.outcome == "partial"


def test_reset_behind_content_is_told_in_band() -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT, SECOND],
        scripts=[Script(headers=SSE, steps=[ROLE, HEL, reset()])],
        routing=Routing(completion="error"),
    )
    assert b"[DONE]" not in result.body
    assert b'"error"' in result.body
    assert len(result.requests) == 1
    assert result.row.outcome == "partial"


def test_broken_frame_is_withheld_and_the_rest_goes_on() -> None:
    bad = b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"x"\n\n'
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[ROLE, HEL, bad, LO, FINISH, DONE])],
    )
    assert result.body == b"".join([ROLE, HEL, LO, FINISH, DONE])
    assert result.row.outcome == "ok"


def test_nothing_leaves_before_something_means_something() -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[ROLE, 5.0, HEL, 1.0, LO, FINISH, DONE])],
    )
    assert result.head_at == 5.0
    assert result.sent[0] == (5.0, ROLE + HEL)
    assert result.sent[1][0] == 6.0


def test_silent_start_gets_its_head_after_the_grace_and_heartbeats() -> None:
    quick = Timeouts(head_grace=45, heartbeat=15, first_event=300)
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[ROLE, 80.0, HEL, LO, FINISH, DONE])],
        timeouts=quick,
    )
    assert result.head_at == 45.0
    beats = [(at, piece) for at, piece in result.sent if piece.startswith(b":")]
    assert [at for at, _ in beats] == [45.0, 60.0, 75.0]
    assert result.body.endswith(DONE)
    assert result.row.outcome == "ok"


def test_error_behind_the_head_is_told_in_band_and_failover_stays_free() -> None:
    quick = Timeouts(head_grace=10, stall=20)
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT, SECOND],
        scripts=[
            Script(headers=SSE, steps=[ROLE, 60.0]),
            Script(headers=SSE, steps=[ROLE, HEL, LO, FINISH, DONE]),
        ],
        timeouts=quick,
    )
    assert result.head_at == 10.0
    assert result.body.endswith(b"".join([ROLE, HEL, LO, FINISH, DONE]))
    assert [attempt["verdict"] for attempt in result.receipt["attempts"]] == ["timeout", "answered"]


def test_all_targets_failing_behind_the_head_end_the_stream_with_an_error() -> None:
    quick = Timeouts(head_grace=10, stall=20)
    silent = Script(headers=SSE, steps=[ROLE, 60.0])
    result = play(
        "openai_chat", ASK_STREAM, accounts=[CHAT, SECOND], scripts=[silent, silent], timeouts=quick
    )
    assert result.status == 200
    assert b'"error"' in result.body
    assert b"[DONE]" not in result.body
    assert result.row.outcome == "error"


def test_stall_behind_content_ends_with_an_error() -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[ROLE, HEL, 500.0, LO])],
        timeouts=Timeouts(stall=30),
    )
    assert b'"error"' in result.body
    assert b"[DONE]" not in result.body
    assert result.sent[-1][0] == 30.0
    assert any(piece.startswith(b":") for _, piece in result.sent), "the client was kept alive meanwhile"


def test_each_piece_gives_a_stream_its_time_anew() -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[ROLE, HEL, 20.0, LO, 29.0, LO, 12.0, LO, 500.0, LO])],
        timeouts=Timeouts(stall=30),
        routing=Routing(completion="error"),
    )
    assert result.body.count(LO) == 3
    assert b"fell silent for 30 s" in result.body
    assert result.sent[-1][0] == 20.0 + 29.0 + 12.0 + 30.0
    assert result.tasks_left == 0


def test_client_that_goes_away_settles_what_was_used_and_closes_upstream() -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[ROLE, HEL, 50.0, LO, FINISH, DONE])],
        cancel_after=20.0,
    )
    assert result.row.outcome == "cancelled"
    assert result.replies[0].closed
    assert result.tasks_left == 0


ANTHROPIC_ASK = (
    b'{"model":"claude","max_tokens":10,"messages":[{"role":"user","content":"hi"}],"stream":true}'
)
ANTHROPIC_EVENTS = [
    (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",'
        b'"model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":1}}}\n\n'
    ),
    b'event: ping\ndata: {"type": "ping"}\n\n',
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}\n\n',
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
    (
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
        b'"usage":{"output_tokens":3}}\n\n'
    ),
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
]


def test_anthropic_stream_is_byte_identical() -> None:
    result = play(
        "anthropic", ANTHROPIC_ASK, accounts=[CLAUDE], scripts=[Script(headers=SSE, steps=ANTHROPIC_EVENTS)]
    )
    assert result.body == b"".join(ANTHROPIC_EVENTS)
    assert result.requests[0].body == ANTHROPIC_ASK
    assert (result.row.input_tokens, result.row.output_tokens) == (9, 3)


def test_anthropic_missing_stop_is_supplied() -> None:
    result = play(
        "anthropic",
        ANTHROPIC_ASK,
        accounts=[CLAUDE],
        scripts=[Script(headers=SSE, steps=ANTHROPIC_EVENTS[:-1])],
    )
    assert result.body.startswith(b"".join(ANTHROPIC_EVENTS[:-1]))
    assert result.body.count(b"event: message_stop") == 1
    assert result.body.count(b"event: message_delta") == 1


def test_anthropic_cut_inside_a_block_is_an_error() -> None:
    result = play(
        "anthropic",
        ANTHROPIC_ASK,
        accounts=[CLAUDE],
        scripts=[Script(headers=SSE, steps=ANTHROPIC_EVENTS[:4])],
    )
    assert b"event: error" in result.body
    assert b"message_stop" not in result.body


def test_the_callers_own_credentials_go_nowhere() -> None:
    result = play("openai_chat", ASK, accounts=[CHAT], scripts=[Script(steps=[ANSWER])])
    request = result.requests[0]
    assert "canary-of-the-caller" not in str(request.headers)
    assert request.header("authorization") == "Bearer secret-of-chat"
    assert (request.header("user-agent") or "").startswith("flow-router/")


def test_a_line_end_inside_a_frame_that_looks_like_the_one_before_ends_it() -> None:
    broken = [HEL.replace(b'"Hel"', b'\n"Hel"'), HEL.replace(b'"Hel"', b'"Hel"\n')]
    script = Script(headers=SSE, steps=[ROLE, HEL, LO, *broken, LO, FINISH, USAGE, DONE])
    result = play("openai_chat", ASK_STREAM_USAGE, accounts=[CHAT], scripts=[script])
    assert result.body == b"".join([ROLE, HEL, LO, LO, FINISH, USAGE, DONE])
    assert [loss.reason for loss in result.row.losses] == ["2 events of the provider could not be read"]
