"""Members of a Chat body that are written alike for Chat's own requests and for translated ones."""

from __future__ import annotations

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.request import OutputFormat
from flowrouter.wire.members import Json, as_object, is_nothing, merge

SAMPLING = (
    "temperature",
    "top_p",
    "top_k",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "n",
    "logit_bias",
    "logprobs",
    "top_logprobs",
)
"""The members of `Sampling`, under the names Chat has for them too."""


def own_stream_options(body: Json, capabilities: Capabilities) -> tuple[Loss, ...]:
    """Ask for usage, or leave the member out where the host answers 400 to it; return what else stood in it."""
    options = as_object(body.get("stream_options")) or {}
    if capabilities.stream_options:
        body["stream_options"] = {**options, "include_usage": True}
        return ()
    body.pop("stream_options", None)
    return tuple(
        Loss(path=f"stream_options.{name}", kind="dropped", reason="the target takes no stream_options")
        for name, value in options.items()
        if name != "include_usage" and not is_nothing(value)
    )


def write_output(output: OutputFormat) -> Json:
    """Return the `response_format` of this dialect."""
    match output.kind:
        case "text":
            return merge({"type": "text"}, output.extra)
        case "json":
            return merge({"type": "json_object"}, output.extra)
        case "schema":
            members = {
                "name": output.name,
                "description": output.description,
                "schema": output.schema,
                "strict": output.strict,
            }
            inner: Json = {name: value for name, value in members.items() if value is not None}
            return merge({"type": "json_schema", "json_schema": inner}, output.extra)


__all__ = ["SAMPLING", "own_stream_options", "write_output"]
