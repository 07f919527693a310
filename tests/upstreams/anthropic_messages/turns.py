"""What Anthropic refuses about the conversation itself: turns, blocks, tool results, reasoning seals."""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

from tests.upstreams.anthropic_messages.shapes import bad, is_beta
from tests.upstreams.dialect import Exchange
from tests.upstreams.reading import appears_as, decode_base64
from tests.upstreams.signing import is_concealed, is_sealed

Block = dict[str, Any]
TOOL_ID = re.compile(r"^[a-zA-Z0-9_-]+$")
TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,128}$")
REASONING = ("thinking", "redacted_thinking")


@dataclass
class Turn:
    """Consecutive messages of one role, which the server takes as one; blocks with their place."""

    role: str
    blocks: list[tuple[str, Block]] = field(default_factory=list[tuple[str, Block]])
    first_message: int = 0

    def of_type(self, kind: str) -> list[tuple[str, Block]]:
        """The blocks of one type."""
        return [(where, block) for where, block in self.blocks if block["type"] == kind]


def blocks_of(content: Any) -> list[Block]:
    """Return content as blocks; a string is one text block."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return cast(list[Block], content)


def turns_of(messages: list[dict[str, Any]]) -> list[Turn]:
    """Merge consecutive messages of one role; system messages stand outside the turns."""
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        if message["role"] == "system":
            continue
        if not turns or turns[-1].role != message["role"]:
            turns.append(Turn(message["role"], first_message=index))
        for number, block in enumerate(blocks_of(message["content"])):
            turns[-1].blocks.append((f"messages.{index}.content.{number}", block))
    return turns


def check_turns(exchange: Exchange) -> None:
    """Raise Refusal at the first thing wrong with the conversation."""
    messages: list[dict[str, Any]] = exchange.body["messages"]
    _check_order(exchange, messages)
    for index, message in enumerate(messages):
        _check_filled(index, message, is_last=index == len(messages) - 1)
    turns = turns_of(messages)
    for turn in turns:
        for where, block in turn.blocks:
            _check_block(where, block)
    _check_tool_pairs(turns)
    _check_seals(exchange, messages)
    _check_thinking_replayed(exchange, turns)


def _check_order(exchange: Exchange, messages: list[dict[str, Any]]) -> None:
    if not messages:
        raise bad("messages: at least one message is required")
    roles = [message["role"] for message in messages]
    if "system" in roles and not exchange.model.anthropic.takes_system_turns:
        raise bad(
            'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not '
            '"system" as an input message role.'
        )
    spoken = [role for role in roles if role != "system"]
    if not spoken or spoken[0] != "user":
        raise bad('messages: first message must use the "user" role')
    if exchange.model.has("strict-alternation"):
        for before, after in pairwise(spoken):
            if before == after:
                raise bad(
                    'messages: roles must alternate between "user" and "assistant", but found multiple '
                    f'"{after}" roles in a row'
                )
    if spoken[-1] == "assistant":
        _check_prefill(exchange, messages[-1])


def _check_prefill(exchange: Exchange, message: dict[str, Any]) -> None:
    if exchange.model.has("no-prefill") or not exchange.model.anthropic.prefill:
        raise bad(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    if (exchange.body.get("thinking") or {}).get("type") in ("enabled", "adaptive"):
        raise bad("messages: prefilling assistant messages is not supported when thinking is enabled")
    blocks = blocks_of(message["content"])
    if blocks and blocks[-1]["type"] == "text" and blocks[-1]["text"] != blocks[-1]["text"].rstrip():
        raise bad("messages: final assistant content cannot end with trailing whitespace")


def _check_filled(index: int, message: dict[str, Any], *, is_last: bool) -> None:
    if not message["content"] and not (is_last and message["role"] == "assistant"):
        raise bad(
            f"messages.{index}: all messages must have non-empty content except for the optional final assistant "
            "message"
        )


def _check_block(where: str, block: Block) -> None:
    match block["type"]:
        case "text":
            _check_text(where, block)
        case "image" | "document":
            _check_source(where, block)
        case "tool_use":
            if not TOOL_ID.match(block["id"]):
                raise bad(f"{where}.tool_use.id: String should match pattern '{TOOL_ID.pattern}'")
            if not TOOL_NAME.match(block["name"]):
                raise bad(f"{where}.tool_use.name: String should match pattern '{TOOL_NAME.pattern}'")
        case "tool_result":
            content = block.get("content")
            for number, inner in enumerate(content if isinstance(content, list) else []):
                _check_block(f"{where}.tool_result.content.{number}", inner)
        case _:
            pass


def _check_text(where: str, block: Block) -> None:
    if not block["text"]:
        if block.get("cache_control"):
            raise bad(f"{where}.text: cache_control cannot be set for empty text blocks")
        raise bad(f"{where}: text content blocks must be non-empty")
    if not block["text"].strip():
        raise bad(f"{where}: text content blocks must contain non-whitespace text")


def _check_source(where: str, block: Block) -> None:
    source = block["source"]
    if source["type"] != "base64":
        return
    place = f"{where}.{block['type']}.source.base64"
    data = decode_base64(source["data"])
    if not data:
        raise bad(f"{place}.data: Invalid base64 data")
    seen = appears_as(data)
    if seen is not None and seen != source["media_type"]:
        raise bad(
            f"{place}.data: The {block['type']} was specified using the {source['media_type']} media type, but it "
            f"appears to be {seen}"
        )


# tools


def _check_tool_pairs(turns: list[Turn]) -> None:
    seen: set[str] = set()
    open_ids: list[str] = []
    for turn in turns:
        if turn.role == "user":
            _check_results(turn, open_ids)
            open_ids = []
            continue
        open_ids = [block["id"] for _, block in turn.of_type("tool_use")]
        if len(set(open_ids)) < len(open_ids) or seen & set(open_ids):
            raise bad(f"messages.{turn.first_message}: `tool_use` ids must be unique")
        seen |= set(open_ids)
    if open_ids:
        raise _unanswered(turns[-1].first_message, open_ids)


def _check_results(turn: Turn, open_ids: list[str]) -> None:
    answered: list[str] = []
    for where, block in turn.of_type("tool_result"):
        given = block["tool_use_id"]
        if given not in open_ids:
            raise bad(
                f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {given}. Each `tool_result` block "
                "must have a corresponding `tool_use` block in the previous message."
            )
        if given in answered:
            raise bad(
                f"{where}: each tool_use must have a single result. Found multiple `tool_result` blocks with id: "
                f"{given}"
            )
        answered.append(given)
    leading = [block for _, block in turn.blocks[: len(answered)]]
    in_place = all(block["type"] == "tool_result" for block in leading)
    missing = [call_id for call_id in open_ids if call_id not in answered]
    if missing or not in_place:
        raise _unanswered(turn.first_message - 1, missing or open_ids)


def _unanswered(index: int, ids: list[str]) -> Exception:
    return bad(
        f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(ids)}. Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    )


# reasoning


def _check_seals(exchange: Exchange, messages: list[dict[str, Any]]) -> None:
    """Verify every reasoning block that came back; within a message each seal covers the one before it."""
    for index, message in enumerate(messages):
        previous = ""
        for number, block in enumerate(blocks_of(message["content"])):
            if block["type"] not in REASONING:
                continue
            if not _is_ours(exchange, block, previous):
                field_name = "signature" if block["type"] == "thinking" else "data"
                raise bad(
                    f"messages.{index}.content.{number}: Invalid `{field_name}` in `{block['type']}` block"
                )
            previous = block.get("signature") or block.get("data") or ""


def _is_ours(exchange: Exchange, block: Block, previous: str) -> bool:
    family, account = exchange.model.family, exchange.account
    if block["type"] == "redacted_thinking":
        return is_concealed(block["data"], family=family, account=account, previous=previous)
    signature = block["signature"]
    if is_sealed(signature, block["thinking"], family=family, account=account, previous=previous):
        return True
    return not block["thinking"] and is_concealed(
        signature, family=family, account=account, previous=previous
    )


def _check_thinking_replayed(exchange: Exchange, turns: list[Turn]) -> None:
    """In manual mode every assistant turn of the open tool loop must still begin with its reasoning."""
    if (exchange.body.get("thinking") or {}).get("type") != "enabled":
        return
    for turn in _open_loop(turns):
        where, first = turn.blocks[0]
        if first["type"] not in REASONING:
            raise bad(
                f"{where}.type: Expected `thinking` or `redacted_thinking`, but found `{first['type']}`. When "
                "`thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the "
                "lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from "
                "previous turns. To avoid this requirement, disable `thinking`."
            )


def _open_loop(turns: list[Turn]) -> list[Turn]:
    """Return the assistant turns since the last ordinary user turn."""
    loop: list[Turn] = []
    for turn in reversed(turns):
        if turn.role == "user":
            if not turn.of_type("tool_result"):
                break
        elif turn.of_type("tool_use"):
            loop.append(turn)
    return loop[::-1]


def check_threads(exchange: Exchange) -> None:
    """Refuse the message-threads beta as a host without threads does, so that the SDK sends whole histories."""
    thread = exchange.body.get("thread")
    if not thread or not is_beta(exchange):
        return
    if thread["type"] == "continue":
        refusal = bad(f"thread: no thread continues from {thread['previous_message_id']}")
        refusal.status = 404
        refusal.details = {"error_code": "thread_not_found"}
        raise refusal
    named = [name for name in ("cache_control", "context_management", "thinking") if exchange.body.get(name)]
    refusal = bad("thread: this request cannot be threaded. Send the full conversation without `thread`.")
    unsupported = named or ["inference_hooks"]
    refusal.details = {"error_code": "thread_unsupported_request", "unsupported": unsupported}
    raise refusal
