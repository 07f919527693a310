"""Writes `src/flowrouter/usage/rates.json` from the data of the development dependency `genai-prices`.

Run it with `make prices`. The file depends on nothing but the installed version of that package, so that
a second run changes nothing and a review shows what a new version changed. Prices are text, in USD: per
million tokens, and per thousand for `web_search` and `request`.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices import types as t
from genai_prices.data import providers

TARGET = Path(__file__).resolve().parents[1] / "src/flowrouter/usage/rates.json"

KINDS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "audio_input",
    "cache_audio_read_mtok": "audio_cached",
    "output_audio_mtok": "audio_output",
    "input_image_mtok": "image_input",
    "cache_image_read_mtok": "image_cached",
    "output_image_mtok": "image_output",
    "input_video_mtok": "video_input",
    "web_searches_kcount": "web_search",
    "requests_kcount": "request",
}
"""What is billed here, by the package's name. The rest (hours, pages, characters) no request of ours counts."""

_TIERS = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}
_DATED = re.compile(r"\[?-?@?\]?\\d\{(?:8|4)\}(?:-\\d\{2\}-\\d\{2\})?\$$")


def _plain(price: Decimal) -> str:
    return f"{price.normalize():f}"


def _prices(prices: t.ModelPrice) -> dict[str, Any]:
    """Return one set of prices; what begins above some size of prompt is in `above`."""
    found: dict[str, Any] = {}
    steps: dict[int, dict[str, str]] = {}
    for key, kind in KINDS.items():
        price = prices.__dict__.get(key)
        if isinstance(price, t.TieredPrices):
            found[kind] = _plain(price.base)
            for step in price.tiers:
                steps.setdefault(step.start, {})[kind] = _plain(step.price)
        elif price is not None:
            found[kind] = _plain(price)
    if steps:
        reached: dict[str, str] = {}
        found["above"] = []
        for start in sorted(steps):
            reached = {**reached, **steps[start]}
            found["above"].append({"tokens": start, **reached})
    return found


def _constraint(constraint: object) -> dict[str, Any]:
    if isinstance(constraint, t.StartDateConstraint):
        return {"since": constraint.start_date.isoformat()}
    if isinstance(constraint, t.TimeOfDateConstraint):
        return {"hours": [f"{constraint.start_time:%H:%M}", f"{constraint.end_time:%H:%M}"]}
    return {}


def _cards(model: t.ModelInfo) -> list[dict[str, Any]]:
    """Return the prices in the order that they came into force, those of service tiers behind them."""
    dated = model.prices if isinstance(model.prices, list) else [t.ConditionalPrice(prices=model.prices)]
    cards = [{**_constraint(each.constraint), **_prices(each.prices)} for each in dated]
    for variant in model.price_variants or ():
        if len(variant.when) != 1:
            continue
        tier = _TIERS.get(next(iter(variant.when.items())))
        if tier is not None:
            cards.append({"tier": tier, **_constraint(variant.constraint), **_prices(variant.prices)})
    return [card for card in cards if card.keys() & set(KINDS.values())]


def _patterns(match: Any) -> Iterator[str]:
    """Yield the names that `match` takes, as names, globs or `re:` and a regular expression."""
    match match:
        case t.ClauseEquals(equals=text):
            yield text.lower()
        case t.ClauseStartsWith(starts_with=text):
            yield f"{text.lower()}*"
        case t.ClauseEndsWith(ends_with=text):
            yield f"*{text.lower()}"
        case t.ClauseContains(contains=text):
            yield f"*{text.lower()}*"
        case t.ClauseRegex(regex=text):
            if not _DATED.search(text):  # a name with a date behind it is looked up without the date
                yield f"re:{text}"
        case t.ClauseOr(or_=clauses):
            for clause in clauses:
                yield from _patterns(clause)
        case t.ClauseAnd(and_=[t.ClauseStartsWith(starts_with=text), t.ClauseRegex(regex=regex)]):
            yield f"re:^{re.escape(text.lower())}{regex.removeprefix('^')}"
        case _:
            sys.exit(f"tools/prices.py does not know how to write {match!r}")


def _rows(provider: t.Provider) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for model in provider.models:
        cards = _cards(model)
        if any("tier" not in card for card in cards):
            names = list(dict.fromkeys(_patterns(model.match)))
            rows.append({"names": names, "cards": cards})
    return rows


def made() -> str:
    """Return the text of the rate file."""
    tables = {
        provider.id: {"also": provider.fallback_model_providers or [], "rows": rows}
        for provider in providers
        if (rows := _rows(provider))
    }
    lines: list[str] = []
    for name, table in tables.items():
        rows = ",\n".join(f"  {_text(row)}" for row in table["rows"])
        lines.append(
            f"{_text(name)}: {{{_text('also')}: {_text(table['also'])}, {_text('rows')}: [\n{rows}]}}"
        )
    body = "{" + ",\n".join(lines) + "}"
    digest = hashlib.sha256(body.encode()).hexdigest()
    head = f'"source": "genai-prices", "version": {_text(version("genai-prices"))}, "sha256": "{digest}"'
    return f'{{{head}, "tables": {body}}}\n'


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def main() -> None:
    """Write the file and say what it holds."""
    text = made()
    changed = not TARGET.exists() or TARGET.read_text("utf-8") != text
    TARGET.write_text(text, "utf-8")
    rows = text.count('{"names"')
    print(f"{TARGET.name}: {rows} models, {len(text) // 1024} KiB, {'changed' if changed else 'as it was'}")


if __name__ == "__main__":
    main()
