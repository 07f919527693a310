"""What should be said about a combo before somebody wonders: members without an answer, hidden models."""

from __future__ import annotations

from collections.abc import Iterator

from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.routing.combos import Asked, Scope
from flowrouter.routing.facts import Facts
from flowrouter.routing.finding import usable
from flowrouter.settings.routing import ComboConfig


def remarks(facts: Facts, name: str, config: ComboConfig, *, owner_id: str | None) -> tuple[str, ...]:
    """Return sentences about the combo `name`; none where nothing is odd."""
    return tuple(
        dict.fromkeys((*_hidden(facts, name, owner_id), *_unanswered(facts, name, config, owner_id=owner_id)))
    )


def _hidden(facts: Facts, name: str, owner_id: str | None) -> Iterator[str]:
    if name in facts.aliases:
        yield f"the alias {name!r} goes before this combo"
    accounts, _ = usable(facts, _owners(owner_id))
    for account in accounts:
        for model in account.names:
            if model.lower() == name.lower():
                yield f"it hides the model {model!r} of {account.name}, which stays reachable as {account.name}/{model}"


def _unanswered(facts: Facts, name: str, config: ComboConfig, *, owner_id: str | None) -> Iterator[str]:
    owners = _owners(owner_id)
    for member in config.members:
        scope = Scope(facts, Asked(model=member.model, dialect="openai_chat", owners=owners))
        found = scope.resolve(member.model, (f"combo:{name.lower()}",))
        if scope.circles:
            yield f"the member {member.model!r} leads back to the combo itself: {scope.circles[0]}"
        elif scope.disabled and (found is None or found.node is None):
            yield f"the member {member.model!r} is switched off by `routing.disabled_models` ({scope.disabled[0]})"
        elif found is None or found.node is None:
            yield f"no account answers the member {member.model!r} yet"


def _owners(owner_id: str | None) -> tuple[str, ...]:
    """Return whose accounts answer for a combo of `owner_id`; nobody's in particular for the gateway's own."""
    return () if owner_id is None else (owner_id, LOCAL_OWNER)


__all__ = ["remarks"]
