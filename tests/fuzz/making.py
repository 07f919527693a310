"""Makes the values requests are filled with: everything a client wrote by itself can be found again.

Each word holds a token (`k17k`) that stands nowhere else in the request, each number is another one. What a
translation keeps is then found by searching, and what it makes up is found by not being the client's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
Json = dict[str, Any]

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
JPEG = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgH"
PDF = "JVBERi0xLjQKMSAwIG9iajw8L1R5cGUv"
WEBP = "UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEA"

_FORMS: tuple[Callable[[str, str], str], ...] = (
    lambda a, _: a,
    lambda a, b: f"{a} {b}",
    lambda a, _: f"{a} Größe 東京 \U0001f600 \u202eRTL",
    lambda a, b: f"{a}\n\n{b}",
    lambda a, _: f'{a} "quoted" \\ back\tslash',
    lambda a, _: f" {a} in blanks ",
    lambda a, _: f"{a}</s><b>&amp;{{}}",
    lambda a, _: f"{a}\u2028line\u0000nul",
    lambda a, _: f'```json\n{{"x": "{a}"}}\n```',
)


class Maker:
    """The values of one request, the same for the same seed."""

    __slots__ = ("count", "random")

    def __init__(self, seed: int | str) -> None:
        self.random = Random(seed)
        self.count = 0

    def word(self) -> str:
        """Return a token of its own."""
        self.count += 1
        return f"k{self.count}k"

    def text(self) -> str:
        """Return words in some form that text takes."""
        form = self.random.choice(_FORMS) if self.random.random() < 0.5 else _FORMS[1]
        return form(self.word(), self.word())

    def number(self) -> int:
        """Return a whole number of its own."""
        self.count += 1
        return 2000 + self.count * 7 + self.random.randrange(7)

    def fraction(self, least: float, most: float) -> float:
        """Return a number of its own between two, each decimal of which can be written."""
        self.count += 1
        step = 10_000 * (most - least)
        place = self.random.randrange(1, int(step) - 1) / 10_000
        return round(least + place + self.count / 10_000_000, 7)

    def chance(self, likely: float) -> bool:
        """Return true so often of one."""
        return self.random.random() < likely

    def one(self, *choices: T) -> T:
        """Return one of some."""
        return self.random.choice(choices)

    def flag(self) -> bool:
        """Return true or false."""
        return self.random.random() < 0.5

    def some(self, make: Callable[[], T], most: int, least: int = 0) -> list[T]:
        """Return so many made values."""
        return [make() for _ in range(self.random.randint(least, most))]

    def put(self, target: Json, likely: float, **made: Callable[[], Any]) -> None:
        """Give `target` each of the members with that likelihood."""
        for name, make in made.items():
            if self.random.random() < likely:
                target[name] = make()

    def pick(self, kinds: Sequence[tuple[float, Callable[[], T]]]) -> T:
        """Return what one of the kinds makes, each as likely as its weight."""
        makers = [make for _, make in kinds]
        return self.random.choices(makers, [weight for weight, _ in kinds])[0]()

    def value(self, depth: int = 2) -> Any:
        """Return any JSON value; members have names of their own."""
        roll = self.random.random()
        if depth and roll < 0.15:
            return {self.word(): self.value(depth - 1) for _ in range(self.random.randint(0, 3))}
        if depth and roll < 0.25:
            return [self.value(depth - 1) for _ in range(self.random.randint(0, 3))]
        return self.one(self.text, self.text, self.number, self.flag, lambda: None, lambda: 0, lambda: "")()

    def object(self, most: int = 3, least: int = 0) -> Json:
        """Return any JSON object; its members have names of their own."""
        return {self.word(): self.value() for _ in range(self.random.randint(least, most))}

    def unknown(self, target: Json, likely: float = 0.04) -> Json:
        """Give `target` a member nobody knows, now and then, and return it."""
        if self.random.random() < likely:
            target[f"x_{self.word()}"] = self.value()
        if self.random.random() < likely / 4:
            target[f"x_{self.word()}"] = None
        return target

    def name(self) -> str:
        """Return the name of a tool; some fit no vendor's rule."""
        word = self.word()
        roll = self.random.random()
        if roll < 0.85:
            return f"fn_{word}"
        return self.one(
            f"{word}.dotted/name",
            f"{word} with spaces é",
            f"{word}{'x' * 80}",
            f"mcp__{word}__do",
            f"1{word}",
        )

    def call_id(self, prefix: str) -> str:
        """Return the id of a call; some fit no vendor's rule."""
        word = self.word()
        roll = self.random.random()
        if roll < 0.9:
            return f"{prefix}{word}"
        return self.one(f"{word}.a:b|c", f"{word}{'y' * 70}", f"{word} é")

    def data(self, start: str = PNG) -> str:
        """Return bytes in base64 that begin as a file of some type does."""
        word = self.word()
        return f"{start}{word}{'A' * (-len(word) % 4)}"

    def url(self, kind: str = "png") -> str:
        """Return an address."""
        return f"https://files.example/{self.word()}.{kind}"

    def arguments(self) -> Json:
        """Return the arguments of a call."""
        return self.object(4)

    def schema(self, depth: int = 2) -> Json:
        """Return the JSON schema of an object, plain or with all that schemas may hold."""
        schema: Json = {"type": "object"}
        names = [self.word() for _ in range(self.random.randint(0, 3))]
        schema["properties"] = {name: self._property(depth) for name in names}
        if names and self.flag():
            schema["required"] = names[: self.random.randint(1, len(names))]
        self.put(
            schema, 0.12,
            description=self.text, additionalProperties=self.flag, title=self.word,
        )  # fmt: skip
        if self.chance(0.05):
            schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        if names and self.chance(0.08):
            schema["$defs"] = {self.word(): {"type": "string", "description": self.text()}}
            target = next(iter(schema["$defs"]))
            schema["properties"][self.word()] = {"$ref": f"#/$defs/{target}"}
        return schema

    def _property(self, depth: int) -> Any:
        kinds: list[tuple[float, Callable[[], Any]]] = [
            (6, lambda: {"type": "string", "description": self.text()}),
            (2, lambda: {"type": "string", "enum": [self.word(), self.word()]}),
            (2, lambda: {"type": "integer", "minimum": self.number(), "maximum": self.number()}),
            (1, lambda: {"type": "number", "default": self.fraction(0, 9)}),
            (1, lambda: {"type": ["string", "null"], "pattern": f"^{self.word()}$"}),
            (1, lambda: {"anyOf": [{"type": "string"}, {"type": "null"}], "description": self.text()}),
            (1, lambda: {"type": "boolean"}),
            (1, lambda: {"type": "array", "items": self._property(0), "minItems": 1}),
            (1, lambda: {"const": self.word()}),
            (0.5, dict),
            (0.5, lambda: True),
        ]
        if depth:
            kinds.append((2, lambda: self.schema(depth - 1)))
        return self.pick(kinds)


__all__ = ["JPEG", "PDF", "PNG", "WEBP", "Json", "Maker"]
