"""What a request goes on from: an answer kept under its id, and who may be asked to go on from it."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.canonical.problem import Problem
from flowrouter.errors import CallerError
from flowrouter.gateway.envelopes import PREFIX
from flowrouter.gateway.response_items import as_items, peek
from flowrouter.routing import Plan, Target
from flowrouter.wire.json import Raw, dumps
from flowrouter.wire.splice import once, remove, splice


class _Asked(msgspec.Struct):
    input: msgspec.Raw = msgspec.Raw(b"")


class _Item(msgspec.Struct):
    type: Any = None
    encrypted_content: Any = None


_asked = msgspec.json.Decoder(_Asked)
_item = msgspec.json.Decoder(_Item)


class Kept(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One answer under its id.

    `vendor` says that its account knows the id; `input` (a JSON array of items) and `response` are our
    copy of the turn, empty where none is held.
    """

    id: str
    account_id: str
    model: str
    vendor: bool
    previous: str | None
    created: float
    input: bytes = b""
    response: bytes = b""

    @property
    def copied(self) -> bool:
        """Return whether we hold the turn ourselves."""
        return bool(self.response)


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of a kept history: items as JSON texts, `account_id` whose own state its output holds."""

    account_id: str | None
    input: tuple[bytes, ...]
    output: tuple[bytes, ...]


class Continuation(msgspec.Struct, frozen=True, kw_only=True):
    """What a request goes on from: the record it names and, where we hold it all, the history."""

    kept: Kept | None
    body: bytes
    history: tuple[Turn, ...] | None = None

    def lead(self, plan: Plan) -> Plan:
        """Return `plan` with only the targets that know the history; raises `CallerError` if none does."""
        if self.kept is None:
            able = tuple(target for target in plan.targets if target.dialect == "openai_responses")
            if plan.targets and not able:
                raise CallerError(
                    "a conversation is kept by the vendor that made it, and no account that answers for "
                    f"{plan.asked!r} speaks Responses; send the history as `input`",
                    param="conversation",
                    code="unsupported_parameter",
                )
            return msgspec.structs.replace(plan, targets=able)
        pinned = tuple(target for target in plan.targets if self._knows(target))
        others = tuple(target for target in plan.targets if not self._knows(target))
        targets = (*pinned, *(others if self.history is not None else ()))
        if plan.targets and not targets:
            raise not_found(self.kept.id, param="previous_response_id")
        return msgspec.structs.replace(plan, targets=targets)

    def body_for(self, target: Target) -> bytes:
        """Return the request's body as `target` must get it."""
        if self.kept is None or self._knows(target):
            return self.body
        return self.expanded(target.account_id) or self.body

    def expanded(self, account_id: str | None = None) -> bytes | None:
        """Return the body with its history written out for an account; None where we do not hold it all.

        Reasoning that another account's vendor keeps or sealed is left out: nobody else can read it.
        """
        if self.history is None:
            return None
        items = [
            item
            for turn in self.history
            for item in (*turn.input, *(out for out in turn.output if _may_see(out, turn, account_id)))
        ]
        asked = peek(_asked, self.body)
        told = dumps([Raw(item) for item in (*items, *as_items(bytes(asked.input)))])
        bare = remove(remove(self.body, "previous_response_id"), "input")
        # Items are kept as they came, perhaps before there was a rule that looks into them.
        return once(splice(bare, {"input": told}, old={}))

    def without_vendor(self, problem: Problem) -> Continuation:
        """Return what to go on with when the account refused: from our copy, if it forgot its answer."""
        kept = self.kept
        if kept is None or not kept.vendor or self.history is None or problem.status not in (400, 404):
            return self
        named = problem.param == "previous_response_id" or problem.code == "previous_response_not_found"
        if not named and kept.id not in problem.message:
            return self
        turns = (
            msgspec.structs.replace(turn, output=tuple(item for item in turn.output if _stands_alone(item)))
            for turn in self.history
        )
        bare = msgspec.structs.replace(kept, vendor=False)
        return msgspec.structs.replace(self, kept=bare, history=tuple(turns))

    def _knows(self, target: Target) -> bool:
        kept = self.kept
        return (
            kept is not None
            and kept.vendor
            and target.account_id == kept.account_id
            and target.dialect == "openai_responses"
        )


def _may_see(item: bytes, turn: Turn, account_id: str | None) -> bool:
    if turn.account_id in (None, account_id):
        return True
    read = _item.decode(item)
    return read.type != "reasoning" or str(read.encrypted_content).startswith(PREFIX)


def _stands_alone(item: bytes) -> bool:
    """Return whether an item says what it stands for, unlike reasoning that its vendor keeps by its id."""
    read = _item.decode(item)
    return read.type != "reasoning" or bool(read.encrypted_content)


def not_found(response_id: str, *, param: str | None = None) -> CallerError:
    """Return the 404 for an id that names nothing its caller may see."""
    code = "previous_response_not_found" if param else "response_not_found"
    name = "previous response" if param else "response"
    return CallerError(
        f"no {name} with the id {response_id[:80]!r} is kept here", status=404, param=param, code=code
    )


__all__ = ["Continuation", "Kept", "Turn", "not_found"]
