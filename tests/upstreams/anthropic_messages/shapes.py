"""The vendor's request types for Messages and token counts, plain and beta, and its wording of misfits."""

from typing import Any

from anthropic.types import message_count_tokens_params, message_create_params
from anthropic.types.beta import message_count_tokens_params as beta_count_tokens_params
from anthropic.types.beta import message_create_params as beta_create_params

from tests.upstreams.dialect import Exchange, Refusal
from tests.upstreams.vendor_types import Fields, Problem, Tag, check_fields, fields_of

# Sent as headers by the SDK, though its types list them beside the body's fields.
HEADER_FIELDS = frozenset({"betas", "user_profile_id", "workspace_id"})
# No longer typed by the newest SDK, still taken on the wire by older models.
SAMPLING: dict[str, Any] = {"temperature": float | None, "top_p": float | None, "top_k": int | None}


def _wire_fields(shape: Any, extra: dict[str, Any]) -> Fields:
    known = fields_of(shape)
    hints = {name: hint for name, hint in known.hints.items() if name not in HEADER_FIELDS}
    return Fields({**hints, **extra}, known.required - HEADER_FIELDS, open=False)


CREATE = _wire_fields(message_create_params.MessageCreateParamsBase, {**SAMPLING, "stream": bool})
CREATE_BETA = _wire_fields(beta_create_params.MessageCreateParamsBase, {**SAMPLING, "stream": bool})
COUNT = _wire_fields(message_count_tokens_params.MessageCountTokensParams, {})
COUNT_BETA = _wire_fields(beta_count_tokens_params.MessageCountTokensParams, {})

VALID = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "array": "list",
    "object": "dictionary",
    "string or array": "string or list",
}


def bad(message: str) -> Refusal:
    """A 400 in Anthropic's manner."""
    return Refusal(400, message)


def is_beta(exchange: Exchange) -> bool:
    """Whether the request opted into beta fields, which it does by header."""
    return bool(exchange.received.header("anthropic-beta"))


def check_shape(exchange: Exchange, *, counting: bool = False) -> None:
    """Raise Refusal naming the first field that does not fit the vendor's types."""
    if counting:
        fields = COUNT_BETA if is_beta(exchange) else COUNT
    else:
        fields = CREATE_BETA if is_beta(exchange) else CREATE
    problems = check_fields(fields, exchange.body)
    if exchange.lenient:
        problems = [problem for problem in problems if problem.kind != "extra"]
    if problems:
        raise bad(worded(problems[0]))


def worded(problem: Problem) -> str:
    """Word a problem as the vendor does: path, colon, what is wrong."""
    path = ".".join(step.name if isinstance(step, Tag) else str(step) for step in problem.path)
    match problem.kind:
        case "extra":
            return f"{path}: Extra inputs are not permitted"
        case "missing":
            return f"{path}: Field required"
        case "type":
            return f"{path}: Input should be a valid {VALID.get(problem.expected, problem.expected)}"
        case "literal":
            return f"{path}: Input should be {problem.expected}"
        case "tag":
            parent, _, key = path.rpartition(".")
            if key == "role":
                return f'messages: Unexpected role "{problem.value}". Allowed roles are {problem.expected}.'
            return (
                f"{parent}: Input tag '{problem.value}' found using '{key}' does not match any of the expected "
                f"tags: {problem.expected}"
            )
