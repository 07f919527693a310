"""What happens to every vector on its way into every other dialect, and the table that lists it.

`python -m tests.vectors.matrix` writes `accepted_losses.toml` anew from what happens now: rows that no
vector shows any more leave, new ones enter, and every reason a person wrote stays. A new row takes the
reason of its like on another way into the same dialect, else the words that the caller is told of the
loss; where there is neither, its reason is empty and the test of the table fails until somebody has looked
at it and said why it may be. Read the diff: the table is what users are promised.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import DIALECTS, Dialect
from flowrouter.canonical.field_names import FIELD_NAMES
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Provenance
from flowrouter.canonical.response import Response
from flowrouter.dialects import available, codec
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.errors import CallerError
from tests.vectors.crossing import differences, tell_request, tell_response
from tests.vectors.loader import ROOT, Kind, Vector, vectors

TABLE = ROOT / "accepted_losses.toml"
ENCODE = EncodeOptions(include_usage=True)

_COMMON = 24
"""A row that more vectors show than this is a habit of the dialect, not of a case."""


class Row(NamedTuple):
    """One change seen on the way from one dialect into another.

    `what` is `request` or `reply`; `kind` is a loss's kind, `differs` for an aspect that comes back
    changed, or `refused` with the status; `path` is the loss's or the field's path, or the aspect.
    """

    origin: str
    target: str
    what: str
    kind: str
    path: str


class Accepted(NamedTuple):
    """What the table lists: the vectors that show each row, None for "at least one"."""

    rows: dict[Row, frozenset[str] | None]
    reasons: dict[Row, str]


@cache
def accepted() -> Accepted:
    """Return what the table lists."""
    rows: dict[Row, frozenset[str] | None] = {}
    reasons: dict[Row, str] = {}
    for entry in tomllib.loads(TABLE.read_text("utf-8"))["row"]:
        names = entry.get("vectors")
        for path in entry["paths"]:
            row = Row(entry["from"], entry["to"], entry["what"], entry["kind"], path)
            assert row not in rows, f"listed twice: {row}"
            rows[row] = None if names is None else frozenset(names)
            reasons[row] = entry["reason"]
    return Accepted(rows, reasons)


def crossings(kind: Kind) -> list[tuple[Vector, Dialect]]:
    """Return every vector of `kind` with every other dialect of this build."""
    return [
        (vector, target) for vector in vectors(kind) for target in available() if target != vector.dialect
    ]


def request_rows(vector: Vector, target: Dialect) -> set[Row]:
    """Return what happens to a request on its way."""
    place = (vector.dialect, target, "request")
    request = codec(vector.dialect).parse_request(vector.body)
    model = request.model or "a-model"
    try:
        rendered = codec(target).render_request(request, model, Capabilities())
    except CallerError as error:
        return {Row(*place, f"refused {error.status}", general(error.param or ""))}
    back = codec(target).parse_request(rendered.body)
    changed = differences(tell_request(request), tell_request(back))
    if not back.model:
        # Where the address carries the model it carries `stream` too.
        changed = [aspect for aspect in changed if aspect != "stream"]
    return loss_rows(place, rendered.losses) | {Row(*place, "differs", aspect) for aspect in changed}


def reply_rows(vector: Vector, target: Dialect) -> set[Row]:
    """Return what happens to a whole reply on its way."""
    place = (vector.dialect, target, "reply")
    response = codec(vector.dialect).parse_response(vector.body, Provenance(dialect=vector.dialect))
    losses, back = crossed(response, target)
    changed = differences(tell_response(response), tell_response(back))
    return loss_rows(place, losses) | {Row(*place, "differs", aspect) for aspect in changed}


def crossed(response: Response, target: Dialect) -> tuple[tuple[Loss, ...], Response]:
    """Return a reply as `target` says it, with what it lost."""
    rendered = codec(target).render_response(response, ENCODE)
    return rendered.losses, codec(target).parse_response(rendered.body, Provenance(dialect=target))


def loss_rows(place: tuple[str, str, str], losses: Iterable[Loss]) -> set[Row]:
    """Return the rows of some losses; `_words` keeps what the caller is told of each."""
    rows: set[Row] = set()
    for loss in losses:
        row = Row(*place, loss.kind, general(loss.path))
        _words.setdefault(row, set()).add(loss.reason)
        rows.add(row)
    return rows


_words: dict[Row, set[str]] = {}
"""What callers are told of the losses seen so far: a first draft of a new row's reason."""


