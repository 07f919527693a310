"""Intent rules by themselves: what is found, what counts as found, what a pattern may be."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from flowrouter import strict_toml
from flowrouter.canonical.head import Texts
from flowrouter.errors import ConfigError
from flowrouter.routing.intent import confined
from flowrouter.settings import Settings
from flowrouter.settings.routing import IntentRule

FIRST = IntentRule(name="first", pattern="alpha", model="home/x")
SECOND = IntentRule(name="second", pattern=r"^beta$", tag="lab", where=("tool",))


def test_all_rules_that_are_found_are_told() -> None:
    texts = Texts(user=("ALPHA and more",), tool=("x", "line\nbeta\nline"))
    found = confined((FIRST, SECOND), texts)
    assert found is not None
    assert (found.rules, found.tags, found.models) == (("first", "second"), ("local", "lab"), ("home/x",))
    assert found.reason == (
        "kept at accounts tagged 'local' and 'lab' by the intent rule 'first' and 'second'"
    )


def test_nothing_found_is_nothing() -> None:
    assert confined((FIRST, SECOND), Texts(user=("beta",), assistant=("alpha",))) is None
    assert confined((), Texts(user=("alpha",))) is None


def test_what_cannot_be_read_counts_as_found_for_every_rule() -> None:
    found = confined((FIRST, SECOND), Texts(unread=True))
    assert found is not None
    assert found.rules == ("first", "second")
    assert "cannot be read" in found.reason


def test_a_pattern_that_takes_too_long_counts_as_found() -> None:
    rule = IntentRule(name="slow", pattern=r"^(?:a|aa)+$")
    found = confined((rule,), Texts(user=("a" * 400 + "!",)))
    assert found is not None
    assert found.slow == ("slow",)
    assert "took too long" in found.reason


def test_a_pattern_spans_the_blocks_of_a_request_by_lines() -> None:
    rule = IntentRule(name="lines", pattern=r"alpha\nbeta")
    assert confined((rule,), Texts(user=("alpha", "beta"))) is not None


def test_the_case_can_be_made_to_count() -> None:
    rule = IntentRule(name="case", pattern="(?-i:Alpha)")
    assert confined((rule,), Texts(user=("alpha",))) is None
    assert confined((rule,), Texts(user=("Alpha",))) is not None


@pytest.mark.parametrize("table", ['[[routing.intents]]\nname = "x"\npattern = "a(b"', '[routing.bypass]\npatterns = ["ok", "a(b"]'])  # fmt: skip
def test_what_is_no_pattern_fails_when_the_file_is_read(table: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml:\d+: .*missing \) at position 3"):
        strict_toml.read(table, Settings, file="config.toml")


def test_a_stored_pattern_is_checked_too() -> None:
    with pytest.raises(msgspec.ValidationError, match="no regular expression"):
        msgspec.convert({"name": "x", "pattern": "["}, IntentRule)


def test_the_library_for_patterns_loads_only_where_somebody_wrote_one() -> None:
    code = "import flowrouter.app, sys; print('regex' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
