"""Model names that choose behaviour: `base+scenario+scenario`, or a scenario name alone.

`base` decides what kind of model is played (its family, which parameters it takes), the scenarios what it does.
The last path segment counts, so `acme/claude-sonnet-4-5+redacted` works.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

ThinkingStyle = Literal["any", "manual", "both", "adaptive", "none"]

BEHAVIOURS: dict[str, str] = {
    "reasoning": "Chat: answers with `reasoning_content`, Responses: with open reasoning text (bases named *reasoner* or "
    "*thinking* do so anyway)",
    "reasoning-field": "Chat: the same, but the field is called `reasoning`",
    "reasoning-echo": "Chat: 400 when an assistant message with tool_calls lacks `reasoning_content`",
    "reasoning-echo-forbidden": "Chat: 400 when any assistant message carries `reasoning_content`",
    "reasoning-expired": "Responses: 400 for any `encrypted_content`, as one that is too old",
    "stateless": "Responses: a host that keeps nothing, 400 for `previous_response_id` and `background`",
    "web-search": "Responses: a hosted search runs first, where its tool is offered",
    "redacted": "Anthropic: a `redacted_thinking` block follows the thinking; Responses: inside the encrypted content",
    "refusal": "the model declines (Anthropic stop_reason refusal; Chat message.refusal; Gemini blocks the prompt)",
    "content-filter": "the answer is filtered (Chat content_filter; Anthropic refusal with stop_details; Gemini SAFETY)",
    "finish": "Gemini: with a finish reason: an answer without content that ends so, as in `finish-recitation`",
    "pause-turn": "Anthropic: stop_reason pause_turn",
    "context-full": "Anthropic: stop_reason model_context_window_exceeded; Chat: length",
    "citations": "the text cites a web page (Anthropic citations; Chat url_citation annotations)",
    "empty": "an answer without any content, properly ended",
    "sixty-words": "the sixty-word story, whatever was asked; a trailing assistant turn is ignored",
    "story-same": "same as sixty-words",
    "story-prefill": "the story, honestly continued from a trailing assistant turn",
    "story-overlap": "the same, but the last 12 words of that turn are said again",
    "story-paraphrase": "the story in other words",
    "story-chatty": "the story after `Sure, continuing: `",
    "unicode": "text of many scripts, with U+2028, emoji and combining marks",
    "long": "with a number: that many words, as in `long-2000`",
    "lenient": "fields unknown to the vendor's types are accepted",
    "unchecked": "nothing is validated at all",
    "no-prefill": "400 when the last turn is the assistant's",
    "strict-alternation": "400 for two turns of the same role in a row",
    "system-first": "Chat: 400 for a system message that is not the first",
    "old-max-tokens": "Chat: knows only `max_tokens`; 400 for `max_completion_tokens`",
    "cut": "with a number: the body is written in pieces of that many bytes, as in `cut-1`",
    "cut-random": "with a number: the body is cut at random places, seeded",
    "gap": "with a number: that many milliseconds between the pieces",
    "gzip": "the body is gzip, labelled",
}

QUIRKS: dict[str, str] = {
    "quirk-usage-never": "Chat stream: no usage, though asked",
    "quirk-usage-always": "Chat stream: usage in every chunk",
    "quirk-usage-in-finish": "Chat stream: usage in the finish chunk, none of its own",
    "quirk-usage-unasked": "Chat stream: the usage chunk comes although nobody asked",
    "quirk-no-index": "Chat stream: tool call deltas without `index`",
    "quirk-index-from-one": "Chat stream: tool call indexes start at 1",
    "quirk-repeat-id": "Chat stream: id, type and name repeated in each tool call delta",
    "quirk-whole-calls": "Chat stream: each call whole in one chunk",
    "quirk-late-id": "Chat stream: the call's id comes in its second chunk",
    "quirk-role-always": "Chat stream: role in every delta",
    "quirk-no-role": "Chat stream: no role chunk",
    "quirk-empty-finish": 'Chat stream: finish_reason "" instead of null before the end',
    "quirk-no-space": "`data:{…}` without the blank",
    "quirk-crlf": "CR LF line ends",
    "quirk-cr": "CR line ends",
    "quirk-bom": "the stream begins with a byte order mark",
    "quirk-comments": "comments between the events",
    "quirk-event-lines": "Chat stream: an `event: message` line in each event",
    "quirk-multi-line": "each JSON text spread over several `data:` lines",
    "quirk-no-last-blank": "no blank line after the last event",
    "quirk-no-event-lines": "Responses stream: no `event:` lines",
    "quirk-no-deltas": "Responses stream: items come whole, no delta events",
    "quirk-only-final": "Responses stream: nothing between in_progress and the terminal event",
    "quirk-empty-final": "Responses stream: the terminal event's `output` is empty",
    "quirk-done": "Responses stream: `[DONE]` after the terminal event",
    "quirk-error-event": "Responses stream: errors come as an `error` event, not as response.failed",
    "quirk-nested-error": "Responses stream: the same, with the members inside an `error` object",
    "quirk-split-calls": "Gemini stream: parallel calls come in a chunk each",
    "quirk-finish-early": "Gemini stream: the finish reason comes with the last content, not after it",
    "quirk-call-ids": "Gemini: calls of models before 3 carry ids too",
    "quirk-pings": "Anthropic stream: a ping after every event",
    "quirk-unknown-event": "an event of a type nobody knows",
    "quirk-no-delta-usage": "Anthropic stream: message_delta.usage holds output_tokens only",
    "quirk-arguments-object": "Chat: tool call arguments as an object instead of JSON text",
    "quirk-ascii": "JSON with \\u escapes only",
}

REASONING_BASE = re.compile(r"^(o[1-9]\b|gpt-(?:[5-9]|\d\d)(?!.*-chat))")
PLAIN_OPENAI_BASE = re.compile(r"^(gpt-3\.5|gpt-4)")


@dataclass(frozen=True)
class AnthropicProfile:
    """What one line of Anthropic models takes (facts of the vendor's model pages, November 2026)."""

    pattern: re.Pattern[str]
    thinking: ThinkingStyle
    prefill: bool
    sampling: bool
    max_output: int

    @property
    def takes_system_turns(self) -> bool:
        """Whether a `system` message may stand among the messages."""
        return self.thinking in ("adaptive", "any")

    @property
    def takes_effort(self) -> bool:
        """Whether `output_config.effort` is known."""
        return self.thinking in ("adaptive", "both", "any")


ANTHROPIC_PROFILES = (
    AnthropicProfile(re.compile(r"^claude-3-(5|opus|haiku|sonnet)"), "none", True, True, 8_192),
    AnthropicProfile(re.compile(r"^claude-3-7"), "manual", True, True, 64_000),
    AnthropicProfile(re.compile(r"^claude-opus-4(-[01])?(-\d{8})?$"), "manual", True, True, 32_000),
    AnthropicProfile(
        re.compile(r"^claude-(sonnet|haiku|opus)-4(-5)?(-\d{8})?$"), "manual", True, True, 64_000
    ),
    AnthropicProfile(re.compile(r"^claude-(sonnet|opus)-4-6"), "both", False, True, 128_000),
    AnthropicProfile(re.compile(r"^claude-\w+-(4-[7-9]|[5-9])"), "adaptive", False, False, 128_000),
)
ANY_PROFILE = AnthropicProfile(re.compile(""), "any", True, True, 1_000_000)


@dataclass(frozen=True)
class ModelName:
    """A model name taken apart; `extra` are scenarios that a script adds without showing them in the name."""

    written: str
    extra: tuple[str, ...] = ()

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The `+`-separated parts of the last path segment, and the extra ones."""
        return (*self.written.rsplit("/", 1)[-1].split("+"), *self.extra)

    @cached_property
    def base(self) -> str:
        """The model that is played."""
        return self.parts[0]

    @cached_property
    def family(self) -> str:
        """The base without its date: signatures hold within one family."""
        return re.sub(r"-(\d{8}|latest)$", "", self.base)

    def has(self, name: str) -> bool:
        """Say whether a scenario is asked for."""
        return name in self.parts

    def number(self, name: str) -> int | None:
        """Return N of a scenario written `name-N`, or None."""
        for part in self.parts:
            matched = re.fullmatch(re.escape(name) + r"-(\d+)", part)
            if matched:
                return int(matched.group(1))
        return None

    @property
    def anthropic(self) -> AnthropicProfile:
        """The Anthropic profile of the base; permissive for names that are no vendor's."""
        return next((row for row in ANTHROPIC_PROFILES if row.pattern.search(self.base)), ANY_PROFILE)

    @property
    def reasons_by_effort(self) -> bool:
        """Whether the base is an OpenAI reasoning model (o-series, gpt-5 and later)."""
        return REASONING_BASE.search(self.base) is not None

    @property
    def is_plain_openai(self) -> bool:
        """Whether the base is an OpenAI model that does not reason."""
        return PLAIN_OPENAI_BASE.search(self.base) is not None

    @property
    def shows_reasoning(self) -> bool:
        """Whether the Chat upstream answers with reasoning text."""
        named = any(word in self.base for word in ("reasoner", "thinking"))
        return named or any(self.has(name) for name in ("reasoning", "reasoning-field", "reasoning-echo"))
