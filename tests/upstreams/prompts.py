"""What the scripted model is asked and what it answers, in no vendor's words.

Each dialect reads its request into a `Prompt` and writes an `Answer` out; the brain stands between.
"""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.upstreams.scenarios import ModelName

Finish = Literal["end", "stop_sequence", "tools", "length", "refusal", "filter", "pause", "context"]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """An offered tool that the client itself runs."""

    name: str
    schema: Any = None
    kind: Literal["function", "custom"] = "function"


@dataclass(frozen=True, kw_only=True)
class ToolResult:
    """What the client says a call gave."""

    call_id: str
    name: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, kw_only=True)
class Media:
    """An image, document or sound; `data` are the decoded bytes, None for a URL or file id."""

    mime: str
    data: bytes | None = None
    reference: str = ""

    @property
    def description(self) -> str:
        """One phrase that proves the bytes arrived intact."""
        if self.data is None:
            return f"{self.mime} at {self.reference}"
        return f"{self.mime} of {len(self.data)} bytes sha256:{hashlib.sha256(self.data).hexdigest()[:12]}"


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One request, read.

    `user_text` is the last ordinary user turn, `aside` what the user says beside tool results; `results` are those of the last tool round and `rounds` counts the
    tool rounds since that turn. `fingerprint` is the same for a request and its streamed twin.
    """

    model: ModelName
    user_text: str
    aside: str = ""
    system_text: str = ""
    prefill: str = ""
    turn: int = 0
    rounds: int = 0
    results: tuple[ToolResult, ...] = ()
    media: tuple[Media, ...] = ()
    tools: tuple[Tool, ...] = ()
    choice: Literal["auto", "none", "required"] = "auto"
    allowed: tuple[str, ...] = ()
    parallel: bool = True
    schema: Any = None
    json_mode: bool = False
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    think: bool = False
    input_tokens: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_long: int = 0
    fingerprint: str = ""


@dataclass(frozen=True, kw_only=True)
class Thought:
    """A block of reasoning; `hidden` reaches the client only as opaque data."""

    text: str
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Call:
    """A tool call; `arguments` is JSON text (plain text for a custom tool). An empty id is filled in."""

    name: str
    arguments: str = "{}"
    id: str = ""
    kind: Literal["function", "custom"] = "function"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Token counts; `input` excludes the cache, `output` includes `reasoning`."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_long: int = 0
    output: int = 0
    reasoning: int = 0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One reply. Without `usage` it is counted from the prompt and the content; without `finish` it is natural."""

    text: str = ""
    thoughts: tuple[Thought, ...] = ()
    calls: tuple[Call, ...] = ()
    finish: Finish | None = None
    stop_sequence: str | None = None
    refusal: str | None = None
    usage: Usage | None = None
    citations: tuple[tuple[str, str], ...] = field(default=())

    @property
    def ending(self) -> Finish:
        """The finish, natural where none is given."""
        return self.finish or ("tools" if self.calls else "end")


def pieces(text: str, *, longest: int = 12) -> list[str]:
    """Split text into what the scripted model calls tokens: a word with the blanks after it, long ones in parts."""
    found: list[str] = []
    for word in re.findall(r"\s*\S+\s*", text) or ([text] if text else []):
        found += [word[i : i + longest] for i in range(0, len(word), longest)]
    return found


def count_tokens(text: str) -> int:
    """Count input tokens: one for each four bytes begun."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)


def usage_of(prompt: Prompt, answer: Answer) -> Usage:
    """Return the answer's own usage or count it."""
    if answer.usage is not None:
        return answer.usage
    reasoning = sum(len(pieces(thought.text)) for thought in answer.thoughts)
    visible = len(pieces(answer.text)) + len(pieces(answer.refusal or ""))
    calls = sum(len(pieces(call.name)) + len(pieces(call.arguments)) for call in answer.calls)
    return Usage(
        input=max(0, prompt.input_tokens - prompt.cache_read - prompt.cache_write),
        cache_read=prompt.cache_read,
        cache_write=prompt.cache_write,
        cache_write_long=prompt.cache_write_long,
        output=reasoning + visible + calls,
        reasoning=reasoning,
    )


def derived_id(prompt: Prompt, prefix: str, *, index: int = 0, length: int = 24) -> str:
    """Derive an id from the request, so that a request and its streamed twin get the same one."""
    digest = hashlib.sha256(f"{prompt.fingerprint}/{prefix}/{index}".encode()).hexdigest()
    return prefix + digest[:length]
