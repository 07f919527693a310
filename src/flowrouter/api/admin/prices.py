"""`/api/prices`: what models cost where the price lists do not know it, or know it wrongly.

They are a part of the settings (`prices`), by model or glob. One of the configuration file is shown and
changed there, and goes before a stored one of the same name. What a model costs in the end is told by
`/api/models/{id}`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from flowrouter.api.admin.call import Call, missing
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.paging import paged
from flowrouter.api.admin.preconditions import refuse_other, tag_of
from flowrouter.api.admin.stored import declared, edit, owner_of, part, settings_only, stored_settings
from flowrouter.gateway.ports import StoredSettings
from flowrouter.gateway.runtime_settings import Name
from flowrouter.settings.managed import ManagedBy
from flowrouter.settings.prices import ModelPrice


class PriceShown(ModelPrice, frozen=True, kw_only=True):
    """A price under its model or glob, in USD per million tokens (`request`: per thousand requests).

    `read_only` ones stand in the configuration file. `hidden`: the file has the same name. `managed_by` a file
    is what an applied one says of it.
    """

    id: str
    source: Literal["config", "store"]
    read_only: bool
    hidden: bool
    managed_by: ManagedBy
    managed_in: str | None
    managed_fields: tuple[str, ...]


class PriceRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """The name that has no price of its own any more."""

    id: str
    deleted: bool = True


async def list_prices(call: Call) -> Reply:
    """Return the owner's prices by name; those of the shipped lists are not among them."""
    settings_only(call, "see the prices")
    return paged(await _rows(call), call.query, key=lambda row: (row.id, row.hidden))


async def get_price(call: Call) -> Reply:
    """Return the owner's price under one name; the ETag is for `If-Match`."""
    settings_only(call, "see the prices")
    found = [row for row in await _rows(call) if row.id == call.rest]
    if not found:
        raise _missing(call.rest)
    row = next((each for each in found if not each.hidden), found[0])
    return Reply(data=row, headers=_tagged(_price(row), call))


async def put_price(call: Call) -> Reply:
    """Make or replace a price; what is asked from now on costs it."""
    settings_only(call, "change prices")
    _refuse_declared(call)
    try:
        name = msgspec.convert(call.rest, Name)
    except msgspec.ValidationError:
        raise refusal("this is no name: 1 to 200 characters, no blanks at its ends", param="id") from None
    price: ModelPrice = call.body

    def patch(values: dict[str, Any]) -> dict[str, Any]:
        _refuse_other(part(values, "prices", name), call)
        return {"prices": {name: msgspec.structs.asdict(price)}}  # a null leaves the member out

    stored = await edit(call, patch)
    notices = await call.publish()
    return Reply(
        data=_shown(name, price, call, stored=stored, in_file=False),
        notices=notices,
        headers=_tagged(price, call),
    )


async def delete_price(call: Call) -> Reply:
    """Remove a price; what it was for costs again what the lists say."""
    settings_only(call, "change prices")
    _refuse_declared(call)
    name = call.rest

    def patch(values: dict[str, Any]) -> dict[str, Any]:
        present = part(values, "prices", name)
        if present is None:
            raise _missing(name)
        _refuse_other(present, call)
        return {"prices": {name: None}}

    await edit(call, patch)
    return Reply(data=PriceRemoved(id=name), notices=await call.publish())


async def _rows(call: Call) -> list[PriceShown]:
    stored = await stored_settings(call)
    rows: list[PriceShown] = []
    for prices, in_file in ((part(stored.values, "prices") or {}, False), (call.deps.present.prices, True)):
        rows += [
            _shown(name, msgspec.convert(price, ModelPrice), call, stored=stored, in_file=in_file)
            for name, price in prices.items()
        ]
    return rows


def _shown(name: str, price: ModelPrice, call: Call, *, stored: StoredSettings, in_file: bool) -> PriceShown:
    owner = owner_of(stored, ("prices", name), call, in_file=in_file)
    return PriceShown(
        **msgspec.structs.asdict(price),
        id=name,
        source="config" if in_file else "store",
        read_only=in_file,
        hidden=not in_file and name in call.deps.present.prices,
        **msgspec.structs.asdict(owner),
    )


def _price(row: PriceShown) -> ModelPrice:
    return ModelPrice(**{name: getattr(row, name) for name in ModelPrice.__struct_fields__})


def _refuse_declared(call: Call) -> None:
    if call.rest in call.deps.present.prices:
        raise declared("price", call.rest, call)


def _refuse_other(stored: Any, call: Call) -> None:
    tag = None if stored is None else _tagged(msgspec.convert(stored, ModelPrice), call)["etag"]
    refuse_other(call, tag, "price")


def _tagged(price: ModelPrice, call: Call) -> dict[str, str]:
    return {"etag": tag_of(price, secret=call.deps.secret)}


def _missing(name: str) -> Exception:
    return missing(f"no price of your own for {name[:100]}", code="price_not_found")


__all__ = ["PriceRemoved", "PriceShown", "delete_price", "get_price", "list_prices", "put_price"]
