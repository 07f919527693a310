"""What OpenAI refuses about the items of a conversation: ids, contents, tool pairs, reasoning."""

from collections.abc import Iterable
from typing import Any, cast

from tests.upstreams.dialect import Exchange, Refusal
from tests.upstreams.openai_chat.shapes import bad, check_length, check_name
from tests.upstreams.openai_responses.kept import NULL, Keeper, Thread, input_items
from tests.upstreams.openai_responses.sealing import decrypt
from tests.upstreams.openai_responses.shapes import Item, kind_of
from tests.upstreams.reading import media_of_url

LONGEST_ID = 64
PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "web_search_call": "ws",
    "file_search_call": "fs",
    "code_interpreter_call": "ci",
    "image_generation_call": "ig",
    "mcp_call": "mcp",
    "compaction": "cmp",
}
CALLS = {
    "function_call": ("function_call_output", "function call"),
    "custom_tool_call": ("custom_tool_call_output", "custom tool call"),
    "computer_call": ("computer_call_output", "computer call"),
    "local_shell_call": ("local_shell_call_output", "local shell call"),
    "shell_call": ("shell_call_output", "shell call"),
    "apply_patch_call": ("apply_patch_call_output", "apply patch call"),
}
OUTPUTS = {output: (call, words) for call, (output, words) in CALLS.items()}
IMAGES = ("url", "image/png", "image/jpeg", "image/gif", "image/webp")


def is_produced(item: Item) -> bool:
    """Say whether a model made the item."""
    kind = kind_of(item)
    return item.get("role") == "assistant" if kind == "message" else kind.endswith("_call")


def check_thread(exchange: Exchange, keeper: Keeper, thread: Thread) -> None:
    """Raise Refusal at the first thing wrong with the conversation."""
    for index, item in enumerate(thread.own):
        _check_item(exchange, f"input[{index}]", item)
    _check_unique(thread.own)
    _check_reasoning(exchange, keeper, thread)
    check_pairs(thread.all)


def _check_item(exchange: Exchange, where: str, item: Item) -> None:
    kind = kind_of(item)
    if "call_id" in item and item["call_id"] is not None:
        check_length(f"{where}.call_id", item["call_id"], LONGEST_ID)
    elif kind in OUTPUTS:
        raise _missing(f"{where}.call_id")
    if kind in ("function_call", "custom_tool_call"):
        check_name(f"{where}.name", item["name"])
    contents = item.get("content") if kind == "message" else item.get("output")
    for number, part in enumerate(cast(list[Item], contents if isinstance(contents, list) else [])):
        field = "content" if kind == "message" else "output"
        _check_part(f"{where}.{field}[{number}]", part)
    if kind == "reasoning" and not item.get("id") and not item.get("encrypted_content"):
        raise _missing(f"{where}.id")
    if kind == "reasoning" and item.get("encrypted_content"):
        decrypt(item["encrypted_content"], exchange, kind="reasoning")
    if kind == "compaction":
        decrypt(item["encrypted_content"], exchange, kind="compaction")


def _missing(where: str) -> Refusal:
    return bad(f"Missing required parameter: '{where}'.", param=where, code="missing_required_parameter")


def _check_id(where: str, kind: str, item_id: Any) -> None:
    prefix = PREFIXES.get(kind, "")
    if item_id is None:
        return
    check_length(f"{where}.id", item_id, LONGEST_ID)
    if not item_id.startswith(prefix):
        raise bad(
            f"Invalid '{where}.id': '{item_id}'. Expected an ID that begins with '{prefix}'.",
            param=f"{where}.id",
            code="invalid_value",
        )


def _check_unique(items: Iterable[Item]) -> None:
    seen: set[str] = set()
    for item in items:
        item_id = item.get("id")
        if item_id in seen:
            raise bad(
                f"Duplicate item found with id {item_id}. Remove duplicate items from your input and try again.",
                param="input",
            )
        if item_id:
            seen.add(item_id)


# content


def _check_part(where: str, part: dict[str, Any]) -> None:
    match part.get("type"):
        case "input_image":
            _check_image(where, part)
        case "input_file":
            _check_file(where, part)
        case _:
            pass


