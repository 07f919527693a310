"""The order in which accounts are asked, changed by keys and by dragging."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.dashboard.accounts import made, row, told, undo
from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand


def test_the_order_is_changed_by_keys_and_given_back(gateway: Stand, page: Opener) -> None:
    first, second = made(gateway, "order-a", priority=950), made(gateway, "order-b", priority=951)
    tab = page(gateway, "#/providers")

    def priorities() -> tuple[int, int]:
        return told(gateway, first)["priority"], told(gateway, second)["priority"]

    moved = tab.locator(".toasts").get_by_text("order-b moved.")
    step = tab.locator("ul", has=row(tab, first)).locator("[data-row]")
    row(tab, second).focus()
    tab.keyboard.press("Alt+ArrowUp")
    expect(step).to_have_count(2)
    expect(row(tab, second)).to_be_focused()
    expect(moved).to_have_count(1)
    assert priorities() == (950, 950)
    tab.keyboard.press("Alt+ArrowUp")
    expect(step).to_have_count(1)
    expect(row(tab, second)).to_be_focused()
    expect(moved).to_have_count(2)
    assert priorities()[1] < priorities()[0] == 950
    with tab.expect_response(lambda reply: reply.request.method == "PATCH"):
        undo(tab)
    expect(step).to_have_count(2)
    assert priorities() == (950, 950)


def test_the_order_is_changed_by_dragging(gateway: Stand, page: Opener) -> None:
    upper, lower = made(gateway, "drag-a", priority=960), made(gateway, "drag-b", priority=961)
    tab = page(gateway, "#/providers", height=2400)
    row(tab, lower).hover()
    handle = row(tab, lower).locator(".handle").bounding_box()
    target = row(tab, upper).bounding_box()
    assert handle
    assert target
    tab.mouse.move(handle["x"] + 5, handle["y"] + 5)
    tab.mouse.down()
    tab.mouse.move(handle["x"] + 5, handle["y"] - 20, steps=3)
    tab.mouse.move(target["x"] + 60, target["y"] + target["height"] / 2, steps=4)
    expect(tab.locator("ul.here", has=row(tab, upper))).to_be_visible()
    tab.mouse.up()
    expect(tab.get_by_text("drag-b moved.")).to_be_visible()
    assert (told(gateway, upper)["priority"], told(gateway, lower)["priority"]) == (960, 960)


def test_any_move_ends_in_the_order_that_was_shown(gateway: Stand, page: Opener) -> None:
    """Random steps, some of them fixed: the priorities that come out give the wanted steps, and no fixed one changes."""
    tab = page(gateway, "#/about")
    wrong = tab.evaluate(
        """async () => {
          const { stepsOf, joined, nudged, parted, moves } = await import('/static/pages/providers/order.js');
          let seed = 7;
          const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
          const ids = (steps) => JSON.stringify(steps.map((step) => step.map(({ id }) => id).sort()));
          let refused = 0;
          for (let round = 0; round < 3000; round += 1) {
            const placed = Array.from({ length: 1 + random(7) }, (_, at) => ({ id: 'abcdefg'[at], priority: 1 + random(6), fixed: random(6) === 0 }));
            const steps = stepsOf(placed);
            const moved = placed[random(placed.length)];
            if (moved.fixed) continue;
            const wanted = [() => nudged(steps, moved.id, random(2) ? 1 : -1), () => joined(steps, moved.id, random(steps.length)), () => parted(steps, moved.id, random(steps.length + 1))][random(3)]();
            const changes = moves(wanted, moved.id);
            if (changes === null) { refused += 1; continue; }
            const to = new Map(changes.map((change) => [change.id, change.to]));
            const after = placed.map((one) => ({ ...one, priority: to.get(one.id) ?? one.priority }));
            if (ids(stepsOf(after)) !== ids(wanted)) return { placed, moved, wanted, changes };
            if (placed.some(({ id, fixed }) => fixed && to.has(id)) || after.some(({ priority }) => priority < 1)) return { placed, changes };
          }
          return refused > 0 && refused < 900 ? null : { refused };
        }"""
    )
    assert wrong is None, wrong
