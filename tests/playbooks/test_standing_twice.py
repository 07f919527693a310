"""A member that stands twice: what rules have read of a body is what leaves, whichever one a provider takes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.settings.routing import Routing, Tiers
from flowrouter.storage import MemoryStateStore
from tests.playbooks.stage import Performance, Script, VirtualClock, account
from tests.playbooks.test_passthrough import ANSWER
from tests.playbooks.test_privacy import HOST, OWN, SECRET, ask, tagged
from tests.playbooks.test_stored_responses import answer, whole

TWICE: dict[str, tuple[Dialect, str]] = {
    "messages": ("openai_chat", '{"model":"team","messages":[{"role":"user","content":"%s"}], "messages":[{"role":"user","content":"%s"}]}'),
    "escaped": ("openai_chat", '{"model":"team","m\\u0065ssages":[{"role":"user","content":"%s"}],"messages":[{"role":"user","content":"%s"}]}'),
    "content": ("openai_chat", '{"model":"team","messages":[{"role":"user","content":"%s","content":"%s"}]}'),
    "part": ("openai_chat", '{"model":"team","messages":[{"role":"user","content":[{"type":"text","text":"%s","text":"%s"}]}]}'),
    "tool": ("openai_chat", '{"model":"team","messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":{"title":"%s","title":"%s"}}}]}'),
    "large": ("openai_chat", '{"model":"team","metadata":{"k":"' + "many words " * 30_000 + '"},"messages":[{"role":"user","content":"%s","content":"%s"}]}'),
    "system": ("anthropic", '{"model":"team","max_tokens":9,"system":"%s","messages":[],"system":"%s"}'),
    "input": ("openai_responses", '{"model":"team","input":"%s","input":[{"role":"user","content":"%s"}]}'),
    "parts": ("gemini", '{"contents":[{"parts":[{"text":"%s"}],"parts":[{"text":"%s"}]}]}'),
}  # fmt: skip


def first_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read an object as providers do that take the first of two members."""
    return dict(reversed(pairs))


@pytest.mark.parametrize("place", list(TWICE))
def test_a_member_that_stands_twice_carries_no_private_text_past_a_rule(place: str) -> None:
    dialect, body = TWICE[place]
    cloud = account("cloud", dialect, priority=1, models=("big",))
    home = tagged(account("home", dialect, priority=2, models=("small",)), "local")
    address = {"model": "team", "stream": False} if dialect == "gemini" else {}

    def asked(first: str, last: str) -> Performance:
        told = (body % (first, last)).encode()
        return ask(told, Script(steps=[b"{}"]), dialect=dialect, accounts=(cloud, home), address=address)

    assert set(asked("hello", SECRET).asked) == {"home"}
    harmless = asked(SECRET, "hello")
    sent = harmless.requests[0].body or b""
    assert harmless.asked[0] == "cloud"
    assert SECRET.encode() not in sent
    assert b"hello" in sent
    assert json.loads(sent, object_pairs_hook=first_members) == json.loads(sent)


def test_tiers_too_send_what_they_have_read() -> None:
    body = b'{"model":"big","messages":[{"role":"user","content":"first","content":"last"}]}'
    for enabled in (True, False):
        result = ask(body, routing=Routing(tiers=Tiers(enabled=enabled)))
        assert (b"first" in (result.requests[0].body or b"")) is not enabled


def test_what_cannot_be_written_anew_does_not_leave() -> None:
    """A skim passes over a number that no reader of ours takes."""
    body = b'{"x":1e999,"model":"team","messages":[{"role":"user","content":"%s","content":"hello"}]}'
    result = ask(body % SECRET.encode())
    assert (result.status, result.requests) == (400, [])
    assert msgspec.json.decode(result.body)["error"]["code"] == "invalid_json"


def test_a_body_without_a_doubt_keeps_its_bytes_under_a_rule() -> None:
    body = b'{ "model" : "big", "top_p": 0.50, "messages":[ {"role":"user","content":"caf\\u00e9 \\/"} ] }'
    assert ask(body).requests[0].body == body


def test_a_history_kept_before_there_was_a_rule_is_sent_as_it_is_read() -> None:
    state = MemoryStateStore(VirtualClock())
    first = f'{{"model":"m","input":[{{"role":"user","content":"{SECRET}","content":"hello"}}]}}'.encode()
    options: dict[str, Any] = {"accounts": (OWN, HOST), "state": state, "dialect": "openai_responses"}
    own = msgspec.structs.replace(OWN, priority=0)
    told = ask(
        first, {"own": Script(steps=[ANSWER])}, **{**options, "accounts": (own, HOST), "routing": Routing()}
    )
    assert told.asked == ["own"]
    previous = msgspec.json.decode(told.body)["id"]
    follow = msgspec.json.encode({"model": "m", "input": "and now?", "previous_response_id": previous})
    result = ask(follow, {"host": whole(answer())}, **options)
    assert result.asked == ["host"]
    assert SECRET.encode() not in (result.requests[0].body or b"")
