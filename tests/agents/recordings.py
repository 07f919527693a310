"""The recorded sessions: what an agent sends first, what its model answered, what the agent made of that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent / "recorded"


@dataclass(frozen=True)
class Turn:
    """A model's answer, and what the agent added to the conversation; `call:N` names the answer's Nth call."""

    text: str
    calls: tuple[dict[str, Any], ...]
    reply: str

    def replies(self, call_ids: list[str]) -> list[dict[str, Any]]:
        """Return what the agent adds where the calls have these ids."""
        text = self.reply
        for number, call_id in enumerate(call_ids):
            text = text.replace(f'"call:{number}"', json.dumps(call_id))
        return json.loads(text)


@dataclass(frozen=True)
class Recording:
    """One session; `body` is a request without its conversation, which begins with `opening`."""

    client: str
    headers: dict[str, str]
    body: dict[str, Any]
    opening: list[dict[str, Any]]
    turns: tuple[Turn, ...]


@cache
def recording(name: str) -> Recording:
    """Return a session by its file's name; nobody may change it."""
    read = json.loads((_HERE / f"{name}.json").read_text("utf-8"))
    turns = tuple(
        Turn(text=turn["text"], calls=tuple(turn["calls"]), reply=json.dumps(turn["reply"]))
        for turn in read.pop("turns")
    )
    return Recording(turns=turns, **read)


__all__ = ["Recording", "Turn", "recording"]
