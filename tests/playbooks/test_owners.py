"""Owners share the gateway's own accounts and nothing else: neither accounts, nor names, nor turns."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.gateway.ports import StoredCombo
from flowrouter.httpkit.keys import GatewayKey, mint
from flowrouter.settings.routing import ComboConfig, ComboMember, Routing
from tests.playbooks.performance import Performance
from tests.playbooks.stage import House, Script, account, live
from tests.playbooks.test_passthrough import ANSWER

GOOD = Script(steps=[ANSWER])


def owned(name: str, owner_id: str, *models: str) -> Any:
    made = account(name, "openai_chat", models=models or ("m",))
    return msgspec.structs.replace(made, owner_id=owner_id)


OURS = owned("ours", "local")
THEIRS = owned("theirs", "tenant", "m", "secret-model")
OTHERS = owned("others", "rival")


class Keys:
    """One gateway key for each owner."""

    def __init__(self, *owners: str) -> None:
        minted = {owner: mint() for owner in owners}
        self.all = [
            GatewayKey(id=owner, name=owner, owner_id=owner, token_hash=key.token_hash, shown="flr_")
            for owner, key in minted.items()
        ]
        self._tokens = {owner: key.token for owner, key in minted.items()}

    def ask(self, house: House, owner: str, model: str = "m") -> Any:
        body = msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": "hi"}]})
        headers = {"authorization": f"Bearer {self._tokens[owner]}"}
        return house.ask("openai_chat", body, headers=headers)


def combo(*models: str) -> ComboConfig:
    return ComboConfig(strategy="round_robin", members=tuple(ComboMember(model=each) for each in models))


def test_an_owners_account_answers_that_owner_only() -> None:
    keys = Keys("local", "tenant", "rival")

    async def story(house: House) -> dict[str, list[str]]:
        reached: dict[str, list[str]] = {}
        for owner in ("local", "tenant", "rival"):
            reached[owner] = []
            for model in ("m", "theirs/m", "secret-model", "auto"):
                before = len(house.asked)
                result: Performance = await keys.ask(house, owner, model)
                reached[owner] += house.asked[before:] or [str(result.status)]
                if owner != "tenant":
                    assert "secret-model" not in result.body.decode().replace(f"{model!r}", "")
                    assert b"theirs" not in result.body.replace(model.encode(), b"")
        return reached

    found = live(story, accounts=[THEIRS, OURS, OTHERS], scripts=lambda _: GOOD, keys=keys.all)
    assert found == {
        "local": ["ours", "404", "404", "ours"],
        "tenant": ["ours", "theirs", "theirs", "ours"],
        "rival": ["others", "404", "404", "others"],
    }


def test_combos_of_one_name_take_turns_for_each_owner() -> None:
    keys = Keys("tenant", "rival")
    stored = [
        StoredCombo(id=owner, name="team", owner_id=owner, config=combo("ours/a", "ours/b"))
        for owner in ("tenant", "rival")
    ]

    async def story(house: House) -> dict[str, list[str]]:
        reached: dict[str, list[str]] = {"tenant": [], "rival": []}
        for _ in range(4):
            for owner, models in reached.items():
                result = await keys.ask(house, owner, "team")
                models.append(msgspec.json.decode(result.requests[-1].body)["model"])
        return reached

    both = owned("ours", "local", "a", "b")
    found = live(story, accounts=[both], scripts=lambda _: GOOD, keys=keys.all, stored=stored)
    assert found == {"tenant": ["a", "b", "a", "b"], "rival": ["a", "b", "a", "b"]}


def test_what_an_owner_may_not_ask_is_no_reason_to_rotate() -> None:
    """Another owner's account takes no turn among those that answer."""
    keys = Keys("local")
    accounts = [owned(name, owner) for name, owner in (("a", "local"), ("b", "tenant"), ("c", "local"))]

    async def story(house: House) -> list[str]:
        for _ in range(4):
            assert (await keys.ask(house, "local")).status == 200
        return house.asked

    routing = Routing(rotation="round_robin")
    found = live(story, accounts=accounts, scripts=lambda _: GOOD, keys=keys.all, routing=routing)
    assert found == ["a", "c", "a", "c"]
