"""Which requests a member or a rule is meant for: conditions, and what they are held against.

Each condition tells how deep a look at the request it needs. What is not known (a name explained
without a request) is no obstacle to a member of a combo; the choice is then left open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from flowrouter.canonical.head import Counts, Texts
from flowrouter.settings.routing import Conditions

_FLAGS = (
    ("images", "pictures"),
    ("tools", "tools"),
    ("thinking", "reasoning"),
    ("web_search", "a web search"),
)


class Circumstances:
    """One request as conditions see it; the costly parts are looked at when the first rule asks.

    `tokens` estimates the input (given these), `counts` reads counts and flags (None: the body cannot be read),
    `minute` is the local minute of the day, `tags` are those of the gateway key. `texts` reads the words
    (None: the body cannot be read), `max_output` is the client's limit for the answer in tokens.
    """

    __slots__ = (
        "_counts", "_minute", "_read", "_texts", "_tokens", "_words", "max_output", "tags", "user_agent"
    )  # fmt: skip

    def __init__(
        self,
        *,
        counts: Callable[[], Counts | None],
        tokens: Callable[[Circumstances], int],
        minute: Callable[[], int],
        user_agent: str = "",
        tags: tuple[str, ...] = (),
        texts: Callable[[], Texts | None] | None = None,
        max_output: int | None = None,
    ) -> None:
        self._counts: Callable[[], Counts | None] = counts
        self._tokens = tokens
        self._minute = minute
        self._read: tuple[Counts | None] | None = None
        self._texts = texts
        self._words: tuple[Texts | None] | None = None
        self.user_agent = user_agent
        self.tags = tags
        self.max_output = max_output

    @property
    def counts(self) -> Counts | None:
        """Return counts and flags, read once."""
        if self._read is None:
            self._read = (self._counts(),)
        return self._read[0]

    @property
    def texts(self) -> Texts | None:
        """Return the words, read once."""
        if self._words is None:
            self._words = (None if self._texts is None else self._texts(),)
        return self._words[0]

    @property
    def tokens(self) -> int:
        """Return the estimated input tokens."""
        return self._tokens(self)

    @property
    def minute(self) -> int:
        """Return the local minute of the day."""
        return self._minute()

    def has(self, flag: str) -> bool | None:
        """Return whether the request has what `flag` names; None where its body cannot be read."""
        counts = self.counts
        return None if counts is None else bool(getattr(counts, flag))


def is_open(when: Conditions) -> bool:
    """Return whether `when` asks for nothing."""
    return when == _NONE


def unmet(when: Conditions, now: Circumstances) -> str | None:
    """Return why a request is none of those that `when` is about; None where it is."""
    return None if when == _NONE else next(_obstacles(when, now), None)


def told(when: Conditions) -> str:
    """Return the conditions as a person writes them: `max_tokens 8000, tools false`."""
    values = ((name, getattr(when, name)) for name in when.__struct_fields__)
    return ", ".join(f"{name} {_shown(value)}" for name, value in values if value not in (None, ()))


def minutes_of(hours: str) -> tuple[int, int]:
    """Return the minutes of the day that `22:00-06:00` begins and ends with."""
    begin, end = (int(time[:2]) * 60 + int(time[3:]) for time in hours.split("-"))
    return begin, end


def _obstacles(when: Conditions, now: Circumstances) -> Iterator[str]:
    # Ordered by what they cost: what needs no look at the body comes first.
    if when.user_agent is not None and not fnmatchcase(now.user_agent.lower(), when.user_agent.lower()):
        yield f"meant for clients {when.user_agent!r}"
    if missing := [tag for tag in when.tags if tag not in now.tags]:
        yield f"meant for keys tagged {missing[0]!r}"
    if when.hours is not None and not _within(now.minute, when.hours):
        yield f"meant for {when.hours}"
    yield from _of_content(when, now)


def _of_content(when: Conditions, now: Circumstances) -> Iterator[str]:
    if when.min_tokens is not None and now.tokens < when.min_tokens:
        yield f"meant for {when.min_tokens} tokens and more, this request has about {now.tokens}"
    if when.max_tokens is not None and now.tokens > when.max_tokens:
        yield f"meant for up to {when.max_tokens} tokens, this request has about {now.tokens}"
    for flag, called in _FLAGS:
        wanted: bool | None = getattr(when, flag)
        if wanted is not None and now.has(flag) is not wanted:
            yield f"meant for requests {'with' if wanted else 'without'} {called}"


def _within(minute: int, hours: str) -> bool:
    """Return whether a minute lies in `hours`, which may pass midnight; equal ends are the whole day."""
    begin, end = minutes_of(hours)
    if begin < end:
        return begin <= minute < end
    return minute >= begin or minute < end


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "+".join(str(item) for item in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return str(value).lower() if isinstance(value, bool) else str(value)


_NONE = Conditions()

__all__ = ["Circumstances", "is_open", "minutes_of", "told", "unmet"]
