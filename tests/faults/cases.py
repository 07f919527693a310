"""What goes wrong, and what a good gateway does about it: the sixteen faults and more, as rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from google.genai import types

from tests.faults.stage import Play

Ending = Literal["whole", "told", "either"]
"""How the caller's answer must end: complete; a clean error; or one of the two, never anything else."""


@dataclass(frozen=True)
class Case:
    """One fault: what the first vendor does, and what must come of it.

    `faults` strike the first attempts in turn, the last one all that follow unless `then_healthy`; or there is
    an `outage` of so many seconds.
    `scenario` is added to the model's name; `conduct` looks at the vendors' logs and complains; `within`
    is the scorecard's bound in seconds, the vendor's own silences included.
    """

    title: str
    faults: tuple[str | None, ...] = ()
    then_healthy: bool = False
    conduct: Callable[[Play], str | None] = lambda _: None
    within: float = 40.0
    ending: Ending = "whole"
    whole_too: bool = True
    address: Literal["unknown host", "not TLS", "deaf", "refused"] | None = None
    scenario: str = ""
    expected: str = ""
    outage: float = 0.0
    asks: int = 1
    every: float = 0.0
    fields: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


def tried(most: int, least: int = 1) -> Callable[[Play], str | None]:
    """Return a check of how often the first vendor was asked."""

    def check(play: Play) -> str | None:
        count = len(play.attempts)
        return None if least <= count <= most else f"asked {count} times, not {least} to {most}"

    return check


def waited(seconds: float) -> Callable[[Play], str | None]:
    """Return a check that the first vendor was asked again, and not before it said."""

    def check(play: Play) -> str | None:
        if len(play.attempts) < 2 or play.gap() < seconds:
            return f"{len(play.attempts)} attempts, {play.gap():.2f} s between the first two"
        hammered = sum(received.at - play.attempts[0].at < 1.5 for received in play.attempts)
        return f"{hammered} attempts within 1.5 s" if hammered > 2 else None

    return check


def backed_off(play: Play) -> str | None:
    """Complain of more than four attempts in three seconds, or six in all."""
    times = [received.at for received in play.attempts]
    soon = sum(at - times[0] < 3 for at in times)
    return f"{len(times)} attempts, {soon} within 3 s" if len(times) > 6 or soon > 4 else None


def in_place(play: Play) -> str | None:
    """Complain where somebody else was asked although nothing of a stream was missing."""
    if play.stream and play.rescues:
        return "the second vendor was asked"
    return tried(6)(play)


def finalised(play: Play) -> str | None:
    """Complain of a rescue, unless the terminator is what tells that the answer ended (Responses, Gemini)."""
    return tried(6)(play) if play.client.place in ("responses", "gemini") else in_place(play)


def never_elsewhere(play: Play) -> str | None:
    """Complain where a second vendor was asked for what must not be done twice."""
    return "asked again" if play.rescues or len(play.attempts) > 1 else None


def reason_told(play: Play) -> str | None:
    """Complain unless the provider's own reason came with its status, asked once."""
    told = play.client.told(play.run.error)
    if not any(reason in told.message for reason in ("usage policy", "content filtering policy", "policy")):
        return f"the reason was {told.message!r}"
    return tried(1)(play) or (None if told.status == 400 else f"status {told.status}")


def recovered(play: Play) -> str | None:
    """Complain of a flood, or of a primary that is not used again within 30 s of its recovery."""
    begun = play.runs[0].began
    healthy = [received.at for received in play.attempts if received.status == 200]
    if not healthy or healthy[0] - begun > 60 + 30:
        return f"back on the primary after {healthy[0] - begun if healthy else 999:.0f} s"
    return tried(20)(play)


_PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: dict[str, dict[str, Any]] = {
    "chat": {
        "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": _PARAMETERS}}],
        "tool_choice": "required",
    },
    "responses": {
        "tools": [{"type": "function", "name": "get_weather", "parameters": _PARAMETERS, "strict": False}],
        "tool_choice": "required",
    },
    "claude": {
        "tools": [{"name": "get_weather", "input_schema": _PARAMETERS}],
        "tool_choice": {"type": "any"},
    },
    "gemini": {
        "config": types.GenerateContentConfig(
            tools=[
                types.Tool(
                    function_declarations=[
                        types.FunctionDeclaration(name="get_weather", parameters_json_schema=_PARAMETERS)
                    ]
                )
            ],
            tool_config=types.ToolConfig(
                function_calling_config=types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)
            ),
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
    },
}
THINKING: dict[str, dict[str, Any]] = {
    "chat": {"reasoning_effort": "high"},
    "responses": {"reasoning": {"effort": "high", "summary": "auto"}},
    "claude": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
    "gemini": {
        "config": types.GenerateContentConfig(
            thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=2000)
        )
    },
}
COUNTED = " ".join(f"word{number}" for number in range(20))

