"""Recording: what is noted while an exchange runs, who is not recorded, and what it may not cost."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from flowrouter.gateway.recorded import RecordedExchange, recorded
from flowrouter.gateway.recording import HEADER, Room
from flowrouter.httpkit.keys import GatewayKey, KeyPolicy, mint
from flowrouter.settings.recording import Recording
from tests.playbooks.stage import SSE, House, Performance, Script, account, live

CHAT = account("chat", "openai_chat")
CLAUDE = account("claude", "anthropic")
SECOND = account("second", "openai_chat", priority=2)
ASK = b'{"model":"m","messages":[{"role":"user","content":"how are you?"}]}'
STREAM = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}'
ANSWER = (
    b'{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"fine"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}'
)
MESSAGE = (
    b'{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"fine"}],'
    b'"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":3}}'
)
BUSY = Script(status=503, steps=[b'{"error":{"message":"secret-of-chat is overloaded","type":"x"}}'])
ALL = Recording(mode="all")


def chunk(delta: str, finish: str = "null") -> bytes:
    return (
        '{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":'
        f'[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}'
    ).encode()


def event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


def told(
    body: bytes,
    scripts: Any,
    *,
    recording: Recording = ALL,
    accounts: Any = (CHAT,),
    headers: dict[str, str] | None = None,
    room: Room | None = None,
    full: bool = False,
    **options: Any,
) -> tuple[Performance, House]:
    async def story(house: House) -> tuple[Performance, House]:
        house.shelf.full = full
        if room is not None:
            house.pipeline._recorder._room = room
        return await house.ask("openai_chat", body, headers=headers), house

    return live(story, accounts=accounts, scripts=scripts, recording=recording, **options)


def only(house: House) -> RecordedExchange:
    (tape,) = house.shelf.tapes
    return recorded(tape)


def test_nothing_is_recorded_unless_it_is_switched_on() -> None:
    performance, house = told(ASK, [Script(steps=[ANSWER])], recording=Recording())
    assert performance.status == 200
    assert performance.exchange.tape is None
    assert house.shelf.tapes == []


def test_a_plain_exchange_is_kept_from_both_sides() -> None:
    performance, house = told(ASK, [Script(steps=[ANSWER])])
    kept = only(house)
    assert kept.request_id == performance.row.id
    assert kept.request.text == ASK.decode()
    assert kept.answer.text == ANSWER.decode() == performance.body.decode()
    assert kept.status == 200
    (attempt,) = kept.attempts
    assert attempt.request is None, "the very bytes of the client are not kept twice"
    assert attempt.reply.text == ANSWER.decode()
    assert (attempt.account, attempt.status, attempt.verdict) == ("chat", 200, "answered")


def test_a_translated_request_is_kept_as_it_was_sent() -> None:
    performance, house = told(ASK, [Script(steps=[MESSAGE])], accounts=(CLAUDE,))
    (attempt,) = only(house).attempts
    assert attempt.request is not None
    assert attempt.request.text == performance.requests[0].body.decode()
    assert attempt.reply.text == MESSAGE.decode()
    assert json.loads(only(house).answer.text or "")["choices"][0]["message"]["content"] == "fine"


def test_a_stream_is_kept_as_frames_with_their_times() -> None:
    pieces = [
        event(chunk('{"content":"Hel"}')),
        event(chunk('{"content":"lo"}')),
        event(chunk("{}", '"stop"')),
    ]
    cut = pieces[1][:20]
    steps = [pieces[0], 0.5, cut, 0.25, pieces[1][20:], 0.25, pieces[2] + event(b"[DONE]")]
    performance, house = told(STREAM, [Script(headers=SSE, steps=steps)])
    kept = only(house)
    frames = kept.attempts[0].reply.frames
    assert frames is not None
    assert [frame.at_ms for frame in frames] == [0, 750, 1000, 1000]
    assert "".join(frame.text for frame in frames) == (b"".join(pieces) + event(b"[DONE]")).decode()
    answered = kept.answer.frames
    assert answered is not None
    assert "".join(frame.text for frame in answered).encode() == performance.body
    assert answered[0].at_ms == 0
    assert answered[-1].at_ms == 1000


def test_every_attempt_is_kept_with_its_reply() -> None:
    _, house = told(ASK, {"chat": [BUSY], "second": [Script(steps=[ANSWER])]}, accounts=(CHAT, SECOND))
    first, second = only(house).attempts
    assert (first.status, second.status) == (503, 200)
    assert first.reply.text == '{"error":{"message":"*** is overloaded","type":"x"}}'


def test_errors_only_keeps_what_did_not_end_well() -> None:
    errors = Recording(mode="errors")
    _, good = told(ASK, [Script(steps=[ANSWER])], recording=errors)
    assert good.shelf.tapes == []
    assert good.room._taken == good.room._given == 0, "what was noted is let go"
    performance, bad = told(
        ASK, [Script(status=400, steps=[b'{"error":{"message":"no"}}'])], recording=errors
    )
    assert performance.status == 400
    assert only(bad).attempts[0].reply.text == '{"error":{"message":"no"}}'


@pytest.mark.parametrize(
    ("said", "kept"),
    [("off", 0), ("no", 0), ("0", 0), ("", 0), ("errors", 0), ("on", 1), ("True", 1)],
    ids=["off", "no", "zero", "empty", "unknown", "on", "true"],
)
def test_a_caller_may_ask_not_to_be_recorded(said: str, kept: int) -> None:
    _, house = told(ASK, [Script(steps=[ANSWER])], headers={HEADER: said})
    assert len(house.shelf.tapes) == kept


def test_a_caller_cannot_ask_to_be_recorded() -> None:
    _, house = told(ASK, [Script(steps=[ANSWER])], headers={HEADER: "on"}, recording=Recording())
    assert house.shelf.tapes == []


@pytest.mark.parametrize("mode", ["off", "keys", "errors", "all"])
@pytest.mark.parametrize("policy", [None, True, False], ids=["undecided", "yes", "no"])
def test_a_keys_policy_has_its_say(mode: Any, policy: bool | None) -> None:
    minted = mint()
    key = GatewayKey(
        id="k", owner_id="somebody", name="k", token_hash=minted.token_hash, shown=minted.shown, scopes=(),
        created_at_ms=0, policy=KeyPolicy(recording=policy),
    )  # fmt: skip
    _, house = told(
        ASK,
        [Script(status=400, steps=[b'{"error":{"message":"no"}}'])],
        recording=Recording(mode=mode),
        headers={"x-api-key": minted.token},
        keys=(key,),
    )
    expected = policy is not False and mode != "off" and (mode != "keys" or policy is True)
    assert len(house.shelf.tapes) == expected
    assert all(tape.owner_id == "somebody" for tape in house.shelf.tapes)


def test_strangers_are_not_recorded() -> None:
    minted = mint()
    key = GatewayKey(
        id="k", owner_id="somebody", name="k", token_hash=minted.token_hash, shown=minted.shown, scopes=(),
        created_at_ms=0,
    )  # fmt: skip
    performance, house = told(ASK, [], keys=(key,), headers={"x-api-key": "flr_" + "0" * 64})
    assert performance.status == 401
    assert house.shelf.tapes == []


def test_long_bodies_are_cut_and_say_so() -> None:
    long = ASK.replace(b"how are you?", b"a" * 5_000)
    _, house = told(long, [Script(steps=[ANSWER])], recording=Recording(mode="all", max_bytes=1_000))
    kept = only(house).request
    assert (kept.size, kept.kept, kept.cut) == (len(long), 1_000, True)
    assert kept.text == long[:1_000].decode()
    assert not only(house).answer.cut


def test_without_memory_recordings_are_dropped_and_requests_are_not() -> None:
    short = Room(1_000)
    short.take(800)
    performance, house = told(ASK, [Script(steps=[ANSWER])], room=short)
    assert performance.status == 200
    assert (house.shelf.tapes, house.shelf.missing) == ([], 1)
    room = Room(100)
    performance, house = told(ASK, [Script(steps=[ANSWER])], room=room)
    assert performance.body == ANSWER
    kept = only(house)
    assert (kept.request.cut, kept.answer.kept, kept.answer.cut) == (False, 0, True)


def test_a_shelf_that_takes_none_costs_nothing_but_the_recording() -> None:
    performance, house = told(ASK, [Script(steps=[ANSWER])], full=True)
    assert (performance.status, house.shelf.missing) == (200, 1)
    assert house.room._taken == house.room._given == 0


def test_no_credential_is_kept() -> None:
    body = ASK.replace(b"how are you?", b"my key is flr_0123456789abcdef, and secret-of-chat")
    headers = {
        "authorization": "Bearer canary-authorization-0123",
        "cookie": "a=canary-cookie-0123",
        "x-house-secret": "canary-header-0123",
        "user-agent": "sdk/1.0",
    }
    quoted = ANSWER.replace(b"fine", b"you sent canary-authorization-0123, I have secret-of-chat")
    _, house = told(body, [Script(steps=[quoted])], headers=headers)
    kept = only(house)
    text = json.dumps(msgspec.to_builtins(kept))
    for secret in ("canary-", "secret-of-chat", "flr_0123456789abcdef"):
        assert secret not in text
    assert kept.request_headers["user-agent"] == "sdk/1.0"
    assert kept.request_headers["x-house-secret"] == "***"
    assert kept.attempts[0].request_headers["authorization"] == "***"
