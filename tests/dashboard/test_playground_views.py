"""The playground: two at once, the request in four dialects and as code, failures, words, roles."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand
from tests.dashboard.tab import axe, shot
from tests.dashboard.talk import DIALECTS, SLOW, answered, answers, ask, choose, message, slowly
from tests.upstreams import Answer, Thought

MARKS = """It is **bold**, with `code` and <img src=x onerror="window.hurt = true">:

1. one
2. two

```python
print("<b>no</b>")
```

| a | b |
|---|---|
| 1 | 2 |
"""


@pytest.fixture(scope="module")
def slow(gateway: Stand) -> Stand:
    """Lend the gateway with an account more, whose models take their time."""
    return slowly(gateway)


def test_two_targets_are_asked_at_once(slow: Stand, page: Opener) -> None:
    tab = page(slow, "#/playground?model=gpt-5.4")
    tab.get_by_role("button", name="Compare", exact=True).click()
    choose(tab, SLOW[0], "First target")
    choose(tab, SLOW[1], "Second target")
    ask(tab, "Both of you")
    lanes = tab.locator(".play-lane")
    expect(lanes.nth(0)).to_contain_text("word50")
    expect(lanes.nth(1)).to_contain_text("word50")
    assert {call.model for call in slow.vendor.in_flight} == set(SLOW)
    tab.get_by_role("button", name="Stop").click()
    answered(tab, 2)
    choose(tab, "gpt-5.4", "First target")
    choose(tab, "claude-sonnet-4-5", "Second target")
    ask(tab, "Once more")
    answered(tab, 4)
    table = tab.get_by_role("table", name="Compared").last
    expect(table.get_by_role("row", name=re.compile("^Cost"))).to_contain_text(
        re.compile(r"\$0.*\$0.*[+−]\d")
    )
    expect(table.get_by_role("row", name=re.compile("^Tokens written"))).to_contain_text(re.compile(r"\d"))
    expect(table.get_by_role("row", name=re.compile("^In all"))).to_contain_text(re.compile(r" m?s"))
    # Each goes on from what it said itself.
    claude = slow.vendor.calls_of("claude-sonnet-4-5")[-1]
    assert claude.contains("Both of you")
    assert claude.contains("Once more")
    axe(tab)
    shot(tab, "playground-compare")


def test_the_four_dialects_with_what_gets_lost(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/playground?model=claude-sonnet-4-5", allow=("status of 400",))
    tab.get_by_label("System").fill("Be brief.")
    tab.get_by_role("switch", name="Tools").click()
    tab.get_by_role("switch", name="More fields").click()
    tab.get_by_label("Put into the body").fill('{"seed": 7}')
    ask(tab, "What is the weather?")
    expect(answers(tab).last).to_contain_text("lost: seed")
    tab.get_by_role("form", name="What the calls gave").get_by_role("textbox").fill("fine")
    tab.get_by_role("tab", name="Four dialects").click()
    columns = tab.get_by_role("columnheader")
    expect(columns.nth(1)).to_contain_text("as asked")
    expect(columns.nth(3)).to_contain_text("1 lossgoes to anthropic-main")
    cells = tab.get_by_role("row", name=re.compile("^seed ")).get_by_role("cell")
    expect(cells.nth(0)).to_contain_text("7")
    expect(cells.nth(2)).to_contain_text("dropped")
    expect(cells.nth(3)).to_contain_text("generationConfig.seed")
    expect(tab.locator(".play-loss")).to_have_count(2)  # Responses has no seed, either
    said = tab.get_by_role("row", name=re.compile("^User ")).get_by_role("cell")
    assert [words.count("What is the weather?") for words in said.all_inner_texts()] == [1, 1, 1, 1]
    places = tab.get_by_role("row", name=re.compile("^Tool ")).locator(".play-node > span").all_inner_texts()
    assert places == ["tools[0]", "tools[0]", "tools[0]", "tools[0].functionDeclarations[0]"]
    axe(tab)
    shot(tab, "playground-losses")

    tab.get_by_role("tab", name="Chat").click()
    tab.get_by_label("Put into the body").fill('{"n": 2}')
    tab.get_by_role("tab", name="Four dialects").click()
    expect(columns.nth(3)).to_contain_text("refused")
    refused = tab.get_by_role("row", name=re.compile("^n ")).get_by_role("cell").nth(2)
    expect(refused).to_contain_text("Anthropic models give one answer per request")


def test_a_request_as_code_that_runs(gateway: Stand, page: Opener, tmp_path: Path) -> None:
    tab = page(gateway, "#/playground?model=gpt-5.4")
    tab.get_by_label("System").fill("Be brief.")
    tab.get_by_role("switch", name="Tools").click()
    for dialect, (model, path) in DIALECTS.items():
        choose(tab, model)
        tab.get_by_label("Dialect").select_option(value=str(list(DIALECTS).index(dialect)))
        message(tab).fill(f"It's {dialect}")
        tab.get_by_role("tab", name="Code").click()
        expect(tab.locator(".code")).to_contain_text(path)
        tab.get_by_role("tab", name="JavaScript").click()
        expect(tab.locator(".code")).to_contain_text("process.env.FLOW_ROUTER_KEY")
        tab.get_by_role("tab", name="Python").click()
        script = tmp_path / f"ask_{dialect}.py"
        script.write_text(tab.locator(".code pre").inner_text())
        environ = {**os.environ, "FLOW_ROUTER_KEY": gateway.keys["laptop"]}
        done = subprocess.run(
            [sys.executable, str(script)],
            capture_output=True,
            text=True,
            env=environ,
            timeout=60,
            check=False,
        )
        assert done.stdout.startswith(f"You said: It's {dialect}"), done.stderr
        tab.get_by_role("tab", name="Chat").click()
    row = gateway.api("GET", "/api/requests?limit=1")[0]
    assert row["key_id"] == gateway.key_ids["laptop"]


def test_failures_are_told_in_full_and_tried_again(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/playground?model=no-such-model", allow=("status of 404", "status of 400"))
    ask(tab, "Hello")
    alert = tab.get_by_role("alert")
    expect(alert).to_contain_text("404")
    expect(alert).to_contain_text("no account answers for the model 'no-such-model'")
    expect(alert.get_by_role("link", name="Models")).to_be_visible()
    expect(answers(tab).get_by_role("link", name="Request")).to_have_attribute("href", re.compile("req_"))
    choose(tab, "claude-haiku-4-5")
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
    expect(answered(tab, 1)).to_contain_text("You said: Hello")

    gateway.vendor.script(["fault-400"])
    ask(tab, "Refused")
    expect(alert).to_contain_text("400")
    axe(tab)
    shot(tab, "playground-failure")
    gateway.vendor.script([None])
    alert.get_by_role("button", name="Try again").click()
    expect(answered(tab, 2)).to_contain_text("You said: Refused")


def test_words_are_shown_as_they_are_meant_and_never_run(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/playground?model=claude-sonnet-4-5&dialect=anthropic")
    gateway.vendor.script([Answer(text=MARKS, thoughts=(Thought(text="Let me *see*."),))])
    ask(tab, "Show it")
    words = answered(tab, 1).locator(".play-words")
    expect(words.locator("b")).to_have_text("bold")
    expect(words.locator("ol > li")).to_have_text(["one", "two"])
    expect(words.locator("pre")).to_have_text('print("<b>no</b>")')
    expect(words.locator("td")).to_have_text(["1", "2"])
    expect(words.locator("img")).to_have_count(0)
    expect(words).to_contain_text("<img src=x onerror=")
    assert tab.evaluate("() => window.hurt === undefined")
    grown: list[Any] = tab.evaluate(
        """async (text) => {
          const {Blocks, read} = await import('/static/pages/playground/markdown.js');
          const reader = new Blocks();
          const wrong = [];
          for (let end = 1; end <= text.length; end += 1) {
            const now = JSON.stringify(reader.take(text.slice(0, end)));
            if (now !== JSON.stringify(read(text.slice(0, end)).blocks)) wrong.push([end, now]);
          }
          return wrong;
        }""",
        MARKS * 2,
    )
    assert grown == []


def test_a_viewer_may_look_and_not_try(guarded: Stand, page: Opener) -> None:
    before = len(guarded.vendor.calls)
    tab = page(guarded, "#/playground?model=gpt-5.4", user="viewer")
    expect(tab.get_by_text("You may look, but not try")).to_be_visible()
    expect(message(tab)).to_be_disabled()
    expect(tab.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    tab.get_by_role("tab", name="Four dialects").click()
    expect(tab.get_by_role("columnheader", name="Gemini")).to_contain_text("nothing lost")
    assert len(guarded.vendor.calls) == before
