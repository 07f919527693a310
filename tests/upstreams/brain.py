"""The scripted model: a deterministic answer to any prompt.

Plain text is echoed with everything else that arrived (system text, media by length and digest); offered tools
are called when the choice forces it or the user speaks of them; results are quoted; schemas are filled.
"""

import re
from dataclasses import replace

from tests.upstreams.instances import instance_text
from tests.upstreams.prompts import Answer, Call, Finish, Prompt, Thought, Tool, derived_id, pieces

STORY = (
    "The lighthouse keeper counted sixty waves before dawn, and each one carried a bright bottle toward "
    "the rocks below. Inside every bottle lay a folded page, and on every page a careful word was "
    "written in blue ink. By evening he had dried them all, pinned them along the stair, and read the "
    "letter his sister had been sending home."
)
PARAPHRASE = (
    "A keeper of a lighthouse watched the sea until morning. Bottles came in with the tide, sixty of them, and "
    "a word was hidden in each. Once he had put the words in order on the staircase wall, he understood that "
    "they were a letter from his sister."
)
UNICODE = (
    "Grüße, Ελλάδα, мир, שלום, سلام, नमस्ते, 你好世界, こんにちは, 안녕! "
    "Family: 👩‍👩‍👧‍👦, flag: 🇺🇳, combining: e\u0301, separators:\u2028\u2029\u0085\u200b end. "
    'Quotes " and \\ and \t tab, astral \U0001f600.'
)
CITATION = ("https://example.com/lighthouse", "The lighthouse")
WORDS_OF_COUNT = {"two": 2, "three": 3, "four": 4, "five": 5}
ECHO_LIMIT = 400


def answer(prompt: Prompt) -> Answer:
    """Return what the scripted model says."""
    thoughts = _thoughts(prompt)
    special = _special(prompt)
    if special is not None:
        return replace(special, thoughts=special.thoughts or thoughts)
    calls = _calls(prompt)
    if calls:
        text = "I will look that up." if "explain" in prompt.user_text.lower() else ""
        return Answer(text=text, thoughts=thoughts, calls=calls)
    citations = (CITATION,) if prompt.model.has("citations") else ()
    return limited(prompt, Answer(text=_text(prompt), thoughts=thoughts, citations=citations))


def limited(prompt: Prompt, full: Answer) -> Answer:
    """Apply stop sequences and the output cap, reasoning first, as a vendor does."""
    text, finish, stop_sequence = full.text, full.finish, full.stop_sequence
    found = [(text.find(stop), stop) for stop in prompt.stop if stop and stop in text]
    if found:
        position, stop_sequence = min(found)
        text, finish = text[:position], "stop_sequence"
    if prompt.max_tokens is not None:
        room = prompt.max_tokens - sum(len(pieces(thought.text)) for thought in full.thoughts)
        tokens = pieces(text)
        if len(tokens) > room:
            text, finish, stop_sequence = "".join(tokens[: max(0, room)]), "length", None
    return replace(full, text=text, finish=finish, stop_sequence=stop_sequence)


SPECIAL_ENDINGS: dict[str, tuple[str, Finish]] = {
    "content-filter": ("", "filter"),
    "pause-turn": ("Let me think about that for longer.", "pause"),
    "context-full": ("There is no room for", "context"),
    "empty": ("", "end"),
}


def _special(prompt: Prompt) -> Answer | None:
    if prompt.model.has("refusal"):
        return Answer(refusal="I can't help with that.", finish="refusal")
    for name, (text, finish) in SPECIAL_ENDINGS.items():
        if prompt.model.has(name):
            return Answer(text=text, finish=finish)
    return None


def _thoughts(prompt: Prompt) -> tuple[Thought, ...]:
    if not prompt.think:
        return ()
    subject = prompt.user_text[:60]
    step = f" Step {prompt.rounds + 1}." if prompt.rounds else ""
    shown = Thought(text=f"The user says {subject!r}.{step} I should answer plainly.")
    if prompt.model.has("redacted"):
        return (shown, Thought(text=f"Hidden thought, turn {prompt.turn}.", hidden=True))
    return (shown,)


