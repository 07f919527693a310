"""The contract of `ConfigSource` with `Accounts`, `Keys`, `Settings` and `ModelLists`: what people
change is what the serving process sees."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flowrouter.accounts.account import Account
from flowrouter.errors import FlowRouterError
from flowrouter.gateway.ports import (
    AccountChange,
    AccountDraft,
    Accounts,
    ConfigSource,
    ConflictError,
    KeyChange,
    Keys,
    ModelList,
    ModelLists,
    NotFoundError,
    Settings,
    StaleError,
)
from flowrouter.httpkit.keys import KeyLimits, KeyPolicy
from tests.contracts.fakes import START, FakeClock

NOW_MS = int(START * 1000)


class ConfigurationContract:
    """Subclass it and override the fixtures, all of one empty store that tells time by `clock`."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def source(self) -> ConfigSource:
        raise NotImplementedError

    @pytest.fixture
    def accounts(self) -> Accounts:
        raise NotImplementedError

    @pytest.fixture
    def keys(self) -> Keys:
        raise NotImplementedError

    @pytest.fixture
    def settings(self) -> Settings:
        raise NotImplementedError

    @pytest.fixture
    def model_lists(self) -> ModelLists:
        raise NotImplementedError

    def test_empty_store(self, source: ConfigSource) -> None:
        snapshot = source.load()
        assert (snapshot.accounts, len(snapshot.keys), snapshot.settings) == ((), 0, {})
        assert snapshot.version == source.version()
        assert snapshot.loaded_at_ms == NOW_MS

    def test_account_comes_back_opened(self, source: ConfigSource, accounts: Accounts) -> None:
        made = accounts.create(
            AccountDraft(
                name="main",
                preset="openai",
                base_url="https://example.test/v1",
                dialects=("openai_chat", "anthropic"),
                api_key="sk-canary-0123456789",
                headers={"x-team": "canary-header"},
                models=("a", "b/*"),
                priority=2,
                max_concurrency=8,
            ),
            owner_id="local",
        )
        assert made.api_key is not None
        assert made.api_key.reveal() == "sk-canary-0123456789"
        assert [(name, value.reveal()) for name, value in made.headers] == [("x-team", "canary-header")]
        assert (made.dialects, made.models) == (("openai_chat", "anthropic"), ("a", "b/*"))
        assert (made.priority, made.max_concurrency) == (2, 8)
        assert (made.source, made.enabled, made.created_at_ms) == ("store", True, NOW_MS)
        assert accounts.get(made.id) == made
        assert source.load().accounts == (made,)

    def test_accounts_in_order(self, source: ConfigSource, accounts: Accounts) -> None:
        for name, priority in [("b", 1), ("z", 0), ("a", 1)]:
            accounts.create(AccountDraft(name=name, preset="p", priority=priority), owner_id="local")
        assert [account.name for account in accounts.list()] == ["z", "a", "b"]
        assert [account.name for account in source.load().accounts] == ["z", "a", "b"]

    def test_change_leaves_the_rest(self, accounts: Accounts) -> None:
        made = accounts.create(AccountDraft(name="n", preset="p", api_key="sk-old"), owner_id="local")
        changed = accounts.update(made.id, AccountChange(name="m", enabled=False))
        assert changed == msgspec.structs.replace(made, name="m", enabled=False)
        replaced = accounts.update(made.id, AccountChange(api_key="sk-new"))
        assert replaced.api_key is not None
        assert replaced.api_key.reveal() == "sk-new"
        assert accounts.update(made.id, AccountChange(api_key=None)).api_key is None

    def test_names_are_taken_per_owner(self, accounts: Accounts) -> None:
        first = accounts.create(AccountDraft(name="n", preset="p"), owner_id="a")
        accounts.create(AccountDraft(name="n", preset="p"), owner_id="b")
        with pytest.raises(ConflictError, match="'n'"):
            accounts.create(AccountDraft(name="n", preset="p"), owner_id="a")
        other = accounts.create(AccountDraft(name="o", preset="p"), owner_id="a")
        with pytest.raises(ConflictError, match="'n'"):
            accounts.update(other.id, AccountChange(name="n"))
        assert [account.id for account in accounts.list(owner_id="a")] == [first.id, other.id]

    def test_other_owners_accounts_do_not_exist(self, accounts: Accounts) -> None:
        made = accounts.create(AccountDraft(name="n", preset="p"), owner_id="a")
        for refused in (
            lambda: accounts.get(made.id, owner_id="b"),
            lambda: accounts.update(made.id, AccountChange(name="x"), owner_id="b"),
            lambda: accounts.delete(made.id, owner_id="b"),
        ):
            with pytest.raises(NotFoundError):
                refused()
        assert accounts.get(made.id, owner_id="a") == made

    async def test_delete_takes_the_model_list(
        self, source: ConfigSource, accounts: Accounts, model_lists: ModelLists
    ) -> None:
        made = accounts.create(AccountDraft(name="n", preset="p"), owner_id="local")
        first = ModelList(account_id=made.id, owner_id="local", fetched_at_ms=1, body=b'["a"]')
        second = msgspec.structs.replace(first, fetched_at_ms=2, body='["ä"]'.encode())
        other = msgspec.structs.replace(first, account_id="config:x")
        before = source.version()
        for model_list in (first, second, other):
            await model_lists.put(model_list)
        assert source.version() == before, "a model list is no change of the configuration"
        assert set(source.load().model_lists) == {second, other}
        accounts.delete(made.id)
        assert source.load().model_lists == (other,)
        with pytest.raises(NotFoundError):
            accounts.delete(made.id)

    def test_every_change_shows(
        self, source: ConfigSource, accounts: Accounts, keys: Keys, settings: Settings
    ) -> None:
        seen = [source.version()]

        def look(_made: Any = None) -> None:
            seen.append(source.version())

        account = accounts.create(AccountDraft(name="n", preset="p"), owner_id="local")
        look()
        look(accounts.update(account.id, AccountChange(priority=3)))
        look(accounts.delete(account.id))
        key, _ = keys.create("k", owner_id="local")
        look()
        look(keys.revoke(key.id))
        look(settings.patch({"a": 1}, owner_id="local"))
        assert seen == sorted(set(seen))
        with pytest.raises(NotFoundError):
            keys.revoke("key_none")
        assert source.version() == seen[-1], "what failed changed nothing"

    def test_key_works_until_revoked(self, source: ConfigSource, keys: Keys) -> None:
        key, token = keys.create("laptop", owner_id="ann", scopes=("chat",))
        found = source.load().keys.find(token.token, now_ms=NOW_MS)
        assert found == key
        assert (key.owner_id, key.scopes, key.created_at_ms) == ("ann", ("chat",), NOW_MS)
        revoked = keys.revoke(key.id, owner_id="ann")
        assert revoked.revoked_at_ms == NOW_MS
        assert source.load().keys.find(token.token, now_ms=NOW_MS) is None
        assert [each.id for each in keys.list()] == [key.id]

    def test_key_expires(self, source: ConfigSource, keys: Keys) -> None:
        _, token = keys.create("k", owner_id="local", expires_at_ms=NOW_MS + 10)
        ring = source.load().keys
        assert ring.find(token.token, now_ms=NOW_MS + 9) is not None
        assert ring.find(token.token, now_ms=NOW_MS + 10) is None

    def test_key_names(self, keys: Keys, clock: FakeClock) -> None:
        first, _ = keys.create("k", owner_id="local")
        with pytest.raises(ConflictError, match="'k'"):
            keys.create("k", owner_id="local")
        keys.revoke(first.id)
        clock.advance(1)
        second, _ = keys.create("k", owner_id="local")
        assert [key.id for key in keys.list()] == [second.id, first.id]
        clock.advance(1)
        assert keys.revoke(first.id).revoked_at_ms == NOW_MS, "revoking again changes nothing"

    def test_key_keeps_its_policy(self, source: ConfigSource, keys: Keys) -> None:
        policy = KeyPolicy(
            models=("claude-*",),
            accounts=("work",),
            dialects=("anthropic",),
            limits=KeyLimits(requests_per_minute=60, tokens_per_day=10**9, concurrent=2),
            recording=False,
            tags=("night",),
        )
        key, token = keys.create("k", owner_id="local", policy=policy)
        found = source.load().keys.find(token.token, now_ms=NOW_MS)
        assert found is not None
        assert (found, found.policy) == (key, policy)
        changed = keys.update(key.id, KeyChange(policy=KeyPolicy()))
        assert changed == msgspec.structs.replace(key, policy=KeyPolicy(), version=2)
        assert keys.get(key.id) == changed

    def test_key_is_switched_off_and_on(self, source: ConfigSource, keys: Keys, clock: FakeClock) -> None:
        key, token = keys.create("k", owner_id="local")
        off = keys.update(key.id, KeyChange(enabled=False))
        assert (off.disabled_at_ms, off.state(NOW_MS)) == (NOW_MS, "disabled")
        ring = source.load().keys
        assert ring.find(token.token, now_ms=NOW_MS) is None
        assert len(ring) == 1, "it still counts as a key: the door does not open"
        clock.advance(1)
        assert keys.update(key.id, KeyChange(enabled=False)).disabled_at_ms == NOW_MS
        on = keys.update(key.id, KeyChange(enabled=True))
        assert (on.disabled_at_ms, on.version) == (None, 4)
        assert source.load().keys.find(token.token, now_ms=NOW_MS) == on
        born, _ = keys.create("later", owner_id="local", enabled=False)
        assert born.state(NOW_MS) == "disabled"

    def test_key_is_changed_as_seen(self, source: ConfigSource, keys: Keys) -> None:
        key, token = keys.create("k", owner_id="local")
        keys.create("other", owner_id="local")
        before = source.version()
        with pytest.raises(StaleError):
            keys.update(key.id, KeyChange(name="l"), if_version=7)
        with pytest.raises(ConflictError, match="'other'"):
            keys.update(key.id, KeyChange(name="other"))
        with pytest.raises(NotFoundError):
            keys.update(key.id, KeyChange(name="l"), owner_id="somebody else")
        assert source.version() == before
        changed = keys.update(key.id, KeyChange(name="l", expires_at_ms=NOW_MS + 5), if_version=1)
        assert (changed.name, changed.expires_at_ms, changed.version) == ("l", NOW_MS + 5, 2)
        assert source.version() > before
        assert source.load().keys.find(token.token, now_ms=NOW_MS + 4) == changed
        assert keys.update(key.id, KeyChange(expires_at_ms=None)).expires_at_ms is None
        keys.revoke(key.id)
        with pytest.raises(ConflictError, match="revoked for good"):
            keys.update(key.id, KeyChange(enabled=True))

    def test_other_owners_keys_do_not_exist(self, keys: Keys) -> None:
        key, _ = keys.create("k", owner_id="a")
        for refused in (
            lambda: keys.revoke(key.id, owner_id="b"),
            lambda: keys.get(key.id, owner_id="b"),
        ):
            with pytest.raises(NotFoundError):
                refused()
        assert keys.list(owner_id="b") == []
        assert keys.list(owner_id="a")[0].revoked_at_ms is None

    def test_settings_merge(self, source: ConfigSource, settings: Settings) -> None:
        assert settings.get(owner_id="local").version == 0
        settings.patch({"a": {"b": 1, "c": 2}, "d": [1]}, owner_id="local")
        stored = settings.patch({"a": {"b": None, "e": {"f": None}}, "d": [2]}, owner_id="local")
        assert stored.values == {"a": {"c": 2, "e": {}}, "d": [2]}
        assert stored.version == 2
        assert settings.get(owner_id="local") == stored
        snapshot = source.load()
        assert (snapshot.settings, snapshot.settings_version) == (stored.values, 2)
        assert settings.get(owner_id="other").values == {}

    def test_settings_keep_what_was_not_seen(self, settings: Settings) -> None:
        settings.patch({"a": 1}, owner_id="local", if_version=0)
        with pytest.raises(ConflictError):
            settings.patch({"a": 2}, owner_id="local", if_version=0)
        assert settings.patch({"a": 3}, owner_id="local", if_version=1).values == {"a": 3}

    def test_settings_are_checked_before_they_are_kept(self, settings: Settings) -> None:
        def refuse(values: dict[str, Any]) -> None:
            raise FlowRouterError(f"no such setting: {sorted(values)}")

        with pytest.raises(FlowRouterError, match="no such setting: \\['a'\\]"):
            settings.patch({"a": 1}, owner_id="local", validate=refuse)
        assert settings.get(owner_id="local").version == 0

    def test_hostile_text_is_only_text(self, source: ConfigSource, accounts: Accounts, keys: Keys) -> None:
        """Everything people type goes to the store as a parameter (CVE-2026-42208)."""
        text = "x'); DROP TABLE accounts; -- %s :name ?"
        made = accounts.create(AccountDraft(name=text, preset=text), owner_id=text)
        keys.create(text, owner_id=text)
        assert accounts.list(owner_id=text) == [made]
        with pytest.raises(NotFoundError):
            accounts.get(text)
        (loaded,) = source.load().accounts
        assert isinstance(loaded, Account)
        assert loaded.name == text
