"""The options that commands share, and those that say what an account is."""

from __future__ import annotations

from typing import Annotated, cast, get_args

import typer

from flowrouter.canonical.capabilities import Unsupported as Policy
from flowrouter.cli import completion
from flowrouter.errors import ConfigError

ConfigFile = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="Configuration file.", show_default=False),
]
DataFolder = Annotated[
    str | None,
    typer.Option("--data", metavar="DIR", help="Data folder of the gateway.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

PresetName = Annotated[
    str | None,
    typer.Option("--preset", metavar="P", help="See: providers presets.", autocompletion=completion.presets),
]
AccountName = Annotated[str, typer.Argument(help="The account.", autocompletion=completion.accounts)]
ClientDialect = Annotated[
    str,
    typer.Option(
        "--dialect",
        help="The client's dialect: openai_chat, openai_responses, anthropic or gemini.",
        autocompletion=completion.dialects,
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        "--api-key", metavar="KEY", help="The key; `-` reads it from stdin, env:NAME from a variable."
    ),
]
BaseUrl = Annotated[
    str | None, typer.Option("--base-url", metavar="URL", help="With its version segment, such as …/v1.")
]
ModelNames = Annotated[
    str | None,
    typer.Option(
        "--models", metavar="LIST", help="Names and globs, with commas; default: the provider's own list."
    ),
]
Priority = Annotated[int | None, typer.Option("--priority", min=1, help="1 is asked first.")]
DialectNames = Annotated[
    str | None,
    typer.Option("--dialects", metavar="LIST", help="With commas; default: all that the preset serves."),
]
Concurrency = Annotated[
    int | None, typer.Option("--max-concurrency", min=1, help="Requests in flight at a time.")
]
Unsupported = Annotated[
    str | None,
    typer.Option(
        "--unsupported",
        metavar="POLICY",
        help="What becomes of values a target cannot take: auto, drop or refuse.",
    ),
]
Tags = Annotated[
    str | None,
    typer.Option("--tags", metavar="LIST", help="What rules choose it by, with commas: tier:cheap,local."),
]
Weight = Annotated[
    int | None, typer.Option("--weight", min=1, help="Its share where accounts take weighted turns.")
]
Enabled = Annotated[
    bool | None,
    typer.Option("--enabled/--disabled", help="Whether it is asked at all.", show_default=False),
]


Detach = Annotated[
    bool,
    typer.Option("--detach", help="Change what an applied file owns, until that file is applied again."),
]


def words(text: str | None) -> tuple[str, ...] | None:
    """Return the items of a list with commas; None where the option was not given."""
    return None if text is None else tuple(word.strip() for word in text.split(",") if word.strip())


def policy(text: str | None) -> Policy | None:
    """Return the policy for unsupported values; raises `ConfigError`."""
    if text is None or text in get_args(Policy):
        return cast("Policy | None", text)
    raise ConfigError(f"{text!r} is no policy", fix="write auto, drop or refuse")


__all__ = [
    "AccountName",
    "ApiKey",
    "AsJson",
    "BaseUrl",
    "ClientDialect",
    "Concurrency",
    "ConfigFile",
    "DataFolder",
    "Detach",
    "DialectNames",
    "Enabled",
    "ModelNames",
    "PresetName",
    "Priority",
    "Tags",
    "Unsupported",
    "Weight",
    "policy",
    "words",
]
