"""The tables of the guide that are made from data: `python -m tests.house.tables` writes them again.

The table of losses comes from `tests/vectors/accepted_losses.toml`; when a translation changes, that file is
written first, by `python -m tests.vectors.matrix`.

A page holds a table between `<!-- NAME: made by … -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from itertools import permutations

from flowrouter.dialects import available
from flowrouter.gateway.blame import spoken
from flowrouter.providers import catalog
from flowrouter.routing.cooldown import BACKOFFS
from flowrouter.routing.rules import shipped
from flowrouter.routing.verdict import CONSEQUENCES
from flowrouter.settings.routing import FailureName, FailureRule
from tests.house.tree import ROOT

_SHORT = {"openai_chat": "Chat", "openai_responses": "Responses", "anthropic": "Messages", "gemini": "Gemini"}
_NAMES = {
    "openai_chat": "OpenAI Chat",
    "openai_responses": "OpenAI Responses",
    "anthropic": "Anthropic Messages",
    "gemini": "Gemini",
}
_KINDS = {"refused 400": "refused (400)", "dropped": "dropped", "changed": "changed", "emulated": "emulated"}
_INVENTED = {"brand_new", "delta", "future_member", "future_top", "mood", "score"}
"""Members that the vectors use to stand for what no version of a dialect has yet."""


def providers() -> str:
    """Return who is known: preset, dialects, key, embeddings."""
    rows = ["| preset | provider | speaks | key | embeddings |", "|---|---|---|---|---|"]
    for preset in sorted(catalog.packaged(), key=lambda each: (each.needs_url, each.id)):
        if preset.id == "local":
            continue
        spoken = ", ".join(_SHORT[each] for each in preset.served_dialects if each in available())
        names = ", ".join(f"`{name}`" for name in preset.auth.env_names)
        if not preset.auth.required:
            names = f"{names}, optional" if names else "optional"
        embeds = "yes" if "embedding" in preset.kinds else ""
        rows.append(f"| `{preset.id}` | {preset.name} | {spoken} | {names} | {embeds} |")
    return "\n".join(rows)


def losses() -> str:
    """Return what crossing from each dialect to each other changes, from the file the tests hold it to."""
    with (ROOT / "tests" / "vectors" / "accepted_losses.toml").open("rb") as file:
        rows = tomllib.load(file)["row"]
    parts: list[str] = []
    for source, target in permutations(available(), 2):
        for what in ("request", "reply"):
            grouped: dict[tuple[str, str], list[str]] = {}
            for row in rows:
                if (row["from"], row["to"], row["what"]) == (source, target, what) and row["kind"] in _KINDS:
                    grouped.setdefault((row["kind"], row["reason"]), []).extend(row["paths"])
            if not grouped:
                continue
            title = f"{_NAMES[source]} {what} to {_NAMES[target]}"
            parts += [f"### {title}", "", "| field | what happens | why |", "|---|---|---|"]
            for kind, told in _KINDS.items():
                for (of, reason), paths in sorted(grouped.items()):
                    if of == kind:
                        parts.append(f"| {_fields(paths)} | {told} | {reason} |")
            parts.append("")
    return "\n".join(parts).rstrip()


def _fields(paths: list[str]) -> str:
    known = [f"`{path}`" for path in dict.fromkeys(paths) if path not in _INVENTED]
    return ", ".join([*known, *(["members not known here"] if _INVENTED & set(paths) else [])])


def failure_rules() -> str:
    """Return the shipped rows that tell what a failure means."""
    rows = ["| if | then | because |", "|---|---|---|"]
    rows += [f"| {_asked(rule)} | `{rule.failure}` | {rule.reason} |" for rule in shipped()]
    return "\n".join(rows)


def _asked(rule: FailureRule) -> str:
    parts = [
        f"{name} {', '.join(f'`{value}`' for value in values)}"
        for name, values in (
            ("status", rule.status),
            ("code", rule.code),
            ("type", rule.kind),
            ("the message has", rule.text),
        )
        if values
    ]
    if rule.pattern:
        pattern = rule.pattern.replace("|", "\\|")
        parts.append(f"the message matches `{pattern}`")
    return "; ".join(parts)


_AFTER = {
    "request_fault": "the search ends; the caller gets the provider's own words",
    "param_unsupported": "the field is left out, once, and remembered for a day; else as `request_fault`",
    "context_overflow": "targets with a larger context window, or of unknown size",
    "content_filter": "the search ends, unless `routing.failover_on_content_filter` is set",
    "auth": "the same once more with a fresh token, where the account has one that can be renewed; then the next",
    "rate_limit": "the same once more if it asks for 2 s or less; else the next",
    "cancelled": "nobody: the client has gone",
}


def failure_classes() -> str:
    """Return what follows from each class of failure."""
    rows = ["| class | asked next | pauses | for how long |", "|---|---|---|---|"]
    for failure, follows in CONSEQUENCES.items():
        same = "the same once more after 0.2 to 0.5 s, then the next" if follows.same_target else "the next"
        scope = {"model": "the model at the account", "account": "the account", "host": "the host"}
        what = scope[follows.scope] if follows.scope else ""
        if failure == "network":
            what += "; the host, if no connection comes about (name, address, TLS)"
        rows.append(
            f"| `{failure}` | {_AFTER.get(failure, same)} | {what or 'nothing'} | {_length(failure)} |"
        )
    return "\n".join(rows)


def _length(failure: FailureName) -> str:
    backoff = BACKOFFS.get(failure)
    if backoff is None:
        return ""
    longest = backoff.most > backoff.first * 1.1
    text = (
        f"{spoken(backoff.first)}, doubling to {spoken(backoff.most)}" if longest else spoken(backoff.first)
    )
    return f"as the provider says, else {text}" if backoff.named else text


TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "providers": ("docs/providers.md", providers),
    "losses": ("docs/translation.md", losses),
    "failure classes": ("docs/routing.md", failure_classes),
    "failure rules": ("docs/routing.md", failure_rules),
}


def with_table(page: str, name: str, table: str) -> str:
    """Return `page` with the table of that name set."""
    pattern = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end -->)", re.DOTALL)
    assert pattern.search(page), f"there is no place for the table {name!r}"
    return pattern.sub(lambda found: f"{found[1]}\n{table}\n\n{found[2]}", page)


def main() -> None:
    """Write every table into its page."""
    for name, (path, made) in TABLES.items():
        page = ROOT / path
        page.write_text(with_table(page.read_text("utf-8"), name, made()), "utf-8")


if __name__ == "__main__":
    main()