def _calls(prompt: Prompt) -> tuple[Call, ...]:
    tools = [tool for tool in prompt.tools if not prompt.allowed or tool.name in prompt.allowed]
    if not tools or prompt.choice == "none":
        return ()
    spoken = prompt.user_text.lower()
    if prompt.choice == "auto":
        wanted = "use the tool" in spoken or "use both tools" in spoken or "weather" in spoken
        if not wanted or prompt.rounds >= _steps(spoken):
            return ()
    named = [
        tool for tool in tools if re.search(rf"(?<![\w-]){re.escape(tool.name.lower())}(?![\w-])", spoken)
    ]
    chosen = (named or tools)[:1]
    if prompt.parallel and "two cities" in spoken:
        chosen = chosen * 2
    elif prompt.parallel and "both tools" in spoken:
        chosen = tools[:2]
    return tuple(_call(prompt, tool, index) for index, tool in enumerate(chosen))


def _call(prompt: Prompt, tool: Tool, index: int) -> Call:
    arguments = f"free text {index + 1}" if tool.kind == "custom" else _arguments(tool, prompt.rounds + index)
    return Call(id=derived_id(prompt, "", index=index), name=tool.name, arguments=arguments, kind=tool.kind)


def _arguments(tool: Tool, variant: int) -> str:
    text = instance_text(tool.schema or {"type": "object"}, variant=variant)
    return text if text.startswith("{") else "{}"


def _steps(spoken: str) -> int:
    matched = re.search(r"in (\w+) steps", spoken)
    if not matched:
        return 1
    word = matched.group(1)
    return WORDS_OF_COUNT.get(word, int(word) if word.isdigit() else 1)


def _text(prompt: Prompt) -> str:
    fixed = _fixed_text(prompt)
    if fixed is not None:
        return fixed
    if prompt.schema is not None:
        return instance_text(prompt.schema)
    if prompt.json_mode:
        return '{"answer":"yes","number":7}'
    said = _quoted(prompt) if prompt.results else f"You said: {_shortened(prompt.user_text)}"
    lines = [said]
    if prompt.aside:
        lines.append(f"Also: {_shortened(prompt.aside)}")
    if prompt.system_text:
        lines.append(f"System: {_shortened(prompt.system_text)}")
    lines += [f"Seen: {media.description}" for media in prompt.media]
    return "\n".join(lines)


def _fixed_text(prompt: Prompt) -> str | None:
    model, given = prompt.model, prompt.prefill
    if model.has("sixty-words") or model.has("story-same"):
        return STORY
    if model.has("story-paraphrase"):
        return PARAPHRASE
    if model.has("story-chatty"):
        return "Sure, continuing: " + _rest(given)
    if model.has("story-prefill"):
        return _rest(given)
    if model.has("story-overlap"):
        return _rest(given, overlap=12)
    if model.has("unicode"):
        return UNICODE
    length = model.number("long")
    return " ".join(f"word{i}" for i in range(length)) if length is not None else None


def _rest(given: str, *, overlap: int = 0) -> str:
    """Return the story from where the prefill stops, less `overlap` words."""
    if not given or not STORY.startswith(given.rstrip()):
        return STORY
    start = len(given.rstrip())
    if overlap:
        words = list(re.finditer(r"\S+", STORY[:start]))
        return STORY[words[-min(overlap, len(words))].start() :]
    return STORY[start:]


def _quoted(prompt: Prompt) -> str:
    said = [f"{r.name} {'failed' if r.is_error else 'said'}: {_shortened(r.text)}" for r in prompt.results]
    return "; ".join(said)


def _shortened(text: str) -> str:
    return text if len(text) <= ECHO_LIMIT else f"{text[:ECHO_LIMIT]}… ({len(text)} characters)"
