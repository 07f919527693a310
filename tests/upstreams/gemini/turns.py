"""The conversation as the model sees it: contents of one role together, and where the current turn begins."""

from dataclasses import dataclass, field
from typing import Any

Content = dict[str, Any]
Part = dict[str, Any]


@dataclass
class Turn:
    """Consecutive contents of one role; `first` is the index of the first of them."""

    role: str
    first: int
    contents: list[Content] = field(default_factory=list[Content])

    @property
    def parts(self) -> list[Part]:
        """The parts of all contents."""
        return [part for content in self.contents for part in content.get("parts") or ()]

    def of_kind(self, kind: str) -> list[Any]:
        """What the parts of one kind hold."""
        return [part[kind] for part in self.parts if kind in part]

    @property
    def text(self) -> str:
        """The spoken text; a user's parts are a line each, a model's the pieces of one text."""
        between = "" if self.role == "model" else "\n"
        return between.join(
            part["text"] for part in self.parts if part.get("text") and not part.get("thought")
        )


def role_of(content: Content) -> str:
    """Return `model` or `user`; function responses may also come in a role of their own."""
    return "model" if content.get("role") == "model" else "user"


def turns_of(contents: list[Content]) -> list[Turn]:
    """Gather consecutive contents of one role, as those of a replayed stream are."""
    turns: list[Turn] = []
    for index, content in enumerate(contents):
        if not turns or turns[-1].role != role_of(content):
            turns.append(Turn(role_of(content), index))
        turns[-1].contents.append(content)
    return turns


def current_turn(contents: list[Content]) -> int:
    """Return where the current turn begins: at the last user content that is more than function responses."""
    for index in range(len(contents) - 1, -1, -1):
        content = contents[index]
        if role_of(content) == "user" and any(
            "functionResponse" not in part for part in content.get("parts") or ()
        ):
            return index
    return 0
