"""Intent rules: private prompts go to tagged accounts, or nowhere, whatever way they come."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowrouter import plugins
from flowrouter.accounts.account import Account
from flowrouter.canonical.dialect import Dialect
from flowrouter.gateway.compaction import Compaction
from flowrouter.gateway.privacy import PRIVATE
from flowrouter.routing import Plan
from flowrouter.settings.routing import ComboConfig, ComboMember, IntentRule, MappingRule, Routing, Tiers
from flowrouter.storage import MemoryStateStore
from tests.playbooks.scripts import account_of
from tests.playbooks.stage import (
    SSE,
    House,
    OpenSeals,
    Performance,
    Script,
    VirtualClock,
    account,
    live,
    play,
)
from tests.playbooks.test_failover import GOOD, error
from tests.playbooks.test_passthrough import ANSWER, HEL, ROLE, WHOLE_STREAM
from tests.playbooks.test_stored_responses import answer, whole

SECRET = "Project Phoenix"
RULE = IntentRule(name="customers", pattern=r"project\s+phoenix")


def tagged(made: Account, *tags: str) -> Account:
    return msgspec.structs.replace(made, tags=tags)


CLOUD = account("cloud", "openai_chat", priority=1, models=("big",))
HOME = tagged(account("home", "openai_chat", priority=2, models=("small",)), "local")
TEAM = ComboConfig(members=(ComboMember(model="big"), ComboMember(model="small")))


def rules(*intents: IntentRule, **more: Any) -> Routing:
    return Routing(intents=intents or (RULE,), combos={"team": TEAM}, **more)


def chat(text: str, *, model: str = "team", role: str = "user", stream: bool = False) -> bytes:
    return msgspec.json.encode(
        {"model": model, "messages": [{"role": role, "content": text}, {"role": "user", "content": "go on"}], "stream": stream}
    )  # fmt: skip


def ask(body: bytes, scripts: Any = GOOD, *, dialect: Dialect = "openai_chat", **more: Any) -> Performance:
    options = {"accounts": (CLOUD, HOME), "routing": rules(), **more}
    if isinstance(scripts, Script):
        scripts = {made.name: scripts for made in options["accounts"]}
    return play(dialect, body, scripts=scripts, **options)


def refused(result: Performance) -> str:
    """Return the message of a 403 for which nobody was asked."""
    assert (result.status, result.requests) == (403, [])
    assert result.headers["x-should-retry"] == "false"
    assert result.row.error_type == "private_prompt"
    assert SECRET not in result.body.decode() + str(result.row)
    return msgspec.json.decode(result.body)["error"]["message"]


def test_a_private_prompt_skips_the_members_of_a_combo_that_bear_no_tag() -> None:
    assert ask(chat("hello")).asked == ["cloud"]
    result = ask(chat(f"what about {SECRET.upper()}?"))
    assert result.asked == ["home"]
    assert any("customers" in reason and "'local'" in reason for reason in result.exchange.plan.reasons)
    assert [note.account for note in result.exchange.plan.notes if not note.taken] == ["cloud"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_without_an_account_that_bears_the_tag_nobody_is_asked(stream: bool) -> None:
    message = refused(ask(chat(SECRET, model="big", stream=stream)))
    assert "'customers'" in message
    assert "'local'" in message


def test_a_name_that_nobody_answers_stays_unknown() -> None:
    assert ask(chat(SECRET, model="biig"), routing=rules()).status == 404


@pytest.mark.parametrize(
    ("role", "where", "kept"),
    [
        ("system", ("user", "system", "tool"), True),
        ("system", ("user",), False),
        ("assistant", ("user", "system", "tool"), False),
        ("assistant", ("assistant",), True),
        ("user", ("system",), False),
    ],
)
def test_a_rule_looks_where_it_is_told_to(role: str, where: Any, kept: bool) -> None:
    rule = msgspec.structs.replace(RULE, where=where)
    assert ask(chat(SECRET, role=role), routing=rules(rule)).asked == ["home" if kept else "cloud"]


def test_what_tools_gave_counts_even_behind_escapes() -> None:
    result = {"role": "tool", "tool_call_id": "c", "content": '{"note":"Project\\nPhoenix"}'}
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [{"role": "user", "content": "look"}, {"role": "assistant", "tool_calls": [call]}, result]
    assert ask(msgspec.json.encode({"model": "team", "messages": messages})).asked == ["home"]


BODIES: dict[Dialect, Any] = {
    "openai_chat": {"messages": [{"role": "user", "content": SECRET}]},
    "openai_responses": {"input": SECRET},
    "anthropic": {"max_tokens": 9, "messages": [{"role": "user", "content": SECRET}]},
    "gemini": {"contents": [{"parts": [{"text": SECRET}]}]},
    "openai_completions": {"prompt": SECRET},
}


@pytest.mark.parametrize("dialect", list(BODIES))
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_every_dialect_is_looked_at(dialect: Any, stream: bool) -> None:
    body = msgspec.json.encode({"model": "big", "stream": stream, **BODIES[dialect]})
    address = {"model": "big", "stream": stream} if dialect == "gemini" else {}
    refused(ask(body, dialect=dialect, address=address))


def test_when_home_fails_nobody_else_is_asked() -> None:
    result = ask(chat(SECRET), {"cloud": GOOD, "home": error(500)})
    assert result.status == 500
    assert set(result.asked) == {"home"}


def test_a_stream_that_breaks_is_not_gone_on_with_elsewhere() -> None:
    broken = Script(headers=SSE, steps=[ROLE, HEL])
    result = ask(
        chat(SECRET, stream=True), {"cloud": Script(headers=SSE, steps=WHOLE_STREAM), "home": broken}
    )
    assert set(result.asked) == {"home"}
    assert b"error" in result.body


def test_a_feature_that_edits_the_plan_cannot_send_the_prompt_out() -> None:
    seen: list[Plan] = []

    def edit(plan: Plan, _head: Any, _caller: Any) -> Plan:
        seen.append(plan)
        target = msgspec.structs.replace(plan.targets[0], account_id="cloud", account="cloud", model="big")
        return msgspec.structs.replace(plan, targets=(target, *plan.targets))

    hooks = plugins.Hooks(plan_edits=(edit,))
    assert ask(chat(SECRET), hooks=hooks).asked == ["home"]
    assert len(seen) == 1


def test_the_rules_own_model_answers_where_the_name_leads_nowhere_else() -> None:
    rule = msgspec.structs.replace(RULE, model="home/small")
    result = ask(chat(SECRET, model="big"), routing=rules(rule))
    assert result.asked == ["home"]
    assert result.exchange.plan.step == "private → home/small, account or preset prefix"
    assert result.headers["x-flowrouter-target"] == "home/small"


def test_a_pattern_that_takes_too_long_counts_as_found_and_is_told() -> None:
    rule = IntentRule(name="slow", pattern=r"(?:a|aa)+$")
    message = refused(ask(chat("a" * 300 + "!", model="big"), routing=rules(rule)))
    assert "took too long" in message
    assert "'slow'" in message


def test_two_rules_want_an_account_that_bears_both_tags() -> None:
    second = IntentRule(name="health", pattern="diagnosis", tag="clinic")
    both = tagged(account("both", "openai_chat", models=("small",)), "clinic", "local")
    accounts = (CLOUD, HOME, both)
    routing = rules(RULE, second)
    assert ask(chat(f"{SECRET}: the diagnosis"), accounts=accounts, routing=routing).asked == ["both"]
    assert "'clinic'" in refused(ask(chat(f"{SECRET}: the diagnosis"), routing=routing))


def test_auto_finds_the_way_home_with_and_without_tiers() -> None:
    for tiers in (Tiers(), Tiers(enabled=True, cheap=("big",), standard=("big",), strong=("big",))):
        routing = rules(tiers=tiers)
        assert ask(chat("hello", model="auto"), routing=routing).asked == ["cloud"]
        assert ask(chat(SECRET, model="auto"), routing=routing).asked == ["home"]


@pytest.mark.parametrize(
    "given_input", [SECRET, ["hi", SECRET], [1, 2, 3], [[1], [2]]], ids=["text", "texts", "tokens", "lists"]
)
def test_embeddings_are_held_to_it_and_token_ids_count_as_found(given_input: Any) -> None:
    body = msgspec.json.encode({"model": "big", "input": given_input})
    refused(ask(body, operation="embeddings"))


def test_harmless_embeddings_pass() -> None:
    body = msgspec.json.encode({"model": "big", "input": "hello"})
    embedding = b'{"object":"list","data":[{"embedding":[0.1]}],"model":"big","usage":{"prompt_tokens":1}}'
    assert ask(body, Script(steps=[embedding]), operation="embeddings").asked == ["cloud"]


HOST = account("host", "openai_responses", priority=1, models=("m",))
OWN = tagged(account("own", "openai_chat", priority=2, models=("m",)), "local")


def test_a_history_that_is_kept_here_is_looked_at_before_it_leaves() -> None:
    state = MemoryStateStore(VirtualClock())
    first = msgspec.json.encode({"model": "m", "input": SECRET})
    told = ask(
        first,
        accounts=(OWN, HOST),
        state=state,
        dialect="openai_responses",
        scripts={"own": Script(steps=[ANSWER])},
    )
    assert told.asked == ["own"]
    previous = msgspec.json.decode(told.body)["id"]
    follow = msgspec.json.encode({"model": "m", "input": "and now?", "previous_response_id": previous})
    scripts = {"own": Script(steps=[ANSWER]), "host": whole(answer())}
    assert ask(follow, scripts, accounts=(OWN, HOST), state=state, dialect="openai_responses").asked == [
        "own"
    ]


def test_a_compaction_item_of_ours_is_opened_and_looked_at() -> None:
    made = Compaction(OpenSeals()).answer(
        b'{"input":"x"}',
        msgspec.json.encode(
            answer(output=[{"type": "message", "content": [{"type": "output_text", "text": SECRET}]}])
        ),
        owner_id="local",
        now=0.0,
    )
    items = msgspec.json.decode(made)["output"]
    body = msgspec.json.encode({"model": "m", "input": [*items, {"role": "user", "content": "go on"}]})
    result = ask(body, {"own": Script(steps=[ANSWER])}, accounts=(HOST, OWN), dialect="openai_responses")
    assert result.asked == ["own"]


def test_either_spelling_of_googles_instructions_is_looked_at() -> None:
    body = {
        "systemInstruction": {"parts": [{"text": "hi"}]},
        "system_instruction": {"parts": [{"text": SECRET}]},
    }
    told = msgspec.json.encode({**body, "contents": [{"parts": [{"text": "hello"}]}]})
    refused(ask(told, dialect="gemini", address={"model": "big", "stream": False}))


def test_a_body_too_large_for_the_loop_is_looked_at_beside_it() -> None:
    assert ask(chat("many words " * 40_000 + SECRET)).asked == ["home"]
    assert ask(chat("many words " * 40_000)).asked == ["cloud"]


def test_a_model_that_ollama_has_answered_elsewhere_is_not_local() -> None:
    ollama = Account(
        id="o", name="o", preset="ollama", owner_id="local", models=("qwen3:8b", "gpt-oss:120b-cloud")
    )
    result = ask(chat(SECRET, model="qwen3:8b"), {"o": GOOD, "127.0.0.1": GOOD}, accounts=(ollama,))
    assert len(result.requests) == 1
    refused(ask(chat(SECRET, model="gpt-oss:120b-cloud"), accounts=(ollama,)))


def test_rules_cost_nothing_to_requests_they_do_not_find() -> None:
    assert ask(chat("hello")).exchange.confined is None
    assert ask(chat("hello"), routing=Routing(combos={"team": TEAM})).exchange.confined is None


def test_explaining_a_private_body_says_why_and_who_is_left_out() -> None:
    async def story(house: House) -> None:
        from flowrouter.gateway.explain import Question, explain
        from flowrouter.httpkit.caller import LOCAL

        async def told(model: str) -> Any:
            question = Question(dialect="openai_chat", body=chat(SECRET, model=model))
            return await explain(
                house.planner, question, world=house.present, caller=LOCAL, clock=house.clock
            )

        team, big = await told("team"), await told("big")
        assert [target.account for target in team.targets] == ["home"]
        assert (big.step, big.targets) == (PRIVATE, ())
        assert any("customers" in reason for reason in big.reasons)

    live(story, accounts=(CLOUD, HOME), scripts={}, routing=rules())


names = st.sampled_from(
    ["m1", "m2", "m3", "c1", "c2", "c3", "a1", "a2", "auto", "auto:cheap", "one/m1", "two/m2"]
)


@st.composite
def configurations(draw: st.DrawFn) -> tuple[tuple[Account, ...], dict[str, Any]]:
    accounts: list[Account] = []
    for place, name in enumerate(["one", "two", "three", "four"][: draw(st.integers(1, 4))]):
        dialect = draw(st.sampled_from(["openai_chat", "anthropic", "openai_responses"]))
        models = tuple(draw(st.sets(st.sampled_from(["m1", "m2", "m3", "*"]), min_size=1)))
        made = account(name, dialect, priority=draw(st.integers(1, 3)), models=models)
        accounts.append(tagged(made, *draw(st.sets(st.sampled_from(["local", "tier:cheap", "other"])))))
        del place
    member = st.builds(ComboMember, model=names, weight=st.integers(1, 3))
    strategies = st.sampled_from(
        ["priority", "round_robin", "random", "weighted", "least_latency", "least_busy", "sticky"]
    )
    combo = st.builds(
        ComboConfig, members=st.lists(member, min_size=1, max_size=3).map(tuple), strategy=strategies
    )
    aliases = draw(st.dictionaries(st.sampled_from(["a1", "a2"]), names, max_size=2))
    routing = Routing(
        intents=(msgspec.structs.replace(RULE, model=draw(st.sampled_from(["", "m1", "c1"]))),),
        combos=draw(st.dictionaries(st.sampled_from(["c1", "c2", "c3"]), combo, max_size=3)),
        tiers=Tiers(enabled=draw(st.booleans()), cheap=tuple(draw(st.lists(names, max_size=2)))),
        rotation=draw(st.sampled_from(["fill_first", "round_robin", "weighted"])),
        mapping=tuple(
            draw(st.lists(st.builds(MappingRule, model=st.sampled_from(["m*", "c?"]), to=names), max_size=1))
        ),
        default_model=draw(st.sampled_from(["", "m2"])),
    )
    return tuple(accounts), {"routing": routing, "aliases": aliases}


@settings(max_examples=150, deadline=None)
@given(
    made=configurations(),
    model=names,
    private=st.booleans(),
    stream=st.booleans(),
    healthy=st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_no_private_prompt_ever_reaches_an_account_without_the_tag(
    made: Any, model: str, private: bool, stream: bool, healthy: list[bool]
) -> None:
    accounts, options = made
    well = dict(zip(["one", "two", "three", "four"], healthy, strict=True))

    def provider(request: Any) -> Script:
        if not well[account_of(request)]:
            return error(503)
        return Script(headers=SSE, steps=[ROLE, HEL]) if stream else GOOD

    text = SECRET if private else "hello"
    result = play(
        "openai_chat", chat(text, model=model, stream=stream), accounts=accounts, scripts=provider, **options
    )
    at_home = {made.name for made in accounts if "local" in made.tags}
    if private:
        assert set(result.asked) <= at_home
        assert result.requests or result.status in (403, 404, 429, 503)
    elif result.status == 403:
        raise AssertionError("a harmless prompt was refused")
