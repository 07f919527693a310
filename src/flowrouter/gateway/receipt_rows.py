"""The receipt of a stored exchange: what its row says, and what is kept beside it.

What a store cannot hold (NUL on PostgreSQL) is replaced in the row, and so in a receipt that was read from there.
Older versions kept the receipt whole, first with the names of its fields, then without them.
"""

from __future__ import annotations

import msgspec

from flowrouter.canonical.receipt import AttemptNote, Receipt, Route, named, told, with_names
from flowrouter.canonical.receipt_rest import ReceiptRest, TryRest, Unusual
from flowrouter.gateway.records import AttemptRow, RequestRow
from flowrouter.usage.pricing import usd

_rest: msgspec.json.Decoder[ReceiptRest] = msgspec.json.Decoder(ReceiptRest)
_route: msgspec.json.Decoder[Route | None] = msgspec.json.Decoder(Route | None)
_NOTHING = Unusual()
_WHOLE = (b"{", b'["')
"""How a receipt begins that is kept whole."""


def receipt_of(row: RequestRow) -> bytes | None:
    """Return the JSON of a row's receipt, None where none is kept."""
    kept = row.receipt
    if kept is None:
        return None
    return with_names(kept) if kept.startswith(_WHOLE) else named(_receipt(row, _rest.decode(kept)))


def _receipt(row: RequestRow, rest: ReceiptRest) -> Receipt:
    unusual = rest.unusual or _NOTHING
    asked, lost = row.client_dialect, row.losses[: unusual.lost]
    spoken = row.attempts[-1].dialect if row.attempts else asked
    return Receipt(
        request_id=row.id,
        created=row.ts_ms / 1000,
        dialect=asked,
        endpoint=row.endpoint,
        asked_model=row.requested_model or "",
        stream=row.stream,
        summary=_summary(row, unusual),
        lane=row.lane,
        route=_route.decode(rest.route),
        attempts=tuple(map(_note, row.attempts, rest.tries)),
        fields=unusual.fields,
        request_losses=told(lost, asked, spoken),
        reply_losses=told(row.losses[unusual.lost :], spoken, asked),
        answered_model=rest.answered_model,
        finish=row.finish,
        seams=unusual.seams,
        not_completed=unusual.not_completed,
        outcome=row.outcome,
        usage=_counts(row),
        usage_estimated=row.usage_estimated,
        cost_usd=usd(row.cost_pusd),
        charge_usd=usd(row.charge_pusd),
        overhead_ms=None if row.overhead_us is None else round(row.overhead_us / 1000, 2),
        first_content_ms=_milliseconds(rest.first),
        duration_ms=_milliseconds(rest.took),
        waited_ms=unusual.waited_ms,
        budget=unusual.budget,
        complete=True,
    )


def _note(row: AttemptRow, rest: TryRest) -> AttemptNote:
    return AttemptNote(
        account=rest.account,
        preset=row.preset,
        model=row.model,
        dialect=row.dialect,
        started_ms=rest.started / 100,
        head_ms=_milliseconds(rest.head),
        duration_ms=_milliseconds(rest.took),
        status=row.status,
        verdict=row.outcome,
        reason=row.error,
        usage=_counts(row),
        estimated=row.estimated,
        cost_usd=usd(row.cost_pusd),
        charge_usd=usd(row.charge_pusd),
        trial=rest.trial,
        paused_ms=rest.paused_ms,
    )


def _milliseconds(hundredths: float | None) -> float | None:
    return None if hundredths is None else hundredths / 100


def _counts(row: RequestRow | AttemptRow) -> dict[str, int | None]:
    """Return the tokens of `row` by kind; of one that nobody counted, nothing."""
    counts: dict[str, int | None] = {
        "input": row.input_tokens,
        "cache_read": row.cache_read_tokens,
        "cache_write": row.cache_write_tokens,
        "output": row.output_tokens,
        "reasoning": row.reasoning_tokens,
    }
    return {} if all(count is None for count in counts.values()) else counts


_UNCHANGED = "all fields passed, bytes unchanged, except the owned fields (see ARCHITECTURE.md)"


def _summary(row: RequestRow, unusual: Unusual) -> str:
    if row.outcome != "ok":
        return _without_end(row)
    if unusual.bypass:
        return f"answered here without a model, by the bypass rule {unusual.bypass}"
    if row.lane != "passthrough":
        losses = len(row.losses)
        some = f"with {losses} loss{'' if losses == 1 else 'es'}" if losses else "without loss"
        return f"translated {some}"
    lost = row.losses[: unusual.lost]
    if not lost:
        return _UNCHANGED
    names = ", ".join(loss.path[:100] for loss in lost[:8])
    return f"all other fields passed, bytes unchanged, except the owned fields and {names}"


def _without_end(row: RequestRow) -> str:
    """Return what became of an exchange whose answer did not come to its end."""
    if row.outcome == "cancelled":
        return "the client went away before the answer ended"
    if row.outcome == "partial":
        return "the answer was cut off by the provider and ended with an error"
    return f"no answer: {'no answer' if row.error_text is None else row.error_text[:200]}"


__all__ = ["receipt_of"]