def drafted(row: Row) -> str:
    """Return the words a caller is told of a row, as a sentence; nothing where vectors are told different ones."""
    told = _words.get(row, set())
    words = next(iter(told)) if len(told) == 1 else ""
    return f"{words[0].upper()}{words[1:]}." if len(words.split()) >= 3 else ""


def general(path: str) -> str:
    """Return a path for all places of its kind."""
    return re.sub(r"\[\d+\]", "[*]", path)


def observed() -> dict[Row, set[str]]:
    """Return everything that happens now, with the names of the vectors that show it."""
    seen: dict[Row, set[str]] = {}
    for vector, target in crossings("requests"):
        for row in request_rows(vector, target):
            seen.setdefault(row, set()).add(vector.name)
    for vector, target in crossings("responses"):
        for row in reply_rows(vector, target):
            seen.setdefault(row, set()).add(vector.name)
    return seen


def reasons_for(rows: Iterable[Row], known: Mapping[Row, str]) -> dict[Row, str]:
    """Return a reason for each row: its own, else that of its like from another dialect, else none."""
    likes: dict[tuple[str, str, str, str], list[str]] = {}
    for row, reason in known.items():
        likes.setdefault(_like(row), []).append(reason)
    return {
        row: known[row] if row in known else next(iter(sorted(set(likes.get(_like(row), [])))), "")
        for row in rows
    }


def _like(row: Row) -> tuple[str, str, str, str]:
    """Return what rows of the same meaning share whichever dialect they come from."""
    return row.target, row.what, row.kind, _hub_name(row)


def _hub_name(row: Row) -> str:
    if row.origin not in DIALECTS:
        return row.path
    names = {told: field for field, told in FIELD_NAMES[row.origin].items() if "." not in field}
    head, mark, rest = row.path.partition("[")
    return f"{names.get(head, head)}{mark}{rest.replace('parts', 'content')}"


def written(seen: Mapping[Row, set[str]], reasons: Mapping[Row, str]) -> str:
    """Return the table: rows that say the same of the same vectors share an entry.

    Rows that nearly every vector shows are listed without them.
    """
    entries: dict[tuple[str, ...], list[str]] = {}
    for row in sorted(seen):
        names = sorted(seen[row]) if len(seen[row]) <= _COMMON else []
        key = (row.origin, row.target, row.what, row.kind, reasons[row], *names)
        entries.setdefault(key, []).append(row.path)
    ordered = sorted(entries.items(), key=lambda entry: (*entry[0][:4], entry[1]))
    return "\n\n".join([_head(), *("\n".join(_entry(key, paths)) for key, paths in ordered)]) + "\n"


def _head() -> str:
    """Return the comment the table begins with, as it stands."""
    lines = TABLE.read_text("utf-8").splitlines()
    return "\n".join(line for line in lines[: lines.index("[[row]]")] if line)


def _entry(key: tuple[str, ...], paths: list[str]) -> Iterator[str]:
    origin, target, what, kind, reason, *names = key
    yield "[[row]]"
    yield f'from = "{origin}"'
    yield f'to = "{target}"'
    yield f'what = "{what}"'
    yield f'kind = "{kind}"'
    yield _listed("paths", paths)
    if names:
        yield _listed("vectors", names)
    yield f"reason = {_quoted(reason)}"


def _listed(name: str, values: list[str]) -> str:
    line = f"{name} = [{', '.join(map(_quoted, values))}]"
    if len(line) <= 110:
        return line
    return "\n".join([f"{name} = [", *(f"  {_quoted(value)}," for value in values), "]"])


def _quoted(text: Any) -> str:
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def main() -> None:
    """Write the table anew and say how many rows still want a reason."""
    seen = observed()
    reasons = reasons_for(seen, accepted().reasons)
    text = written(seen, reasons)
    TABLE.write_text(text, "utf-8")
    for row in [row for row, reason in reasons.items() if not reason]:
        reasons[row] = drafted(row)
    waiting = sorted(row for row, reason in reasons.items() if not reason)
    print(f"{len(seen)} rows; {len(waiting)} without a reason")
    for row in waiting:
        print(" ", " ".join(row))


if __name__ == "__main__":
    main()
