"""The options that many commands share."""

from __future__ import annotations

from typing import Annotated

import typer

ConfigFile = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="Configuration file.", show_default=False),
]
DataFolder = Annotated[
    str | None,
    typer.Option("--data", metavar="DIR", help="Data folder of the gateway.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

__all__ = ["AsJson", "ConfigFile", "DataFolder"]
