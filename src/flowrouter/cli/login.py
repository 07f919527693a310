"""`flow-router login`: a link that signs a browser in, for whoever may read the data folder."""

from __future__ import annotations

from flowrouter.cli import output, running
from flowrouter.cli.desk import opened
from flowrouter.cli.options import ConfigFile, DataFolder
from flowrouter.errors import ConfigError


def login(*, config: ConfigFile = None, data: DataFolder = None) -> None:
    """Print a link that signs one browser in as admin; it lapses after ten minutes."""
    with opened(config, data) as desk:
        made = running.ask(desk, "/api/handover", {})
    if made is None:
        raise ConfigError("no gateway runs over this data folder", fix="flow-router serve prints such a link")
    output.note("Open this in a browser, once, within ten minutes:")
    print(made["url"])


__all__ = ["login"]
