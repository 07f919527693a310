"""What the vendor keeps: responses by id and account, their items, and the conversations they form."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from tests.upstreams.dialect import Exchange, Refusal
from tests.upstreams.frames import Frame
from tests.upstreams.openai_chat.shapes import bad
from tests.upstreams.openai_responses.shapes import Item, kind_of

NULL = ""
"""The code of errors that have none, where the status alone would suggest one."""


@dataclass
class Kept:
    """One response with what led to it; `frames` only where its stream may be fetched again."""

    response: dict[str, Any]
    input: list[Item]
    history: list[Item]
    frames: list[Frame] = field(default_factory=list[Frame])
    pending: bool = False


@dataclass(frozen=True)
class Thread:
    """A conversation: the items of the responses before, and the request's own."""

    before: list[Item]
    own: list[Item]

    @property
    def all(self) -> list[Item]:
        """All items in order."""
        return [*self.before, *self.own]


class Keeper:
    """Keeps responses in memory; nobody sees those of another account."""

    def __init__(self) -> None:
        self._responses: dict[tuple[str, str], Kept] = {}

    def forget(self) -> None:
        """Drop everything."""
        self._responses.clear()

    def keep(self, account: str, kept: Kept) -> None:
        """Keep one response."""
        self._responses[account, kept.response["id"]] = kept

    def find(self, account: str, response_id: str) -> Kept:
        """Return one response; raises Refusal (404)."""
        found = self._responses.get((account, response_id))
        if found is None:
            raise Refusal(404, f"Response with id '{response_id}' not found.", code=NULL)
        return found

    def delete(self, account: str, response_id: str) -> None:
        """Delete one response; raises Refusal (404)."""
        self.find(account, response_id)
        del self._responses[account, response_id]

    def item(self, account: str, item_id: str) -> Item | None:
        """Return a kept item by its id, None if there is none."""
        return next((item for item in self._items(account) if item.get("id") == item_id), None)

    def reasoning_before(self, account: str, item_id: str) -> str | None:
        """Return the id of the kept reasoning item that a kept item came out of, None if there is none."""
        for kept in self._of(account):
            reasoning: str | None = None
            for item in kept.response["output"]:
                if item["type"] == "reasoning":
                    reasoning = item["id"]
                elif item.get("id") == item_id:
                    return reasoning
        return None

    def thread(self, exchange: Exchange) -> Thread:
        """Return the conversation of a request, references resolved; raises Refusal for what is not kept."""
        body, account = exchange.body, exchange.account
        before: list[Item] = []
        previous = body.get("previous_response_id")
        if previous is not None and (account, previous) in self._responses:
            before = self._responses[account, previous].history
        elif previous is not None and not exchange.model.has("unchecked"):
            raise _no_previous(previous)
        own = [self._resolved(account, item) for item in input_items(body)]
        return Thread(before, own)

    def _resolved(self, account: str, item: Item) -> Item:
        by_id_only = kind_of(item) == "item_reference"
        bare = kind_of(item) == "reasoning" and not item.get("encrypted_content") and bool(item.get("id"))
        if not by_id_only and not bare:
            return item
        found = self.item(account, item["id"])
        if found is None:
            raise Refusal(
                404,
                f"Item with id '{item['id']}' not found. Items are not persisted when `store` is set to false. Try "
                "again with `store` set to true, or remove this item from your input.",
                param="input",
                code=NULL,
            )
        return found

    def _of(self, account: str) -> Iterator[Kept]:
        return (kept for (owner, _), kept in self._responses.items() if owner == account)

    def _items(self, account: str) -> Iterator[Item]:
        for kept in self._of(account):
            yield from kept.history


def input_items(body: dict[str, Any]) -> list[Item]:
    """Return the input as items; a string is one user message."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}] if given else []
    return cast(list[Item], given or [])


def _no_previous(response_id: str) -> Refusal:
    if not response_id.startswith("resp"):
        return bad(
            f"Invalid 'previous_response_id': '{response_id}'. Expected an ID that begins with 'resp'.",
            param="previous_response_id",
            code="invalid_value",
        )
    return Refusal(
        404,
        f"Previous response with id '{response_id}' not found.",
        param="previous_response_id",
        code="previous_response_not_found",
    )


def listed(items: list[Item], query: dict[str, str]) -> dict[str, Any]:
    """Write one page of items, newest first unless `order=asc`; raises Refusal for a strange query."""
    limit = query.get("limit", "20")
    if not limit.isdigit() or not 1 <= int(limit) <= 100:
        raise bad("Invalid 'limit': expected an integer from 1 to 100.", param="limit", code="invalid_value")
    ordered = items if query.get("order") == "asc" else items[::-1]
    ids = [item["id"] for item in ordered]
    after = query.get("after")
    if after is not None and after not in ids:
        raise bad(f"Invalid 'after': no item with id '{after}'.", param="after", code="invalid_value")
    rest = ordered[ids.index(after) + 1 :] if after is not None else ordered
    page = rest[: int(limit)]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(rest) > len(page),
    }
