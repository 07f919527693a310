"""What streams keep between their chunks: the parts that are open, and how far each candidate has got."""

from __future__ import annotations

from typing import Literal

import msgspec

from flowrouter.canonical.parts import Reasoning, Refusal, Text, ToolCall
from flowrouter.dialects.gemini.citations import Grounding
from flowrouter.dialects.gemini.reply_parts import EMPTY
from flowrouter.wire.members import Json

Kind = Literal["text", "thought", "call"]

_PIECES_MAX = 64

_HEADS: dict[str, bytes] = {
    "text": b'{"candidates":[{"content":{"parts":[{"text":',
    "thought": b'{"candidates":[{"content":{"parts":[{"thought":true,"text":',
}


def keep_text(pieces: list[str], text: str) -> None:
    """Add `text` to `pieces`; small strings cost fifty bytes each beside their text, so they are joined in time."""
    pieces.append(text)
    if len(pieces) >= _PIECES_MAX:
        pieces[:] = ["".join(pieces)]


class ChoiceState:
    """What has left for one candidate.

    `run` is the text of the part a client sees grow, of kind `last`, `places` how many such parts there
    are. `calls` began and have not been written: they leave in the order in which they began. `envelopes`
    and signatures wait for the part they stand on.
    """

    __slots__ = (
        "_pieces",
        "_signature",
        "_signatures",
        "called",
        "calls",
        "envelopes",
        "grounding",
        "last",
        "number",
        "places",
        "run_length",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.called = False
        self.calls: list[OpenPart] = []
        self.last = ""
        self.places = 0
        self.run_length = 0
        self.envelopes: list[str] = []
        self.grounding = Grounding()
        self._pieces: list[str] = []
        self._signature: str | None = None
        self._signatures: dict[str, str] = {}

    @property
    def run(self) -> str:
        """Return the text of the part in progress."""
        return "".join(self._pieces)

    def heard(self, kind: str, text: str, *, keep: bool) -> None:
        """Note a piece of text; it is kept only where citations may have to be placed in it."""
        if self.last != kind:
            self.ran(kind)
        self.run_length += len(text)
        if keep:
            keep_text(self._pieces, text)

    def ran(self, kind: str) -> None:
        """Begin a new part of `kind`; one that stands alone has no kind."""
        self.last = kind
        self.places += 1
        self.run_length = 0
        self._pieces.clear()

    def complete_calls(self) -> list[OpenPart]:
        """Take the calls that can be written: those that have ended, up to one that has not."""
        count = next((at for at, call in enumerate(self.calls) if not call.ended), len(self.calls))
        complete, self.calls = self.calls[:count], self.calls[count:]
        return complete

    def keep_signature(self, reasoning: Reasoning, signature: str) -> bool:
        """Let a signature wait for its call or its text; False for one that stands by itself."""
        if reasoning.call_id is not None:
            self._signatures[reasoning.call_id] = signature
        elif reasoning.field in {None, "part", EMPTY}:
            return False
        else:
            self._signature = signature
        return True

    def take_signature(self, call_id: str | None = None) -> Json:
        """Return the signature that waits for a call, or for a text, as the member of its part."""
        if call_id is not None:
            signature = self._signatures.pop(call_id, None)
        else:
            signature, self._signature = self._signature, None
        return {} if signature is None else {"thoughtSignature": signature}


class OpenPart:
    """An open part: its deltas stand between `head` and `tail`.

    `once` are the members that only the first of them carries, `lead` is text that goes before it, `start`
    where the part begins in the run. What is `held` is told when the part ends.
    """

    __slots__ = (
        "choice",
        "ended",
        "head",
        "header",
        "held",
        "kind",
        "lead",
        "once",
        "sealed",
        "signature",
        "start",
        "tail",
    )

    def __init__(
        self, choice: ChoiceState, kind: Kind, header: Text | Refusal | Reasoning | ToolCall
    ) -> None:
        self.choice = choice
        self.ended = False
        self.kind = kind
        self.header = header
        self.head = _HEADS.get(kind, b"")
        self.tail = b'}],"role":"model"},"index":%d}]' % choice.number
        self.once: Json | None = None
        self.lead = ""
        self.start = 0
        self.held: list[str] | None = None
        self.signature: list[str] = []
        self.sealed: list[str] = []

    def call(self) -> ToolCall:
        """Return the call with all of its arguments."""
        assert isinstance(self.header, ToolCall)
        return msgspec.structs.replace(self.header, arguments="".join(self.held or ()))


__all__ = ["ChoiceState", "Kind", "OpenPart", "keep_text"]
