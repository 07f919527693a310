"""What an account's requests have in common is built once: never with another request's own, or an old key."""

from __future__ import annotations

import msgspec

from flowrouter.accounts.account import Secret
from tests.playbooks.stage import House, Script, account, live
from tests.playbooks.test_passthrough import ANSWER, ASK, ASK_STREAM, WHOLE_STREAM

CHAT = account("chat", "openai_chat")


def test_what_one_client_adds_is_sent_for_nobody_else() -> None:
    async def story(house: House) -> list[str | None]:
        for beta in ({}, {"openai-beta": "one"}, {}, {"openai-beta": "two"}, {}):
            await house.ask("openai_chat", ASK, headers=beta)
        return [request.header("openai-beta") for request in house.transport.requests]

    sent = live(story, accounts=[CHAT], scripts=[Script(steps=[ANSWER])] * 5)
    assert sent == [None, "one", None, "two", None]


def test_every_request_has_its_own_body_and_says_whether_it_streams() -> None:
    async def story(house: House) -> list[tuple[bytes, str | None]]:
        other = ASK.replace(b'"hi"', b'"again"')
        for body in (ASK, ASK_STREAM, other):
            await house.ask("openai_chat", body)
        return [(request.body, request.header("accept")) for request in house.transport.requests]

    whole = Script(steps=[ANSWER])
    sent = live(story, accounts=[CHAT], scripts=[whole, Script(steps=WHOLE_STREAM), whole])
    assert sent[0] == (ASK, "application/json")
    assert sent[1][1] == "text/event-stream"
    assert sent[2] == (ASK.replace(b'"hi"', b'"again"'), "application/json")


def test_a_new_key_is_used_from_the_next_request_on() -> None:
    async def story(house: House) -> list[str | None]:
        await house.ask("openai_chat", ASK)
        (held,) = house.present.accounts.values()
        renewed = msgspec.structs.replace(held, api_key=Secret("another-key"))
        house.present = msgspec.structs.replace(house.present, accounts={held.id: renewed})
        await house.ask("openai_chat", ASK)
        return [request.header("authorization") for request in house.transport.requests]

    before, after = live(story, accounts=[CHAT], scripts=[Script(steps=[ANSWER])] * 2)
    assert before != after == "Bearer another-key"
