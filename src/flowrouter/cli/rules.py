"""`flow-router rules`: what a provider's failure means, row by row."""

from __future__ import annotations

from flowrouter.cli import output
from flowrouter.cli.desk import opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.routing.rules import ShownRule


def rules(
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """List the rows that tell what a failure means; the first that fits decides."""
    with opened(config, data) as desk:
        rows = list(desk.world.rules)
    if as_json:
        output.as_json(rows)
        return
    table = [
        (
            number,
            _short(conditions(rule)),
            rule.failure,
            "yours" if rule.origin == "config" else "",
            rule.reason,
        )
        for number, rule in enumerate(rows, start=1)
    ]
    output.table(("#", "If", "Then", "", "Because"), table, right=("#",))


def _short(text: str) -> str:
    return text if len(text) <= _WIDE else text[: _WIDE - 1] + "…"


_WIDE = 60


def conditions(rule: ShownRule) -> str:
    """Return what a row asks for, in a few words."""
    parts = [
        f"{name} {' or '.join(str(value) for value in values)}"
        for name, values in (
            ("status", rule.status),
            ("code", rule.code),
            ("type", rule.kind),
            ("text", tuple(f'"{phrase}"' for phrase in rule.text)),
            ("dialect", rule.dialect),
        )
        if values
    ]
    parts += [
        f"{name} {value}" for name, value in (("matches", rule.pattern), ("preset", rule.preset)) if value
    ]
    return ", ".join(parts)


__all__ = ["conditions", "rules"]
