"""Combos in the store: unique whatever the case, versioned, seen by the serving process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowrouter.gateway.ports import (
    AccountChange,
    AccountDraft,
    ConflictError,
    NotFoundError,
    StaleError,
)
from flowrouter.settings.routing import ComboConfig, ComboMember, Conditions
from flowrouter.storage import Store, StoredConfigSource
from flowrouter.storage.management import Management
from tests.contracts.fakes import FakeClock
from tests.support.stores import ENGINES, store_on

CONFIG = ComboConfig(
    members=(
        ComboMember(model="a/b", weight=2, when=Conditions(max_tokens=10, tags=("x",))),
        ComboMember(model="c"),
    ),
    strategy="weighted",
    attempts=3,
    wait=0.0,
)


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with store_on(request.param, request, tmp_path, clock=FakeClock()) as store:
        yield store


@pytest.fixture
def management(store: Store) -> Iterator[Management]:
    made = Management(store, clock=FakeClock())
    yield made
    made.close()


def test_made_read_changed_and_removed(store: Store, management: Management) -> None:
    source = StoredConfigSource(store.place, store.vault, clock=FakeClock())
    before = source.version()
    made = management.combos.create("Team", CONFIG, owner_id="local")
    assert (made.name, made.config, made.version) == ("Team", CONFIG, 1)
    assert source.load().combos == (made,)
    changed = management.combos.update(made.id, name="team", config=ComboConfig(members=CONFIG.members[1:]))
    assert (changed.name, changed.version, len(changed.config.members)) == ("team", 2, 1)
    assert management.combos.get(made.id) == changed
    assert list(management.combos.list()) == [changed]
    management.combos.delete(made.id)
    assert source.version() == before + 3
    assert source.load().combos == ()
    source.close()


def test_names_are_unique_for_an_owner_whatever_the_case(management: Management) -> None:
    first = management.combos.create("Team", CONFIG, owner_id="me")
    with pytest.raises(ConflictError, match="'TEAM' exists already"):
        management.combos.create("TEAM", CONFIG, owner_id="me")
    other = management.combos.create("team", CONFIG, owner_id="you")
    second = management.combos.create("two", CONFIG, owner_id="me")
    with pytest.raises(ConflictError, match="exists already"):
        management.combos.update(second.id, name="tEAM")
    assert [combo.id for combo in management.combos.list(owner_id="you")] == [other.id]
    with pytest.raises(NotFoundError):
        management.combos.get(first.id, owner_id="you")
    with pytest.raises(NotFoundError):
        management.combos.update(first.id, name="x", owner_id="you")
    with pytest.raises(NotFoundError):
        management.combos.delete(first.id, owner_id="you")


def test_nobody_overwrites_what_they_have_not_seen(management: Management) -> None:
    made = management.combos.create("team", CONFIG, owner_id="local")
    management.combos.update(made.id, config=CONFIG, if_version=1)
    with pytest.raises(StaleError):
        management.combos.update(made.id, config=CONFIG, if_version=1)
    with pytest.raises(StaleError):
        management.combos.delete(made.id, if_version=1)
    management.combos.delete(made.id, if_version=2)


def test_a_combo_of_a_newer_version_is_told_and_left_out(store: Store, management: Management) -> None:
    management.combos.create("odd", CONFIG, owner_id="local")
    management.combos.create("fine", CONFIG, owner_id="local")
    with store.place.opened() as connection:
        connection.execute("UPDATE combos SET body = '{\"members\":[],\"new\":1}' WHERE name = 'odd'")
    source = StoredConfigSource(store.place, store.vault, clock=FakeClock())
    snapshot = source.load()
    source.close()
    assert [combo.name for combo in snapshot.combos] == ["fine"]
    assert any("combo odd" in problem for problem in snapshot.problems)


def test_accounts_keep_tags_and_weight(store: Store, management: Management) -> None:
    draft = AccountDraft(name="a", preset="openai", tags=("tier:cheap", "local"), weight=5)
    made = management.accounts.create(draft, owner_id="local")
    assert (made.tags, made.weight) == (("tier:cheap", "local"), 5)
    plain = management.accounts.create(AccountDraft(name="b", preset="openai"), owner_id="local")
    assert (plain.tags, plain.weight) == ((), 1)
    changed = management.accounts.update(made.id, AccountChange(tags=(), weight=2))
    assert (changed.tags, changed.weight) == ((), 2)
    source = StoredConfigSource(store.place, store.vault, clock=FakeClock())
    assert {held.name: held.weight for held in source.load().accounts} == {"a": 2, "b": 1}
    source.close()