CASES: dict[str, Case] = {
    "S01": Case("429 with Retry-After once", ("fault-429-retry-after",), True, waited(1.8), 20),
    "S02": Case("429 for ever", ("fault-429",), conduct=backed_off),
    "S03": Case("500 once", ("fault-500",), True, tried(6, least=2), 20),
    "S04": Case("503 for ever", ("fault-503",), conduct=tried(6)),
    "S05": Case("TCP reset before the head, once", ("fault-reset",), True, within=20),
    # A whole answer that takes long cannot be told from one that never comes.
    "S06": Case(
        "accepts, then silence", ("fault-hang-headers",), conduct=tried(1), within=100, whole_too=False
    ),
    "S07": Case("first token after 20 s", ("fault-slow-first-token",), conduct=tried(6), within=40),
    "S08": Case("dies after 40 of 60 tokens", ("fault-cut@40",), conduct=tried(6)),
    "S09": Case("silence after 20 tokens, then closed", ("fault-stall@20",), conduct=tried(6), within=45),
    "S10": Case("the tenth event is broken", ("fault-badjson-frame@9",), conduct=in_place),
    "S11": Case("no terminator", ("fault-no-terminator",), conduct=finalised, within=8),
    "S12": Case("context too long", ("fault-context-length",), conduct=tried(1)),
    "S13": Case("policy refusal", ("fault-content-policy",), conduct=reason_told, ending="told"),
    "S14": Case("dies, and no prefill elsewhere", ("fault-cut@40",), conduct=tried(6), scenario="no-prefill"),
    "S15": Case("503 for 60 s", outage=60.0, conduct=recovered, asks=23, every=4.0),
    "S16": Case("503 for ever, who answered", ("fault-503",), conduct=tried(6)),
    "retry-after-ms": Case("429, Retry-After in ms", ("fault-429-retry-after-ms",), True, waited(1.8), 20),
    "retry-after-date": Case("429, a date", ("fault-429-retry-after-date@2",), True, waited(0.9), 20),
    "body-hint": Case("429, told in the body", ("fault-429-hint",), True, waited(1.4), 20),
    "dns": Case("unknown host", address="unknown host"),
    "tls": Case("no TLS where it is spoken", address="not TLS"),
    "connect": Case("nobody picks up", address="deaf"),
    "refused": Case("connection refused", address="refused"),
    "gzip": Case("gzip reply", ("fault-gzip",), conduct=in_place),
    "zero-events": Case("200 and no event", ("fault-empty-stream",), conduct=tried(2)),
    "first-frame": Case("error in the first frame", ("fault-200-error-first-event",), conduct=tried(2)),
    "preamble": Case("error after the preamble", ("fault-midstream-error@0",), conduct=tried(2)),
    "html": Case("an HTML page, 502", ("fault-html",), conduct=tried(2)),
    "html-200": Case("an HTML page, 200", ("fault-html-200",), conduct=tried(2)),
    "drip": Case(
        "one token a second",
        conduct=in_place,
        within=70,
        scenario="long-20+gap-1000",
        expected=COUNTED,
        whole_too=False,
    ),
    "ignores-stream": Case("JSON though a stream was asked for", ("fault-ignores-stream",), conduct=in_place),
    "garbage": Case("broken framing after 40 tokens", ("fault-bad-chunk@40",), conduct=tried(6)),
    "half-event": Case("ends within an event", ("fault-half-event@40",), conduct=tried(6)),
    "midstream-error": Case(
        "an error event after 40 tokens", ("fault-midstream-error@40",), conduct=tried(6)
    ),
    "in-a-call": Case(
        "dies inside a tool call",
        ("fault-cut@2",),
        conduct=never_elsewhere,
        ending="told",
        whole_too=False,
        scenario="gap-20",
        fields=TOOLS,
    ),
    "in-thought": Case(
        "dies while it thinks",
        ("fault-cut@2",),
        ending="either",
        whole_too=False,
        scenario="reasoning+gap-20",
        fields=THINKING,
    ),
}

__all__ = ["CASES", "Case"]
