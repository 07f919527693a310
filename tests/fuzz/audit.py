"""Compares what a client wrote with what left for the target: every difference must have been declared.

Nothing of the program but the codecs under audit is used: bodies are read by `bodies`. A leaf of the
client's body must be found in the target's, or lie at or under the path of a loss, or be settled by one of
the comparisons here: settings by meaning, arguments and schemas as whole values, roles by who said a word.
What the target's body holds beside the client's words must be on the list of what a dialect requires.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.loss import Loss, rule_id
from flowrouter.canonical.rendered import Rendered
from flowrouter.dialects import codec
from flowrouter.errors import CallerError
from tests.fuzz import meanings
from tests.fuzz.bodies import TOKEN, Heap, Key, anywhere, camel, heap, leaves, nodes, pairs, parsed
from tests.fuzz.making import Json
from tests.fuzz.tellings import tell

_DATA = re.compile(r"data:([^;,]+)(?:;[^,]*)?,(.*)", re.DOTALL)
_RULE = re.compile(r"[a-z_]+>[a-z_]+:\S(.*\S)?:(dropped|changed|emulated)", re.DOTALL)


class Finding(NamedTuple):
    """One thing that should not be: `rule` says which law, `place` where, `told` what was seen."""

    rule: str
    place: str
    told: str

    @property
    def kind(self) -> str:
        """Return the same word for all findings of one cause."""
        place = TOKEN.sub("k", anywhere(self.place))
        return f"{self.rule} {place}"


class Case(NamedTuple):
    """A request of one dialect on its way to a target."""

    origin: Dialect
    target: Dialect
    body: Json
    limits: Capabilities


class Outcome(NamedTuple):
    """What came of one crossing."""

    findings: list[Finding]
    refused: bool = False


def audit(case: Case) -> list[Finding]:
    """Return all that is wrong with one crossing; raises what the program raises beside `CallerError`."""
    return examine(case).findings


def examine(case: Case) -> Outcome:
    """Return all that is wrong with one crossing, and whether it was refused."""
    wire = json.dumps(case.body, ensure_ascii=False).encode()
    try:
        rendered = _render(case, wire)
    except CallerError as error:
        return Outcome(list(_refusal(error, case)), refused=True)
    if case.origin == case.target:
        return Outcome(list(_identity(case, rendered)))
    again = _render(case, wire)
    findings = [] if again == rendered else [Finding("not the same twice", "", "")]
    return Outcome([*findings, *_Crossing(case, rendered).findings()])


def _render(case: Case, wire: bytes) -> Rendered:
    request = codec(case.origin).parse_request(wire)
    return codec(case.target).render_request(request, "the-target", case.limits)


def _refusal(error: CallerError, case: Case) -> Iterator[Finding]:
    if not error.param:
        yield Finding("refused without naming the field", "", str(error))
    elif not _known_place(error.param, case):
        yield Finding("refusal names no place of the client", error.param, str(error))


def _identity(case: Case, rendered: Rendered) -> Iterator[Finding]:
    expected = {**case.body, "model": "the-target"} if "model" in case.body else case.body
    told = json.loads(rendered.body)
    if case.origin == "openai_chat":
        # An owned field: usage is always asked for.
        expected, told = _without_usage(expected), _without_usage(told)
    if told != expected and not rendered.losses:
        place, seen = next(_differences(expected, told, ""), ("", "the order of members"))
        yield Finding("own dialect changed", place, seen)


def _without_usage(body: Json) -> Json:
    options = {
        name: value for name, value in (body.get("stream_options") or {}).items() if name != "include_usage"
    }
    return {**body, "stream_options": options or None}


def _differences(before: Any, after: Any, path: str) -> Iterator[tuple[str, str]]:
    match before, after:
        case (dict(), dict()):
            for name in {**before, **after}:
                yield from _differences(before.get(name), after.get(name), f"{path}.{name}".lstrip("."))
        case (list(), list()) if len(before) == len(after):
            for number, (one, other) in enumerate(zip(before, after, strict=True)):
                yield from _differences(one, other, f"{path}[{number}]")
        case _ if before != after:
            yield path, f"{before!r} became {after!r}"
        case _:
            pass


def _plain(path: str, origin: Dialect) -> str:
    """Return a path in one spelling."""
    return path.replace("_", "").lower() if origin == "gemini" else path


def _known_place(path: str, case: Case) -> bool:
    plain = _plain(path, case.origin)
    general = anywhere(plain)
    body = camel(case.body) if case.origin == "gemini" else case.body
    for node in nodes(body):
        node = _plain(node, case.origin)
        if node == plain or ("[*]" in plain and anywhere(node) == general):
            return True
    return general in {_plain(name, case.origin) for name in meanings.ABSENT[case.origin]}


class _Crossing:
    """One request that was rendered for another dialect."""

    def __init__(self, case: Case, rendered: Rendered) -> None:
        self.case = case
        self.losses = rendered.losses
        self.names = rendered.edits.names
        self.body: Any = camel(case.body) if case.origin == "gemini" else case.body
        self.target: Any = json.loads(rendered.body)
        self.before = tell(case.origin, self.body)
        self.after = tell(case.target, self.target)
        self.said: Heap = heap(self.target)
        self.asked: Heap = heap(self.body)
        self._exact, self._general = self._covers(rendered.losses)
        self._pairs = frozenset(pairs(self.target))

    def _covers(self, losses: Iterable[Loss]) -> tuple[frozenset[str], frozenset[str]]:
        paths = {_plain(loss.path, self.case.origin) for loss in losses}
        broad = {_plain(path, self.case.origin) for path in meanings.BROAD[self.case.origin]}
        paths -= broad
        return frozenset(paths), frozenset(path for path in paths if "[*]" in path)

    def covered(self, path: str) -> bool:
        """Return whether a loss names `path` or what it lies in."""
        plain = _plain(path, self.case.origin)
        for step in (*(found.start() for found in re.finditer(r"[.\[]", plain)), len(plain)):
            place = plain[:step]
            if place in self._exact or (self._general and anywhere(place) in self._general):
                return True
        return False

    def findings(self) -> Iterator[Finding]:
        """Yield all that is wrong."""
        yield from self._losses()
        yield from self._leaves()
        yield from self._settings()
        yield from self._values("arguments", self.before.calls, self.after.calls)
        yield from self._values("schema", self.before.schemas, self.after.schemas)
        yield from self._results()
        yield from self._roles()
        yield from self._inventions()

    def _losses(self) -> Iterator[Finding]:
        for loss in self.losses:
            if not _known_place(loss.path, self.case):
                yield Finding("loss names no place of the client", loss.path, f"{loss.kind}: {loss.reason}")
            rule = rule_id(loss, self.case.origin, self.case.target)
            if not _RULE.fullmatch(rule) or re.search(r"\[\d", rule):
                yield Finding("rule id", loss.path, rule)

    def _leaves(self) -> Iterator[Finding]:
        rows = meanings.rows(self.case.origin)
        found = list(leaves(self.body))
        # A value that was declared changed at one place (a call's id) is so wherever it stands again.
        excused = {value for path, value in found if isinstance(value, str) and value and self.covered(path)}
        whole = tuple(path for path, _ in (*self.before.calls, *self.before.schemas, *self.before.results))
        whole = (*whole, *self._narrowed())
        for path, value in found:
            if value is None or value == "" or rows.settled(path) or path.startswith(whole):
                continue
            if ".summary[" in path and self._has_whole_thought(path):
                continue
            if meanings.plain(path, value) or self._found(path, value) or self.covered(path):
                continue
            if not (isinstance(value, str) and value in excused):
                yield Finding("undeclared loss", path, repr(value)[:120])

    def _has_whole_thought(self, path: str) -> bool:
        """Return whether a summary stands beside the whole text of its thought, which then is what is sent."""
        number = re.match(r"input\[(\d+)\]", path)
        return number is not None and bool(self.body["input"][int(number[1])].get("content"))

    def _narrowed(self) -> tuple[str, ...]:
        """Return where tools stand that are not offered, because a loss says that only the allowed ones are."""
        path, choice = self.before.settings.get("choice", ("", ("", ())))
        allowed = choice[0].startswith("allowed") and self.covered(path)
        return ("tools[", "functions[", "web_search_options") if allowed else ("\0",)

    def _found(self, path: str, value: Any) -> bool:
        name = path.rsplit(".", 1)[-1]
        if name == "is_error" and self.case.target == "gemini":
            return any(word == "error" for word, _ in self._pairs)
        if name in meanings.PAIRS and (name, value) in self._pairs:
            return True
        match value:
            case Key():
                return value in self.said.words
            case str() if path.startswith("modalities"):
                return value == "text" or value.upper() in self.said.words
            case str():
                return self._said(value)
            case bool():
                return False
            case float():
                return value in self.said.numbers
            case _:
                return abs(value) >= 100 and value in self.said.numbers

    def _said(self, text: str) -> bool:
        words = self.said.words
        if not TOKEN.search(text):
            # A type of media is found wherever it stands: in a data URL or beside the bytes.
            kind = re.fullmatch(r"[a-z]+/([a-z.+-]+)", text)
            return kind is not None and (text in words or (text.startswith("audio/") and kind[1] in words))
        if text in words or text.strip() in words or text in self.names.values():
            return True
        if (found := _DATA.fullmatch(text)) is not None:
            return found[2] in words and found[1] in words
        if (inner := parsed(text)) is not None:
            return all(self._said(str(value)) for _, value in leaves(inner) if TOKEN.search(str(value)))
        return False

    def _settings(self) -> Iterator[Finding]:
        named = {name: self._client_names(value) for name, (_, value) in self.after.settings.items()}
        for name, (path, value) in self.before.settings.items():
            if meanings.says_nothing(name, value) or self.covered(path) or self._is_idle(name, value):
                continue
            there = named.get(name)
            if not meanings.same(name, value, there):
                yield Finding("setting changed", path, f"{name}: {value!r} became {there!r}")
        marks = [
            path
            for path in self.before.marks
            if not self.covered(path) and not path.startswith(self._narrowed())
        ]
        if len(self.after.marks) < len(marks):
            yield Finding("cache mark lost", marks[0], f"{len(marks)} became {len(self.after.marks)}")

    def _is_idle(self, name: str, value: Any) -> bool:
        """Return whether a setting has nothing to act on: no tools, a model that does not reason."""
        body, effort = self.target, self.before.settings.get("effort", ("", None))[1]
        thinking = body.get("thinking", {}).get("type") not in {None, "disabled"}
        match name:
            case "parallel":
                choices = (
                    told.settings.get("choice", ("", ("", ())))[1][0] for told in (self.before, self.after)
                )
                # A tool that only brings the answer is not one the client offers.
                offered = [
                    tool for tool in body.get("tools") or () if tool.get("name") != "structured_answer"
                ]
                return not offered or "none" in choices
            case "choice":
                asked = self.body.get("tools") or self.body.get("functions")
                return not asked or (value[0] == "none" and not body.get("tools"))
            case "summary":
                config = body.get("generationConfig") or {}
                return thinking or "thinkingConfig" in config or effort == "none"
            case "display":
                # Responses shows no reasoning unasked, and what does not reason has none to show.
                return self.case.target == "openai_responses" or not thinking
            case "effort":
                return value == "none" and self.case.limits.thinking_style in {"none", "think_tag"}
            case _:
                return False

    def _client_names(self, value: Any) -> Any:
        """Return a setting of the target with the client's names of tools in it."""
        match value:
            case (str() as mode, tuple() as names):
                return mode, tuple(self.names.get(name, name) for name in names)
            case _:
                return value

    def _values(
        self, what: str, before: Iterable[tuple[str, Any]], after: Iterable[tuple[str, Any]]
    ) -> Iterator[Finding]:
        there = [value for _, value in after]
        narrowed = self._narrowed()
        for path, value in before:
            if value in (None, {}) or value in there or self.covered(path) or path.startswith(narrowed):
                continue
            yield Finding(f"{what} changed", path, json.dumps(value, ensure_ascii=False)[:200])

    def _results(self) -> Iterator[Finding]:
        for path, value in self.before.results:
            if not self.covered(path):
                for below, inner in leaves(value):
                    if TOKEN.search(str(inner)) and not self._said(str(inner)):
                        yield Finding("undeclared loss", f"{path}.{below}", repr(inner)[:120])

    def _roles(self) -> Iterator[Finding]:
        paths: dict[str, str] | None = None
        for token, role in self.before.roles.items():
            now = self.after.roles.get(token)
            if now is None or now == role or meanings.same_role(role, now):
                continue
            if paths is None:
                paths = self._token_paths()
            path = paths.get(token, "?")
            if not self.covered(path) and not self._moved(path, role):
                yield Finding("another speaker", path, f"{role} became {now}")
        now_at = {token: number for number, token in enumerate(self.after.order)}
        places = [(now_at[token], token) for token in self.before.order if token in now_at]
        for (one, _), (other, token) in pairwise(places):
            if other < one:
                path = (paths or self._token_paths()).get(token, "?")
                if not self.covered(path):
                    yield Finding("another order", path, token)
                    return

    def _moved(self, path: str, role: str) -> bool:
        return (
            any(loss.path in meanings.BROAD[self.case.origin] for loss in self.losses)
            and role != "tool"
            and bool(path)
        )

    def _token_paths(self) -> dict[str, str]:
        paths: dict[str, str] = {}
        for path, value in leaves(self.body):
            for token in TOKEN.findall(str(value)):
                paths.setdefault(token, path)
        return paths

    def _inventions(self) -> Iterator[Finding]:
        numbers, asked = self.asked.numbers, frozenset(pairs(self.body))
        whole = tuple(path for path, _ in (*self.after.calls, *self.after.schemas))
        for path, value in leaves(self.target):
            if value is None or isinstance(value, bool):
                ok = (path.rsplit(".", 1)[-1], value) in asked or meanings.required(
                    self.case.target, path, value
                )
            elif isinstance(value, str):
                ok = self._clients(value) or meanings.required(self.case.target, path, value)
            else:
                ok = value in numbers or meanings.required(self.case.target, path, value)
            if not ok and not path.startswith(whole):
                yield Finding("made up", path, repr(value)[:120])

    def _clients(self, text: str) -> bool:
        words = self.asked.words
        if text == "" or text in words or text in self.names:
            return True
        if not TOKEN.search(text):
            return meanings.framing(text)
        if re.search(r"[_0][0-9a-f]{8}$", text):
            return True  # a name or an id of the client, fitted
        if text.startswith("data:"):
            return text.split(",", 1)[-1] in words
        if (inner := parsed(text)) is not None:
            return all(
                not isinstance(value, str) or value == "" or value in words or value in self.names
                for _, value in leaves(inner)
            )
        rest = text
        for piece in sorted(
            (word for word in self.asked.strings if word and TOKEN.search(word)), key=len, reverse=True
        ):
            rest = rest.replace(piece, "").replace(piece.strip(), "")
        return meanings.framing(rest)


__all__ = ["Case", "Finding", "Outcome", "audit", "examine"]
