"""The seam between the scripted upstream and the vendors it plays: one sub-package per dialect implements it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from tests.upstreams.frames import Frame
from tests.upstreams.prompts import Answer, Prompt
from tests.upstreams.received import Received
from tests.upstreams.reply import Reply
from tests.upstreams.scenarios import ModelName

Form = Literal["sse", "array"]
Route = Literal["generate", "embed", "compact", "count_tokens", "models", "model", "resource"]


@dataclass(eq=False)
class Refusal(Exception):
    """The vendor says no. `type` and `code` fall to the dialect's usual ones for the status where empty."""

    status: int
    message: str
    type: str = ""
    code: str | None = None
    param: str | None = None
    details: dict[str, Any] | list[dict[str, Any]] | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Exchange:
    """One request with what the server knows about it."""

    received: Received
    model: ModelName
    account: str
    request_id: str
    body: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def lenient(self) -> bool:
        """Whether fields unknown to the vendor's types are accepted."""
        return self.model.has("lenient")


class Dialect(ABC):
    """One vendor's wire format, from the vendor's side."""

    name: str
    refusals: ClassVar[dict[str, Refusal]]
    line_end: ClassVar[bytes] = b"\n"

    @abstractmethod
    def route(self, received: Received) -> Route | None:
        """Say which of this vendor's routes a request is for, None if it is not one."""

    @abstractmethod
    def credential(self, received: Received) -> str | None:
        """Return the credential presented, None if there is none."""

    @abstractmethod
    def check_headers(self, received: Received) -> None:
        """Raise Refusal when a header that the vendor requires is missing."""

    def model_named(self, received: Received) -> str:
        """Return the model that a request names, empty if it names none."""
        if received.method == "GET":
            return received.path.removeprefix("/v1/models/")
        body: Any = received.json
        name = body.get("model") if isinstance(body, dict) else None
        return name if isinstance(name, str) else ""

    def form(self, received: Received) -> Form:
        """Say how a stream is framed: as events or as one JSON array."""
        return "sse"

    @abstractmethod
    def check(self, exchange: Exchange) -> None:
        """Raise Refusal unless the body fits the vendor's types and rules."""

    @abstractmethod
    def check_count(self, exchange: Exchange) -> None:
        """The same for a token count."""

    @abstractmethod
    def read(self, exchange: Exchange) -> Prompt:
        """Read a valid body."""

    @abstractmethod
    def whole(self, exchange: Exchange, prompt: Prompt, answers: Sequence[Answer]) -> dict[str, Any]:
        """Write the answer as one JSON object."""

    @abstractmethod
    def stream(self, exchange: Exchange, prompt: Prompt, answers: Sequence[Answer]) -> list[Frame]:
        """Write the same answer as events."""

    @abstractmethod
    def choices(self, exchange: Exchange) -> int:
        """How many answers the request wants."""

    @abstractmethod
    def count(self, exchange: Exchange, prompt: Prompt) -> dict[str, Any]:
        """Write the token count."""

    def embed(self, exchange: Exchange) -> dict[str, Any]:
        """Write the embeddings of a valid body, or raise Refusal; only where the vendor makes them."""
        raise Refusal(404, "Invalid URL")

    def compact(self, exchange: Exchange) -> dict[str, Any]:
        """Write the compaction of a valid body, or raise Refusal; only where the vendor compacts."""
        raise Refusal(404, "Invalid URL")

    def resource(self, received: Received, request_id: str) -> Reply:
        """Answer for something the vendor keeps, or raise Refusal; only where it keeps anything."""
        raise Refusal(404, "Invalid URL")

    def forget(self) -> None:
        """Drop what the vendor keeps."""
        return

    @abstractmethod
    def models(self, received: Received, names: Sequence[str]) -> dict[str, Any]:
        """Write the model list, a page of it where the vendor pages."""

    @abstractmethod
    def one_model(self, name: str) -> dict[str, Any]:
        """Write one model's record."""

    @abstractmethod
    def envelope(self, refusal: Refusal, request_id: str) -> dict[str, Any]:
        """Write an error body."""

    def error_body(self, refusal: Refusal, request_id: str, *, received: Received) -> Any:
        """Write the body of a refused request."""
        return self.envelope(refusal, request_id)

    @abstractmethod
    def error_frame(self, refusal: Refusal, request_id: str) -> Frame:
        """Write an error inside a stream."""

    def break_off(self, refusal: Refusal, request_id: str, *, sent: Sequence[Frame]) -> list[Frame]:
        """Write the error that ends a stream of which these frames have left."""
        return [self.error_frame(refusal, request_id)]

    @abstractmethod
    def headers(self, request_id: str) -> tuple[tuple[str, str], ...]:
        """Return the headers that the vendor sends with every reply."""

    @abstractmethod
    def model_missing(self, name: str) -> Refusal:
        """The refusal for a model that does not exist."""

    @abstractmethod
    def unauthorized(self, credential: str | None) -> Refusal:
        """The refusal for a missing or wrong credential."""
