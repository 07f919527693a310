"""`/api/translate`: a request, a reply or a stream in another dialect, with what gets lost; nobody is asked."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from flowrouter.api.admin.account_rules import find_preset
from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.reading import closest
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.receipt import ToldLoss, told
from flowrouter.dialects import available
from flowrouter.dialects.crossing import Crossing, Kind, kind_of, translate
from flowrouter.wire.json import JsonError, dumps, loads


class TranslateQuestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to translate: `body` is JSON, or the text of a stream.

    `preset` (with `model`, or the one in the body) asks for what that provider would be sent; without it
    the target is taken to know all of its dialect. `kind` is seen by itself if left out.
    """

    source: Dialect = msgspec.field(name="from")
    to: Dialect
    body: Any
    kind: Kind | None = None
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    preset: str | None = None


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """The same in the other dialect.

    `unread` says of each frame of a stream why it could not be read, `broken` why it does not end as it
    should.
    """

    kind: Kind
    body: Any
    losses: tuple[ToldLoss, ...]
    unread: tuple[str, ...]
    broken: str | None


async def translate_body(call: Call) -> Reply:
    """Return the translation; raises `CallerError` for what is no such body, or cannot be said there."""
    question: TranslateQuestion = call.body
    for name, dialect in (("from", question.source), ("to", question.to)):
        if dialect not in available():
            raise refusal(f"{dialect} is not spoken", param=name, fix=closest(dialect, available()))
    body = question.body.encode() if isinstance(question.body, str) else dumps(question.body)
    try:
        kind = question.kind or kind_of(body)
        made = translate(kind, body, _crossing(question, call))
    except (JsonError, ValueError) as error:
        raise refusal(f"`body` is no {question.source} message: {error}", param="body") from None
    return Reply(
        data=Translation(
            kind=kind,
            body=made.body.decode() if kind == "stream" else loads(made.body),
            losses=told(made.losses, question.source, question.to),
            unread=made.unread,
            broken=made.broken,
        )
    )


def _crossing(question: TranslateQuestion, call: Call) -> Crossing:
    capabilities, model = Capabilities(), question.model
    if question.preset is not None:
        inside = question.body.get("model") if isinstance(question.body, dict) else None
        named = model or (inside if isinstance(inside, str) else None)
        if named is None:
            raise refusal("`preset` needs a model", param="model", fix="name it in `model`")
        preset = find_preset(question.preset, call.deps.catalog)
        capabilities = call.world.capabilities(preset, named, question.to)
    return Crossing(
        source=question.source,
        target=question.to,
        now=call.deps.clock.now(),
        model=model,
        capabilities=capabilities,
    )


__all__ = ["TranslateQuestion", "Translation", "translate_body"]
