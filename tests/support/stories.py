"""Answers of several kinds to cut anywhere, and other answers to the same questions."""

import re

from tests.upstreams.brain import PARAPHRASE, STORY

STORIES: dict[str, str] = {
    "english": STORY,
    "long": " ".join(
        f"On day {n} the keeper wrote that the wind had turned, that {n * 7} gulls had passed, and that Anna had not come."
        for n in range(1, 12)
    ),
    "german": (
        "Der Leuchtturmwärter zählte sechzig Wellen, bevor es hell wurde, und jede trug eine Flasche zu den Felsen. "
        "In jeder Flasche lag ein Blatt, auf jedem Blatt ein Wort in blauer Tinte. Am Abend hatte er sie alle getrocknet."
    ),
    "markdown": (
        "# Bottles\n\nThere are three kinds:\n\n- **Green** ones, from the north\n- **Brown** ones, from the west\n\n"
        "1. Dry them.\n2. Sort them.\n\n| Kind | Count |\n| --- | --- |\n| green | 40 |\n| brown | 20 |\n\nThat is all."
    ),
    "code": (
        "Use this:\n\n```python\ndef count(waves: list[str]) -> int:\n    total = 0\n    for wave in waves:\n"
        "        if wave:\n            total += 1\n    return total\n```\n\nIt returns the number of waves that are not empty."
    ),
    "repetitive": "row, row, row your boat, gently down the stream; " * 6 + "merrily, merrily, life is but a dream.",
    "chinese": "守塔人在黎明前数了六十个浪。每个浪都带来一个明亮的瓶子。瓶子里有一张折好的纸，纸上用蓝墨水写着一个词。",
    "unicode": "Grüße 👩‍👩‍👧‍👦 and e\u0301 and 🇺🇳, said the keeper\u2028to a gull; then he went home “at once”.",
}  # fmt: skip

PARAPHRASES: dict[str, str] = {
    "story": PARAPHRASE,
    "poem": "Sixty waves were what the old man counted.\nNot one of them came back to him, he said.",
    "answer": "There were sixty bottles, and a letter was in them; the man put it together on the stairs.",
}


def last_twelve_words(text: str) -> str:
    """Return the end of `text` from its twelfth word from behind."""
    words = list(re.finditer(r"\S+", text))
    return text[words[-min(12, len(words))].start() :] if words else ""
