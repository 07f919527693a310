"""Thirty turns of an agent keep every vendor's prompt cache: each prompt begins with the one before it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.agents.prefixes import assert_grows
from tests.agents.recordings import recording
from tests.agents.sessions import ClaudeSession, CodexSession, scripted, turns
from tests.agents.stand import DIALECTS, MODELS, Stand

COUNT = 30
SESSIONS = {
    "claude_code": ClaudeSession,
    "codex": CodexSession,
    "codex_namespaces": CodexSession,
    "codex_tools_in_items": CodexSession,
}
TARGETS = {
    **MODELS,
    "claude-before-system-turns": "claude-sonnet-4-5",
    "gemini-before-signed-calls": "gemini-2.5-flash",
}
"""Models by the account they are asked at, which is the first word."""
CELLS = [
    (name, target)
    for name in SESSIONS
    for target in TARGETS
    # Claude Code asks that model for another kind of thinking than the recorded one.
    if (name, target) != ("claude_code", "claude-before-system-turns")
]
STATES = {
    "responses": b'"encrypted_content":"',
    "claude": b'"signature":"',
    "gemini": b'"thoughtSignature":"',
}
"""How a request tells a vendor that signs its reasoning what it had signed."""


@pytest.mark.parametrize(("name", "target"), CELLS, ids=["-over-".join(cell) for cell in CELLS])
def test_each_prompt_begins_with_the_last_one(stand: Stand, name: str, target: str) -> None:
    recorded, account = recording(name), target.partition("-")[0]
    session = SESSIONS[name](recorded, model=f"{account}/{TARGETS[target]}")
    vendor = stand.vendors[account]
    for number, turn in turns(recorded, COUNT):
        vendor.script([scripted(turn, number)])
        told = stand.ask(session.path, session.body(), headers=session.headers)
        assert told.status == 200, told.body
        session.take(told.body, turn, number)
    bodies = [call.body for call in vendor.calls]
    assert len(bodies) == COUNT, [call.refusal for call in vendor.calls]
    for earlier, later in pairwise(bodies):
        assert_grows(earlier, later, DIALECTS[account])
    if target in STATES:
        # What Gemini signs of a turn without calls, behind its text, has no place in a Messages answer.
        signed = [turn for _, turn in turns(recorded, COUNT - 1) if turn.calls]
        assert bodies[-1].count(STATES[target]) >= len(signed), "reasoning was lost on the way"
