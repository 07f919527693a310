"""Keeps private prompts at home: looks at a request's words before it is planned, and holds its plan to that.

The words are those of the body, of the history it goes on from, and of our own compaction items in it.
`look` says where the request must stay, `at_home` drafts within that, and `guarded` is the last gate before
anybody is asked: whatever edited the plan in between, no other account stays in it.
"""

from __future__ import annotations

import asyncio

import msgspec

from flowrouter import logs
from flowrouter.accounts.tags import LOCAL, tags_of
from flowrouter.canonical.parts import Text
from flowrouter.dialects import codec
from flowrouter.errors import CallerError
from flowrouter.gateway.compaction import MARK, Compaction
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.one_reading import LARGE
from flowrouter.gateway.world import World
from flowrouter.routing.facts import matches
from flowrouter.routing.intent import Confinement, confined, restrict
from flowrouter.routing.names import Asked, draft
from flowrouter.routing.plan import Plan
from flowrouter.routing.target import Target
from flowrouter.routing.tree import Draft, Note
from flowrouter.wire.marks import holds

PRIVATE = "private"
"""The step of a plan that leads to no account where the prompt may go."""

_log = logs.get("gateway")


class Privacy:
    """Looks at exchanges; what it needs is given once."""

    def __init__(self, compaction: Compaction) -> None:
        self._compaction = compaction

    async def look(self, exchange: Exchange, world: World) -> None:
        """Write into a skimmed exchange where its prompt must stay; raises `CallerError` for a broken seal.

        A request that goes on from a kept answer must know it already.
        """
        rules = world.routing.intents
        if not rules:
            return
        body = _whole(exchange)
        summaries = self._summaries(exchange)

        def judge() -> Confinement | None:
            texts = codec(exchange.inbound.dialect).skim_texts(body)
            if summaries:
                texts = msgspec.structs.replace(texts, user=(*summaries, *texts.user))
            return confined(rules, texts)

        if len(body) > LARGE:
            found = await asyncio.to_thread(judge)
        else:
            found = judge()
        exchange.confined = found
        if found is not None:
            _log.info(
                "a private prompt stays at home",
                rules=list(found.rules),
                tags=list(found.tags),
                slow=list(found.slow) or None,
                request_id=exchange.inbound.request_id,
            )

    def _summaries(self, exchange: Exchange) -> tuple[str, ...]:
        """Return what stands in compaction items of ours; they are opened for every target."""
        inbound = exchange.inbound
        if inbound.dialect != "openai_responses" or not holds(inbound.body, b'"compaction'):
            return ()
        request = codec(inbound.dialect).parse_request(inbound.body)
        opened = self._compaction.open(request, owner_id=exchange.caller.owner_id)
        return tuple(
            part.text
            for message in opened.messages
            for part in message.parts
            if isinstance(part, Text) and part.text.startswith(MARK)
        )


def at_home(world: World, asked: Asked, where: Confinement) -> Draft:
    """Return what `asked` stands for at accounts where the prompt may go; without any its step is `PRIVATE`.

    The name means what it always means; only where that leads nowhere are accounts with the tag asked whether
    they take it, and then the rule's own model.
    """
    plain = draft(world.facts, asked)
    if plain.root is None:
        return plain
    first = _restricted(plain, world, where)
    if first.root is not None:
        return first
    for model in (asked.model, *where.models):
        instead = msgspec.structs.replace(asked, model=model, tag=where.tags[0])
        found = _restricted(draft(world.facts, instead), world, where)
        if found.root is not None:
            step = found.step if model == asked.model else f"private → {model}, {found.step}"
            return msgspec.structs.replace(
                found, asked=asked.model, step=step, notes=_merged(first, found), chosen=True
            )
    return msgspec.structs.replace(first, step=PRIVATE)


def guarded(plan: Plan, exchange: Exchange, world: World) -> Plan:
    """Return `plan` without targets where the prompt may not go; raises `CallerError` if none is left."""
    where = exchange.confined
    if where is None:
        return plan
    targets = tuple(target for target in plan.targets if may_see(target, world, where))
    if plan.step == PRIVATE or (plan.targets and not targets):
        raise refusal(plan.asked, where)
    return plan if targets == plan.targets else msgspec.structs.replace(plan, targets=targets)


def refusal(model: str, where: Confinement) -> CallerError:
    """Return the 403 for a prompt that no account may see; it names the rule, never the words."""
    rules, tags = " and ".join(map(repr, where.rules)), " and ".join(map(repr, where.tags))
    why = ""
    if where.unread:
        why = " (it holds words that cannot be read, such as token ids)"
    elif where.slow:
        why = f" (the pattern of {where.slow[0]!r} took too long, which counts as found)"
    return CallerError(
        f"the intent rule {rules} keeps this request at accounts tagged {tags}{why}, and none of them answers "
        f"for the model {model[:200]!r}; name one of their models, or give the rule a `model` of theirs",
        status=403,
        param="model",
        code="private_prompt",
    )


def may_see(target: Target, world: World, where: Confinement) -> bool:
    """Return whether `target` bears all the tags; a model that its server has answered elsewhere is not local."""
    account, preset = world.accounts.get(target.account_id), world.presets.get(target.account_id)
    if account is None:
        return False
    tags = set(tags_of(account, preset))
    if preset is not None and any(matches(target.model, glob) for glob in preset.passes_on):
        tags.discard(LOCAL)
    return tags.issuperset(where.tags)


def _restricted(found: Draft, world: World, where: Confinement) -> Draft:
    kept = restrict(found, lambda target: may_see(target, world, where), where.reason)
    return msgspec.structs.replace(kept, reasons=(*kept.reasons, where.reason))


def _merged(first: Draft, found: Draft) -> tuple[Note, ...]:
    told = {(note.account, note.model) for note in found.notes}
    return (*found.notes, *(note for note in first.notes if (note.account, note.model) not in told))


def _whole(exchange: Exchange) -> bytes:
    """Return the body with the history it goes on from, as far as that could leave for another account."""
    follows = exchange.continuation
    expanded = follows.expanded() if follows is not None else None
    return exchange.inbound.body if expanded is None else expanded


__all__ = ["PRIVATE", "Privacy", "at_home", "guarded", "may_see", "refusal"]
