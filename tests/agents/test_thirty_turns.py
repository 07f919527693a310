"""Thirty turns of an agent keep every vendor's prompt cache: each prompt begins with the one before it."""

from __future__ import annotations

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
STATES = {
    "responses": b'"encrypted_content":"',
    "claude": b'"signature":"',
    "gemini": b'"thoughtSignature":"',
}
"""How each vendor's request begins to tell reasoning that the vendor itself gave."""


@pytest.mark.parametrize("account", DIALECTS)
@pytest.mark.parametrize("name", SESSIONS)
def test_each_prompt_begins_with_the_last_one(stand: Stand, name: str, account: str) -> None:
    recorded = recording(name)
    session = SESSIONS[name](recorded, model=f"{account}/{MODELS[account]}")
    vendor = stand.vendors[account]
    for number, turn in turns(recorded, COUNT):
        vendor.script([scripted(turn, number)])
        told = stand.ask(session.path, session.body(), headers=session.headers)
        assert told.status == 200, told.body
        session.take(told.body, turn, number)
    bodies = [call.body for call in vendor.calls]
    assert len(bodies) == COUNT, [call.refusal for call in vendor.calls]
    for earlier, later in zip(bodies, bodies[1:], strict=False):
        assert_grows(earlier, later, DIALECTS[account])
    if account in STATES:
        states = bodies[-1].count(STATES[account])
        assert states >= COUNT - 1, "reasoning was lost on the way"
