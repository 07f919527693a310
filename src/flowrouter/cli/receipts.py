"""A receipt for people: what was asked, who answered, and what became of each field."""

from __future__ import annotations

from typing import Any

from flowrouter.cli import output
from flowrouter.cli.desk import opened
from flowrouter.cli.tail import found_request
from flowrouter.errors import ConfigError
from flowrouter.gateway.receipt_rows import receipt_of
from flowrouter.wire import json

_WORST_FIRST = ("refused", "dropped", "emulated", "approximated", "mapped", "passed")


def explain_request(request_id: str, *, as_json: bool, config: str | None, data: str | None) -> None:
    """Print the receipt of a request; raises `ConfigError` where there is none."""
    with opened(config, data) as desk:
        row = found_request(desk, request_id)
    kept = receipt_of(row)
    if kept is None:
        raise ConfigError(
            f"the receipt of {row.id} is no longer kept", fix="receipts are kept for `retention.receipts`"
        )
    receipt = json.loads(kept)
    if as_json:
        output.as_json(receipt)
        return
    print(f"{receipt['request_id']}: {receipt['summary']}")
    print(f"asked for {receipt['asked_model']!r} in {receipt['dialect']}; lane: {receipt['lane'] or 'none'}")
    _print_route(receipt.get("route"))
    _print_attempts(receipt["attempts"])
    _print_seams(receipt)
    _print_money(receipt)
    _print_fields(receipt)
    _print_losses("Lost of the request:", receipt["request_losses"])
    _print_losses("Lost of the reply:", receipt["reply_losses"])


def _print_route(route: dict[str, Any] | None) -> None:
    """Print how the targets were chosen; receipts of older versions do not say."""
    if route is None:
        return
    print(f"found by {route['step']}" + (f"; strategy: {route['strategy']}" if route["strategy"] else ""))
    for reason in route["reasons"]:
        print(f"  {reason}")
    for left in route["left_out"]:
        name = f"{left['account']}/{left['model']}" if left["model"] else left["account"]
        print(f"  not asked, or last: {name}: {left['reason']}")


def _print_attempts(attempts: list[dict[str, Any]]) -> None:
    if not attempts:
        return
    print()
    rows = [
        (
            number,
            attempt["account"],
            attempt["model"],
            attempt["dialect"],
            attempt["status"],
            attempt["verdict"],
            f"{attempt['duration_ms'] or 0:.0f} ms",
            _price(attempt),
            attempt["reason"],
        )
        for number, attempt in enumerate(attempts, start=1)
    ]
    output.table(
        ("#", "Account", "Model there", "Dialect", "Status", "Verdict", "Took", "Cost", "Why"),
        rows,
        right=("#", "Took", "Cost"),
    )


def _print_seams(receipt: dict[str, Any]) -> None:
    """Print where others went on with a broken answer, or why nobody did; older receipts do not say."""
    for seam in receipt.get("seams") or ():
        where = f"{seam['account']}/{seam['model']}"
        print(f"broke off after {seam['at']} characters ({seam['reason']}); {where} went on by {seam['way']}")
    if why := receipt.get("not_completed"):
        print(f"broke off, and nobody went on: {why}")


def _price(attempt: dict[str, Any]) -> str:
    """Return what an attempt cost, `~` before an estimate; receipts of older versions do not say."""
    cost = attempt.get("cost_usd")
    if cost is None:
        return output.UNKNOWN
    return f"{'~' if attempt.get('estimated') else ''}${cost}"


def _print_money(receipt: dict[str, Any]) -> None:
    if receipt.get("cost_usd") is not None:
        charge = receipt.get("charge_usd")
        print(f"cost ${receipt['cost_usd']}, charged {'unknown' if charge is None else f'${charge}'}")


def _print_fields(receipt: dict[str, Any]) -> None:
    if receipt["lane"] == "passthrough":
        print("\nEvery field went as it was, but the owned ones.")
        return
    fields = sorted(receipt["fields"], key=lambda field: _WORST_FIRST.index(field["fate"]))
    if fields:
        print()
        output.table(
            ("Field", "Fate", "Rules"),
            [(field["field"], field["fate"], field["rules"]) for field in fields],
        )


def _print_losses(title: str, losses: list[dict[str, Any]]) -> None:
    if losses:
        print(f"\n{title}")
        for loss in losses:
            print(f"  {loss['kind']:<9} {loss['path']}: {loss['reason']}")


__all__ = ["explain_request"]
