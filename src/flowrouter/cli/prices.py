"""`flow-router prices`: what models cost where the price lists do not know it, or know it wrongly."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from flowrouter.cli import completion, output
from flowrouter.cli.aliases import change
from flowrouter.cli.desk import Desk, closest, opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder, Detach
from flowrouter.errors import ConfigError
from flowrouter.gateway.runtime_settings import RuntimeSettings
from flowrouter.httpkit.keys import LOCAL_OWNER

app = typer.Typer(help="Prices of your own, before those of the lists.", no_args_is_help=True)

Amount = float | None
ModelGlob = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A model or glob, such as openrouter/*.", autocompletion=completion.models
    ),
]


@app.command("list")
def list_prices(*, as_json: AsJson = False, config: ConfigFile = None, data: DataFolder = None) -> None:
    """List your own prices in USD per million tokens, those of the configuration file included."""
    with opened(config, data) as desk:
        rows = _rows(desk)
    if as_json:
        output.as_json(rows)
        return
    if not rows:
        output.note("No price of your own; the lists count. Write one: flow-router prices set MODEL IN OUT")
        return
    shown = ("id", "input", "output", "cache_read", "cache_write", "source")
    headings = ("Model", "Input", "Output", "Cache read", "Cache write", "From")
    output.table(headings, [tuple("" if row[name] is None else row[name] for name in shown) for row in rows])


@app.command("set")
def set_price(  # noqa: PLR0917 - typer reads the options from here
    model: ModelGlob,
    what_is_read: Annotated[float, typer.Argument(metavar="INPUT", help="USD per million tokens read.")],
    what_is_written: Annotated[
        float, typer.Argument(metavar="OUTPUT", help="USD per million tokens written.")
    ],
    cache_read: Annotated[Amount, typer.Option("--cache-read", help="Tokens read from a cache.")] = None,
    cache_write: Annotated[Amount, typer.Option("--cache-write", help="Tokens written to a cache.")] = None,
    cache_write_1h: Annotated[
        Amount, typer.Option("--cache-write-1h", help="Those kept for an hour.")
    ] = None,
    request: Annotated[Amount, typer.Option("--request", help="USD per thousand requests.")] = None,
    *,
    detach: Detach = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Write a price, or replace one."""
    price: dict[str, Any] = {
        "input": what_is_read,
        "output": what_is_written,
        "cache_read": cache_read,
        "cache_write": cache_write,
        "cache_write_1h": cache_write_1h,
        "request": request,
    }
    with opened(config, data, detach=detach) as desk:
        _refuse_declared(desk, model)
        change(desk, {"prices": {model: price}})
    print(f"{model!r} costs {what_is_read:g} USD per million tokens read, {what_is_written:g} written.")


@app.command()
def remove(
    model: ModelGlob, *, detach: Detach = False, config: ConfigFile = None, data: DataFolder = None
) -> None:
    """Remove a price; the lists count again."""
    with opened(config, data, detach=detach) as desk:
        _refuse_declared(desk, model)
        known = [str(row["id"]) for row in _rows(desk)]
        if model not in known:
            fix = closest(model, known) or "see: flow-router prices list"
            raise ConfigError(f"there is no price of yours for {model!r}", fix=fix)
        change(desk, {"prices": {model: None}})
    print(f"Removed the price of {model!r}.")


def _rows(desk: Desk) -> list[dict[str, Any]]:
    values = desk.management.settings.get(owner_id=LOCAL_OWNER).values
    prices = {**msgspec.convert(values, RuntimeSettings).prices, **desk.settings.prices}
    return [
        {
            "id": name,
            **msgspec.structs.asdict(price),
            "source": "config" if name in desk.settings.prices else "store",
        }
        for name, price in sorted(prices.items())
    ]


def _refuse_declared(desk: Desk, name: str) -> None:
    if name in desk.settings.prices:
        where = desk.settings.file or "the configuration"
        raise ConfigError(f"the price of {name!r} is declared by {where}", fix="change it there")


__all__ = ["app"]