def _check_image(where: str, part: dict[str, Any]) -> None:
    url = part.get("image_url")
    if url is None:
        if not part.get("file_id"):
            raise _missing(f"{where}.image_url")
        return
    media = media_of_url(url)
    if media is None or not url.startswith(("data:", "http://", "https://")):
        raise bad(
            f"Invalid '{where}.image_url'. Expected a valid URL, or a base64-encoded data URL with an image MIME "
            "type (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU=').",
            param=f"{where}.image_url",
            code="invalid_value",
        )
    if media.mime not in IMAGES:
        raise bad(
            "The image data you provided does not represent a valid image. Please check your input and try again "
            "with one of the supported image formats: ['image/jpeg', 'image/png', 'image/gif', 'image/webp'].",
            param=f"{where}.image_url",
            code="invalid_image_format",
        )


def _check_file(where: str, part: dict[str, Any]) -> None:
    data = part.get("file_data")
    if data is None:
        if not part.get("file_id") and not part.get("file_url"):
            raise _missing(f"{where}.file_id")
        return
    if not data.startswith("data:") or media_of_url(data) is None:
        raise bad(
            f"Invalid '{where}.file_data'. Expected a base64-encoded data URL with a file MIME type (e.g. "
            "'data:application/pdf;base64,aW1nIGJ5dGVzIGhlcmU='), but got a value without the 'data:' prefix.",
            param=f"{where}.file_data",
            code="invalid_value",
        )


# reasoning


def _check_reasoning(exchange: Exchange, keeper: Keeper, thread: Thread) -> None:
    for index, item in enumerate(thread.own):
        if kind_of(item) != "reasoning":
            continue
        followers = [later for later in thread.own[index + 1 :] if kind_of(later) != "reasoning"]
        if not followers or not is_produced(followers[0]):
            raise bad(
                f"Item '{item.get('id', '')}' of type 'reasoning' was provided without its required following item.",
                param="input",
            )
    present = {item.get("id") for item in thread.all}
    for item in thread.own:
        if not item.get("id") or kind_of(item) == "reasoning":
            continue
        needed = keeper.reasoning_before(exchange.account, item["id"])
        if needed is not None and needed not in present:
            raise bad(
                f"Item '{item['id']}' of type '{kind_of(item)}' was provided without its required 'reasoning' item: "
                f"'{needed}'.",
                param="input",
            )


# tools


def check_pairs(items: list[Item]) -> None:
    """Refuse outputs without their call before them, second outputs, and calls without output."""
    called: dict[tuple[str, str], None] = {}
    answered: set[tuple[str, str]] = set()
    for item in items:
        kind = kind_of(item)
        if kind in CALLS:
            called[kind, _call_id(item)] = None
        elif kind in OUTPUTS:
            call, words = OUTPUTS[kind]
            key = (call, _call_id(item))
            if key not in called:
                raise bad(f"No tool call found for {words} output with call_id {key[1]}.", param="input")
            if key in answered:
                raise bad(f"Duplicate tool output found for {words} {key[1]}.", param="input")
            answered.add(key)
    for kind, call_id in called:
        if (kind, call_id) not in answered:
            raise bad(f"No tool output found for {CALLS[kind][1]} {call_id}.", param="input")


def _call_id(item: Item) -> str:
    """Return what pairs a call with its output; the local shell's output names it by its own id."""
    return item.get("call_id") or item.get("id") or ""


def check_sources(exchange: Exchange) -> None:
    """Refuse a request without anything to answer, with two histories, or naming what cannot be."""
    body = exchange.body
    previous, conversation = body.get("previous_response_id"), body.get("conversation")
    if previous is not None and conversation is not None:
        raise bad(
            "Mutually exclusive parameters: 'previous_response_id' and 'conversation' cannot be used together.",
            code="mutually_exclusive_parameters",
        )
    if conversation is not None:
        wanted = conversation if isinstance(conversation, str) else conversation["id"]
        raise Refusal(404, f"Conversation with id '{wanted}' not found.", code=NULL)
    if body.get("prompt") is not None:
        raise Refusal(404, f"Prompt with id '{body['prompt']['id']}' not found.", code=NULL)
    if not body.get("input") and previous is None:
        raise bad(
            "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must be provided.",
            param="input",
            code="missing_required_parameter",
        )
    for index, item in enumerate(input_items(body)):
        _check_id(f"input[{index}]", kind_of(item), item.get("id"))
