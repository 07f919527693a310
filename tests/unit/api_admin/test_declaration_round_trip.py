"""Whatever is declared comes out again: export, apply to an empty store, export is one text."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowrouter import strict_toml
from flowrouter.api.admin.declaration.applying import Applied, ApplyQuestion, apply
from flowrouter.api.admin.declaration.exporting import export
from flowrouter.api.admin.declaration.references import references
from flowrouter.config import Config
from flowrouter.providers.catalog import packaged
from flowrouter.storage import open_store
from flowrouter.storage.management import Management
from tests.contracts.fakes import FakeClock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

words = st.text("abcXYZ09é\"'\\\n#=[]. -", min_size=1, max_size=12).map(str.strip).filter(bool)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,10}", fullmatch=True)
models = st.sampled_from(["gpt-5.4", "main/claude-sonnet-5", "own model", "a*"])
conditions = st.fixed_dictionaries(
    {},
    optional={
        "tools": st.booleans(),
        "min_tokens": st.integers(1, 10**6),
        "tags": st.lists(words, max_size=2),
    },
)
members = st.fixed_dictionaries({"model": models}, optional={"weight": st.integers(1, 9), "when": conditions})
combos = st.dictionaries(
    words.filter(lambda name: name.isprintable()),
    st.fixed_dictionaries(
        {"members": st.lists(members, min_size=1, max_size=3)},
        optional={
            "strategy": st.sampled_from(["priority", "random", "sticky"]),
            "wait": st.floats(0, 100, allow_nan=False),
            "attempts": st.integers(1, 9),
        },
    ),
    max_size=3,
).filter(lambda found: len({name.lower() for name in found}) == len(found))
budgets = st.fixed_dictionaries(
    {"amount": st.one_of(st.integers(1, 10**6), st.decimals("0.01", "9999", places=6).map(float))},
    optional={"period": st.sampled_from(["day", "week"]), "mode": st.just("hard")},
)
accounts = st.lists(
    st.fixed_dictionaries(
        {"name": names, "preset": st.sampled_from(["openai", "groq"]), "api_key": st.sampled_from(["sk-some-key-0123", "env:GIVEN"])},
        optional={
            "priority": st.integers(1, 9),
            "tags": st.lists(st.sampled_from(["tier:cheap", "eu"]), max_size=2),
            "models": st.lists(models, max_size=2),
            "enabled": st.booleans(),
            "headers": st.dictionaries(st.sampled_from(["x-one", "x-two"]), st.sampled_from(["one-value", "env:GIVEN"])),
        },
    ),
    max_size=3,
    unique_by=lambda row: row["name"],
)  # fmt: skip
keys = st.lists(
    st.fixed_dictionaries(
        {"name": words.filter(lambda name: name.isprintable())},
        optional={
            "enabled": st.booleans(),
            "scopes": st.lists(st.sampled_from(["admin", "metrics"]), unique=True),
            "expires": st.integers(1_800_000_000_000, 3_786_000_000_000).map(
                lambda at: EPOCH + timedelta(milliseconds=at)
            ),
            "policy": st.fixed_dictionaries(
                {},
                optional={
                    "models": st.lists(models, max_size=2),
                    "tags": st.lists(words, max_size=2),
                    "budgets": st.lists(budgets, max_size=1),
                    "limits": st.fixed_dictionaries({}, optional={"concurrent": st.integers(1, 9)}),
                },
            ),
        },
    ),
    max_size=3,
    unique_by=lambda row: row["name"],
)
declarations = st.fixed_dictionaries(
    {},
    optional={
        "reply_model": st.sampled_from(["asked", "answered"]),
        "models": st.fixed_dictionaries(
            {}, optional={"aliases": st.dictionaries(words.filter(lambda name: "\n" not in name), models, max_size=3)}
        ),
        "prices": st.dictionaries(
            words.filter(lambda name: "\n" not in name),
            st.fixed_dictionaries({"input": st.floats(0, 90), "output": st.integers(0, 90)}),
            max_size=2,
        ),
        "budgets": st.dictionaries(words.filter(lambda name: "\n" not in name), budgets, max_size=2),
        "routing": st.fixed_dictionaries(
            {},
            optional={
                "combos": combos,
                "attempts": st.integers(1, 9),
                "probes": st.booleans(),
                "disabled_models": st.lists(words, max_size=2),
                "tiers": st.fixed_dictionaries({}, optional={"cheap": st.lists(models, max_size=2), "enabled": st.booleans()}),
                "rotations": st.dictionaries(names, st.just("weighted"), max_size=2),
            },
        ),
        "accounts": accounts,
        "keys": keys,
    },
)  # fmt: skip


@contextmanager
def empty_store() -> Iterator[Management]:
    with tempfile.TemporaryDirectory() as folder:
        management = Management(
            open_store(Path(folder), master_key=None, clock=FakeClock()), clock=FakeClock()
        )
        try:
            yield management
        finally:
            management.close()


def put(store: Management, text: str) -> Applied:
    """Apply a text; every reference stands for the same secret."""
    named = references(strict_toml.parse(text, file="text")).values()
    question = ApplyQuestion(text=text, file="it.toml", secrets=dict.fromkeys(named, "sk-some-key-9876"))
    return apply(store, question, catalog=packaged(), config=Config(data="/nowhere"))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(declared=declarations)
def test_what_goes_in_comes_out(declared: dict[str, Any]) -> None:
    text = tomlkit.dumps(declared)
    with empty_store() as first, empty_store() as second, empty_store() as third:
        put(first, text)
        assert put(first, text).changes == ()
        out = export(first, secrets=False).text
        again = put(first, out)
        assert {change.action for change in again.changes} <= {"taken_over", "changed"}
        assert put(first, out).changes == ()
        put(second, out)
        assert export(second, secrets=False).text == out
        whole = export(first, secrets=True).text
        put(third, whole)
        assert export(third, secrets=True).text == whole
