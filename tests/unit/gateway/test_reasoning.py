"""Reasoning state under seal: it comes back to its own vendor, and is a miss for everybody else."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.accounts.vault import Vault
from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import fold, replay
from flowrouter.canonical.grammar import Grammar
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Opaque, Part, Provenance, Reasoning, Text, ToolCall
from flowrouter.canonical.request import Request
from flowrouter.canonical.response import Choice, Response
from flowrouter.gateway.envelopes import PREFIX, holds_envelopes
from flowrouter.gateway.reasoning import ReasoningState, concerned
from flowrouter.httpkit.caller import Caller
from flowrouter.routing import Target

STATE = ReasoningState(Vault(b"k" * 32))
ME = Caller(owner_id="me")
TARGET = Target(account_id="acc", account="work", preset="anthropic", model="claude-x", dialect="anthropic")


def reply(*parts: Part, target: Target = TARGET, caller: Caller = ME) -> tuple[Part, ...]:
    """Return what a client gets of a reply with `parts`."""
    response = Response(origin="anthropic", id="1", model="m", choices=(Choice(parts=parts, finish="stop"),))
    edit, grammar = STATE.sealer(target, caller), Grammar()
    out = [grammar.check(new) for event in replay(response) for new in edit(event)]
    grammar.end()
    return fold(out).choices[0].parts


@pytest.mark.parametrize("marks", [False, True], ids=["plain", "marks"])
@pytest.mark.parametrize(
    "part",
    [
        Text(text="words"),
        ToolCall(id="c", name="f", arguments="{}"),
        Reasoning(text="because", signature="sig=="),
        Reasoning(redacted="state"),
        Opaque(payload={"type": "odd"}, origin="anthropic"),
    ],
    ids=["text", "call", "signed", "redacted", "opaque"],
)
def test_what_does_not_concern_it_stays_as_it_is(part: Part, marks: bool) -> None:
    sealer = STATE.sealer(TARGET, ME, marks=marks)
    told = replay(
        Response(origin="anthropic", id="1", model="m", choices=(Choice(parts=(part,), finish="stop"),))
    )
    assert concerned((part,), marks=marks) is ([new for event in told for new in sealer(event)] != told)


def brought_back(*parts: Part, target: Target = TARGET, owner: str = "me") -> tuple[Part, ...]:
    request = Request(
        origin="openai_chat",
        model="m",
        messages=(Message(role="assistant", parts=parts), Message(role="user")),
    )
    return STATE.open(request, target, owner_id=owner).messages[0].parts


def other(**changes: Any) -> Target:
    return msgspec.structs.replace(TARGET, **changes)


ISSUED = Provenance(dialect="anthropic", family="claude-x", account_id="acc")


@pytest.mark.parametrize(
    "part",
    [
        Reasoning(text="because", signature="sig=="),
        Reasoning(text="", signature="sig"),
        Reasoning(redacted="opaque=="),
        Reasoning(text="läng", signature="s" * 10_000),
    ],
)
def test_there_and_back(part: Reasoning) -> None:
    (seen,) = reply(part)
    assert isinstance(seen, Reasoning)
    assert (seen.text, seen.signature, seen.redacted) == (part.text, None, None)
    assert seen.sealed is not None
    assert seen.sealed.startswith(PREFIX)
    assert brought_back(seen) == (
        Reasoning(text=part.text, signature=part.signature, redacted=part.redacted, provenance=ISSUED),
    )


@given(st.text(max_size=20), st.text(min_size=1, max_size=20))
def test_any_block_comes_back(text: str, signature: str) -> None:
    (back,) = brought_back(*reply(Reasoning(text=text, signature=signature)))
    assert isinstance(back, Reasoning)
    assert (back.text, back.signature) == (text, signature)


def test_the_vendors_state_never_leaves_in_clear() -> None:
    events = replay(
        Response(
            origin="anthropic",
            id="1",
            model="m",
            choices=(
                Choice(
                    parts=(Reasoning(text="t", signature="canary"), Reasoning(redacted="canary")),
                    finish="stop",
                ),
            ),
        )
    )
    # A decoder may also know the whole signature when the part begins.
    events[1] = e.PartStart(index=0, part=Reasoning(signature="canary"))
    edit = STATE.sealer(TARGET, ME)
    assert "canary" not in repr([new for event in events for new in edit(event)])


def test_parts_without_state_and_other_parts_are_untouched() -> None:
    parts = (Reasoning(text="plain"), Text(text="hi"), ToolCall(id="1", name="f", arguments="{}"))
    assert reply(*parts) == parts
    assert brought_back(*parts) == parts


def test_overlapping_parts_are_kept_apart() -> None:
    stream: list[Event] = [
        e.PartStart(index=0, part=Reasoning()),
        e.PartStart(index=1, part=Reasoning()),
        e.PartDelta(1, "b"),
        e.SignatureDelta(0, "A1"),
        e.SignatureDelta(1, "B"),
        e.PartDelta(0, "a"),
        e.SignatureDelta(0, "A2"),
        e.PartEnd(1),
        e.PartEnd(0),
    ]
    edit = STATE.sealer(TARGET, ME)
    out = [new for event in stream for new in edit(event)]
    sealed = {new.index: new.signature for new in out if isinstance(new, e.SignatureDelta)}
    assert all(new.sealed for new in out if isinstance(new, e.SignatureDelta))
    blocks = brought_back(Reasoning(sealed=sealed[0]), Reasoning(sealed=sealed[1]))
    assert [(part.text, part.signature) for part in blocks if isinstance(part, Reasoning)] == [
        ("a", "A1A2"),
        ("b", "B"),
    ]


@pytest.mark.parametrize(
    "target, owner",
    [
        (TARGET, "you"),
        (other(account_id="acc2"), "me"),
        (other(model="claude-y"), "me"),
        (other(dialect="openai_chat"), "me"),
    ],
    ids=["owner", "account", "model", "dialect"],
)
def test_elsewhere_it_is_a_miss(target: Target, owner: str) -> None:
    """Only the readable text is left; there is no error, and no sign that anything was there."""
    (seen,) = reply(Reasoning(text="because", signature="sig"))
    assert brought_back(seen, target=target, owner=owner) == (Reasoning(text="because"),)


@pytest.mark.parametrize(
    "sealed",
    ["", PREFIX, PREFIX + "AAAA", PREFIX + "é", PREFIX + "===", "not ours", PREFIX + "A" * 10_001, "\ud800"],
)
def test_garbage_is_a_miss(sealed: str) -> None:
    assert brought_back(Reasoning(text="t", sealed=sealed)) == (Reasoning(text="t"),)


def test_an_altered_envelope_is_a_miss() -> None:
    (seen,) = reply(Reasoning(text="t", signature="sig"))
    assert isinstance(seen, Reasoning)
    assert seen.sealed is not None
    for place in (20, len(seen.sealed) // 2, len(seen.sealed) - 6):
        letter = "A" if seen.sealed[place] != "A" else "B"
        altered = seen.sealed[:place] + letter + seen.sealed[place + 1 :]
        assert brought_back(Reasoning(text="t", sealed=altered)) == (Reasoning(text="t"),)


def test_another_key_opens_nothing() -> None:
    (seen,) = reply(Reasoning(text="t", signature="sig"))
    request = Request(origin="anthropic", model="m", messages=(Message(role="assistant", parts=(seen,)),))
    opened = ReasoningState(Vault(b"x" * 32)).open(request, TARGET, owner_id="me")
    assert opened.messages[0].parts == (Reasoning(text="t"),)


def test_a_request_without_envelopes_is_the_same_object() -> None:
    request = Request(
        origin="anthropic", model="m", messages=(Message(role="user", parts=(Text(text="flr1."),)),)
    )
    assert STATE.open(request, TARGET, owner_id="me") is request


def test_bodies_that_carry_state_for_us_are_noticed() -> None:
    (seen,) = reply(Reasoning(text="t", signature="sig"))
    assert isinstance(seen, Reasoning)
    sealed = (seen.sealed or "").encode()
    assert holds_envelopes(b'{"signature":"' + sealed + b'"}', "anthropic")
    assert holds_envelopes(b'{"reasoning_sealed":["' + sealed + b'"]}', "openai_chat")
    assert holds_envelopes(b'{"encrypted_content":"' + sealed + b'"}', "openai_responses")
    assert holds_envelopes(b'{"thoughtSignature": "' + b64encode(sealed) + b'"}', "gemini")
    assert holds_envelopes(b'{"type":"thinking","thinking":"","signature":""}', "anthropic")
    assert not holds_envelopes(b'{"type":"thinking","thinking":"","signature":"vendor"}', "anthropic")
    assert not holds_envelopes(b'{"functionCall":{"name":"f","args":{"signature":""}}}', "gemini")
