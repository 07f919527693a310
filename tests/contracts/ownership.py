"""The contract of `Ownership` and of `together`: what a file owns is the file's, and half a change is none."""

from __future__ import annotations

import threading

import pytest

from flowrouter.gateway.people import UserChange
from flowrouter.gateway.ports import AccountChange, AccountDraft, ConflictError, KeyChange, ManagedError
from flowrouter.httpkit.keys import KeyPolicy, TokenMark, hash_token, mint, shown
from flowrouter.settings.managed import Managed, ManagedSetting
from flowrouter.settings.routing import ComboConfig, ComboMember
from flowrouter.storage.management import Management

COMBO = ComboConfig(members=(ComboMember(model="a"),))
FILE = "gateway.toml"


class OwnershipContract:
    """Subclass it and bring `management`, the repositories of one empty store."""

    @pytest.fixture
    def management(self) -> Management:
        raise NotImplementedError

    def test_half_a_change_is_none(self, management: Management) -> None:

        def half() -> None:
            with management.together():
                management.accounts.create(AccountDraft(name="n", preset="p"), owner_id="local")
                management.settings.patch({"reply_model": "asked"}, owner_id="local")
                assert [account.name for account in management.accounts.list()] == ["n"]
                raise RuntimeError("the middle")

        with pytest.raises(RuntimeError, match="the middle"):
            half()
        assert management.accounts.list() == []
        assert management.settings.get(owner_id="local").version == 0

    def test_a_conflict_takes_all_back(self, management: Management) -> None:
        management.combos.create("taken", COMBO, owner_id="local")

        def both() -> None:
            with management.together():
                management.keys.create("k", owner_id="local")
                management.combos.create("Taken", COMBO, owner_id="local")

        with pytest.raises(ConflictError, match="'Taken' exists already"):
            both()
        assert management.keys.list() == []

    def test_others_see_it_at_once_or_not_at_all(self, management: Management) -> None:
        seen: list[int] = []

        def look() -> None:
            seen.append(len(management.combos.list()))

        with management.together():
            management.combos.create("one", COMBO, owner_id="local")
            with management.together():
                management.combos.create("two", COMBO, owner_id="local")
            other = threading.Thread(target=look)
            other.start()
            other.join()
        look()
        assert seen == [0, 2]

    def test_of_an_account(self, management: Management) -> None:
        made = management.accounts.create(
            AccountDraft(name="n", preset="p", api_key="sk-a"), owner_id="local"
        )
        assert made.managed is None
        managed = Managed(file=FILE, fields=("api_key", "name"), references={"api_key": "env:KEY"})
        management.ownership.put("account", made.id, managed)
        assert management.accounts.get(made.id).managed == managed
        same = AccountChange(name="n", api_key="sk-a", priority=3)
        assert management.accounts.update(made.id, same).managed == managed
        with pytest.raises(ManagedError, match=r"gateway\.toml \(api_key\)"):
            management.accounts.update(made.id, AccountChange(api_key="sk-b"))
        with pytest.raises(ManagedError):
            management.accounts.delete(made.id)
        taken = management.accounts.update(made.id, AccountChange(api_key="sk-b"), detach=True)
        assert taken.managed == Managed(file=FILE, fields=("name",))
        management.accounts.delete(made.id, detach=True)

    def test_of_a_combo(self, management: Management) -> None:
        made = management.combos.create("c", COMBO, owner_id="local")
        management.ownership.put("combo", made.id, Managed(file=FILE, fields=("members", "name")))
        changed = ComboConfig(members=COMBO.members, strategy="random")
        assert management.combos.update(made.id, config=changed).config == changed
        for change in ({"name": "d"}, {"config": ComboConfig(members=(ComboMember(model="b"),))}):
            with pytest.raises(ManagedError):
                management.combos.update(made.id, **change)
            management.combos.update(made.id, detach=True, **change)
        assert management.combos.get(made.id).managed == Managed(file=FILE)
        management.ownership.put("combo", made.id, None)
        management.combos.delete(made.id)

    def test_of_a_key(self, management: Management) -> None:
        token = mint()
        mark = TokenMark(token_hash=token.token_hash, shown=token.shown)
        key = management.keys.adopt("k", mark, owner_id="local")
        assert key.token_hash == hash_token(token.token)
        assert key.shown == shown(token.token)
        management.ownership.put("key", key.id, Managed(file=FILE, fields=("name", "policy.models")))
        assert management.keys.update(key.id, KeyChange(enabled=False)).disabled_at_ms is not None
        with pytest.raises(ManagedError, match=r"policy\.models"):
            management.keys.update(key.id, KeyChange(policy=KeyPolicy(models=("a",))))
        with pytest.raises(ManagedError):
            management.keys.revoke(key.id)
        other = mint()
        changed = management.keys.retoken(key.id, TokenMark(token_hash=other.token_hash, shown=other.shown))
        assert (changed.token_hash, changed.version) == (other.token_hash, 3)
        assert management.keys.revoke(key.id, detach=True).revoked_at_ms is not None

    def test_of_a_user(self, management: Management) -> None:
        user = management.users.create("Ann", role="viewer", password_hash="x")
        management.ownership.put("user", user.id, Managed(file=FILE, fields=("password", "role")))
        assert not management.users.update(user.id, UserChange(enabled=False, role="viewer")).enabled
        for change in (UserChange(role="admin"), UserChange(password_hash="y")):
            with pytest.raises(ManagedError):
                management.users.update(user.id, change)
        with pytest.raises(ManagedError):
            management.users.delete(user.id)
        management.users.delete(user.id, detach=True)

    def test_of_settings(self, management: Management) -> None:
        stored = management.settings.patch({"routing": {"attempts": 5, "wait": 1}}, owner_id="local")
        assert stored.managed == ()
        member = ManagedSetting(path=("routing", "attempts"), file=FILE)
        management.ownership.put_settings([member], owner_id="local")
        kept = management.settings.patch({"routing": {"attempts": 5, "wait": 2}}, owner_id="local")
        assert kept.managed == (member,)
        for patch in ({"routing": {"attempts": 6}}, {"routing": None}):
            with pytest.raises(ManagedError, match=r"routing\.attempts"):
                management.settings.patch(patch, owner_id="local")
        taken = management.settings.patch({"routing": {"attempts": 6}}, owner_id="local", detach=True)
        assert taken.managed == ()
        assert management.settings.get(owner_id="local") == taken
