"""Where a gateway listens is told to the other commands, whatever its flags made of the configuration."""

from __future__ import annotations

from pathlib import Path

from flowrouter.cli import listen
from flowrouter.cli.checks.listening import address_of
from flowrouter.config import Config


def test_the_address_in_use_goes_before_the_configured_one(tmp_path: Path) -> None:
    config = Config(data=str(tmp_path))
    assert address_of(config) == "http://127.0.0.1:2402"
    with listen.announced(tmp_path, "http://127.0.0.1:9999"):
        assert address_of(config) == "http://127.0.0.1:9999"
    assert address_of(config) == "http://127.0.0.1:2402"


def test_a_later_gateway_s_note_stays(tmp_path: Path) -> None:
    with listen.announced(tmp_path, "http://127.0.0.1:9999"):
        (tmp_path / listen.SERVING).write_text("http://127.0.0.1:8888\n")
    assert listen.serving(tmp_path) == "http://127.0.0.1:8888"


def test_a_note_that_is_no_address_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / listen.SERVING).write_text("file:///etc/passwd\n")
    assert listen.serving(tmp_path) is None
