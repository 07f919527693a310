"""One request's steps: whom it tries, when it waits, when it gives up; and what it never does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.routing import Target
from flowrouter.routing.course import Course, End, Limits, Step, Try, Wait, first_step
from flowrouter.routing.signals import Obstacle
from flowrouter.routing.tree import Policy
from flowrouter.routing.verdict import CONSEQUENCES, FailureClass, Verdict, network, of_class

START = 1_000.0


def target(name: str, model: str = "m") -> Target:
    return Target(account_id=name, account=name, preset="openai", model=model, dialect="openai_chat")


ONE, TWO, THREE = target("one"), target("two"), target("three")


class Walk:
    """A course with its clock and its obstacles, which a test changes as it goes."""

    def __init__(
        self,
        targets: Sequence[Target] = (ONE, TWO, THREE),
        limits: Limits | None = None,
        *,
        policy: Policy | None = None,
        context: Callable[[Target], int | None] = lambda _: None,
        riskable: Callable[[Target], float | None] = lambda _: None,
        clear: bool = False,
    ) -> None:
        self.now = START
        self.obstacles: dict[str, Obstacle] = {}
        self.course = Course(
            tuple(targets),
            (limits or Limits()).under(policy or Policy()),
            lambda target: self.obstacles.get(target.key),
            lambda: 0.5,
            riskable,
            context,
            clear,
        )

    def next(self) -> Step:
        return self.course.next(self.now)

    def tries(self) -> Target:
        step = self.next()
        assert isinstance(step, Try), step
        return step.target

    def waits(self) -> float:
        """Take a wait and return its length; the clock moves on."""
        step = self.next()
        assert isinstance(step, Wait), step
        self.now += step.seconds
        return step.seconds

    def ends(self) -> End:
        step = self.next()
        assert isinstance(step, End), step
        return step

    def fails(
        self, target: Target, failure: FailureClass, *, pause: float | None = None, **said: float | None
    ) -> bool:
        if pause is not None:
            self.pause(target, pause)
        return self.course.failed(target, of_class(failure), retry_after=said.get("retry_after"))

    def pause(self, target: Target, seconds: float) -> None:
        self.obstacles[target.key] = Obstacle(reason="it broke", until=self.now + seconds)


def test_targets_are_tried_in_order() -> None:
    walk = Walk()
    for each in (ONE, TWO, THREE):
        assert walk.tries() == each
        walk.fails(each, "overloaded", pause=60)
    assert walk.ends().soonest == 60


@pytest.mark.parametrize("failure", ["server", "network", "bad_reply"])
def test_what_may_be_a_moments_failure_is_tried_once_more(failure: FailureClass) -> None:
    walk = Walk()
    assert walk.tries() == ONE
    assert walk.fails(ONE, failure), "it need not pause yet"
    assert 0.2 <= walk.waits() <= 0.5
    assert walk.tries() == ONE
    assert not walk.fails(ONE, failure, pause=15)
    assert walk.tries() == TWO


@pytest.mark.parametrize(
    "failure", ["timeout", "overloaded", "rate_limit", "auth", "billing", "model_missing"]
)
def test_what_is_no_moments_failure_is_not(failure: FailureClass) -> None:
    walk = Walk()
    assert not walk.fails(walk.tries(), failure, pause=15)
    assert walk.tries() == TWO


@pytest.mark.parametrize("failure", ["request_fault", "param_unsupported", "content_filter"])
def test_what_blames_the_request_ends_the_search(failure: FailureClass) -> None:
    walk = Walk()
    walk.fails(walk.tries(), failure)
    walk.ends()


def test_a_policy_refusal_is_asked_elsewhere_only_if_that_is_set() -> None:
    walk = Walk(limits=Limits(past_content_filter=True))
    walk.fails(walk.tries(), "content_filter")
    assert walk.tries() == TWO


def test_a_short_named_time_is_waited_out_on_the_spot_once() -> None:
    walk = Walk()
    walk.tries()
    assert not walk.fails(ONE, "rate_limit", pause=2.1, retry_after=2.0), "others must pass it over"
    assert walk.waits() == pytest.approx(2.1)
    walk.obstacles[ONE.key] = Obstacle(reason="on trial", probe=True)
    step = walk.next()
    assert step == Try(target=ONE, trial=True, fallback=TWO, rival=TWO, spare=True)
    walk.fails(ONE, "rate_limit", pause=2.1, retry_after=2.0)
    assert walk.tries() == TWO


def test_a_longer_named_time_is_not() -> None:
    walk = Walk()
    walk.fails(walk.tries(), "rate_limit", pause=2.2, retry_after=2.1)
    assert walk.tries() == TWO


def test_who_pauses_is_passed_over_while_others_are_there() -> None:
    walk = Walk()
    walk.pause(ONE, 1.0)
    assert walk.tries() == TWO
    walk.fails(TWO, "overloaded", pause=60)
    assert walk.tries() == THREE


def test_when_all_pause_it_waits_if_that_is_short() -> None:
    walk = Walk()
    for each, seconds in ((ONE, 30.0), (TWO, 3.0), (THREE, 4.0)):
        walk.pause(each, seconds)
    assert walk.waits() == 3.0
    walk.obstacles[TWO.key] = Obstacle(reason="on trial", probe=True)
    assert walk.next() == Try(target=TWO, trial=True)


def test_when_all_pause_too_long_it_gives_up_with_the_time() -> None:
    walk = Walk()
    for each, seconds in ((ONE, 80.0), (TWO, 300.0), (THREE, 90.0)):
        walk.pause(each, seconds)
    assert walk.ends().soonest == 80.0


def test_a_second_round_after_a_wait_and_a_third_but_no_fourth() -> None:
    walk = Walk([ONE], Limits(wait=100.0))
    for _ in range(3):
        assert walk.tries() == ONE
        walk.fails(ONE, "overloaded", pause=5)
        step = walk.next()
        if isinstance(step, End):
            break
        assert isinstance(step, Wait)
        walk.now += step.seconds
        walk.obstacles.clear()
    else:
        raise AssertionError("it goes round for ever")
    assert walk.course.waited == 10.0


def test_waiting_altogether_stays_within_the_budget() -> None:
    walk = Walk([ONE], Limits(wait=5.0))
    walk.tries()
    walk.fails(ONE, "overloaded", pause=4)
    assert walk.waits() == 4
    walk.obstacles.clear()
    walk.tries()
    walk.fails(ONE, "overloaded", pause=2)
    walk.ends()


def test_no_waiting_at_all() -> None:
    walk = Walk(limits=Limits(wait=0.0))
    assert not walk.fails(walk.tries(), "server", pause=15), "no pause for a second try fits"
    assert walk.tries() == TWO


def test_somebody_elses_trial_is_waited_for() -> None:
    walk = Walk([ONE])
    walk.obstacles[ONE.key] = Obstacle(reason="one request finds out")
    assert walk.waits() == 1.0
    walk.obstacles.clear()
    assert walk.tries() == ONE


def test_a_trial_may_be_risked_early_when_nothing_else_is_left() -> None:
    risks: dict[str, float | None] = {ONE.key: 0.0, TWO.key: None}
    walk = Walk([ONE, TWO], riskable=lambda target: risks[target.key])
    walk.pause(ONE, 60)
    walk.pause(TWO, 60)
    assert walk.next() == Try(target=ONE, trial=True)
    walk.fails(ONE, "server", pause=60)
    walk.ends()  # nobody risks the same target twice within one request


def test_tries_are_limited_by_the_setting_and_by_the_combo() -> None:
    for walk in (Walk(limits=Limits(attempts=2)), Walk(policy=Policy(attempts=2))):
        walk.fails(walk.tries(), "overloaded", pause=60)
        walk.fails(walk.tries(), "overloaded", pause=60)
        walk.ends()


@pytest.mark.parametrize("failure", ["auth", "billing", "model_missing"])
def test_a_leg_that_was_never_fit_uses_up_no_try(failure: FailureClass) -> None:
    legs = [target(f"leg{number}") for number in range(6)]
    walk = Walk([*legs, ONE], Limits(attempts=1))
    for leg in legs:
        assert walk.tries() == leg
        walk.fails(leg, failure)
    assert walk.tries() == ONE


def test_a_leg_that_cannot_express_the_request_is_passed_over() -> None:
    walk = Walk(limits=Limits(attempts=1))
    walk.tries()
    walk.course.failed(ONE, Verdict(failure="request_fault", failover=True), retry_after=None)
    assert walk.tries() == TWO


def test_an_account_without_a_free_place_is_no_failure() -> None:
    walk = Walk(limits=Limits(attempts=1))
    walk.course.busy(walk.tries())
    assert walk.tries() == TWO


def test_an_overflow_goes_only_where_more_fits() -> None:
    windows: dict[str, int | None] = {
        "one": 8_000,
        "two": 8_000,
        "three": 4_000,
        "four": 32_000,
        "five": None,
    }
    targets = [target(name) for name in windows]
    walk = Walk(targets, context=lambda each: windows[each.account])
    walk.fails(walk.tries(), "context_overflow")
    assert walk.tries().account == "four"
    walk.fails(targets[3], "context_overflow")
    assert walk.tries().account == "five"


def test_a_fallback_is_told_while_one_is_left() -> None:
    walk = Walk([ONE, TWO])
    walk.obstacles[TWO.key] = Obstacle(reason="on trial", probe=True)
    assert walk.next() == Try(target=ONE, fallback=TWO, rival=None)
    walk.fails(ONE, "overloaded", pause=60)
    assert walk.next() == Try(target=TWO, trial=True)


def test_a_failed_trial_is_not_tried_on_the_spot() -> None:
    walk = Walk()
    walk.obstacles[ONE.key] = Obstacle(reason="on trial", probe=True)
    walk.tries()
    walk.pause(ONE, 20)
    assert not walk.course.failed(ONE, of_class("server"), retry_after=None, trial=True)
    assert walk.tries() == TWO


KINDS = st.sampled_from([*CONSEQUENCES, "connect", "ok"])
PAUSES = st.none() | st.floats(0, 90)


@st.composite
def stories(draw: st.DrawFn) -> tuple[int, Limits, list[tuple[str, float | None, float | None]], list[float]]:
    legs = draw(st.integers(1, 6))
    limits = Limits(attempts=draw(st.integers(1, 10)), wait=draw(st.sampled_from([0.0, 1.0, 5.0, 30.0])))
    outcomes = draw(st.lists(st.tuples(KINDS, PAUSES, st.none() | st.floats(0, 5)), min_size=60, max_size=60))
    paused = draw(st.lists(st.floats(-1, 40), min_size=legs, max_size=legs))
    return legs, limits, outcomes, paused


@given(stories())
def test_who_knows_that_the_way_is_clear_goes_the_same_one(
    story: tuple[int, Limits, list[tuple[str, float | None, float | None]], list[float]],
) -> None:
    legs, limits, outcomes, _ = story
    targets = [target(f"t{number}") for number in range(legs)]
    told, asking = Walk(targets, limits, clear=True), Walk(targets, limits)
    for kind, pause, retry_after in outcomes:
        step = told.next()
        assert step == asking.next()
        if isinstance(step, End):
            break
        for walk in (told, asking):
            if isinstance(step, Wait):
                walk.now += step.seconds
            else:
                failure = "network" if kind in {"connect", "ok"} else kind
                walk.fails(step.target, failure, pause=pause, retry_after=retry_after)  # type: ignore[arg-type]


@pytest.mark.parametrize("legs", [1, 2, 3])
def test_it_does_not_ask_what_stands_in_a_clear_way(legs: int) -> None:
    asked: list[Target] = []
    targets = (ONE, TWO, THREE)[:legs]
    course = Course(targets, Limits(), asked.append, lambda: 0.5, lambda _: None, lambda _: None, True)
    step = course.next(START)
    assert isinstance(step, Try)
    assert step.target == ONE
    assert not asked
    course.failed(ONE, of_class("server"), retry_after=None, trial=True)
    course.next(START)
    assert asked, "it was clear as the course began"


@given(stories(), st.booleans())
def test_what_no_course_ever_does(
    story: tuple[int, Limits, list[tuple[str, float | None, float | None]], list[float]], early: bool
) -> None:
    legs, limits, outcomes, before = story
    targets = [target(f"t{number}") for number in range(legs)]
    now = START
    until = {each.key: now + length for each, length in zip(targets, before, strict=True) if length > 0}

    def obstacle(each: Target) -> Obstacle | None:
        end = until.get(each.key)
        if end is None:
            return None
        return Obstacle(reason="", probe=True) if now >= end else Obstacle(reason="", until=end)

    course = Course(
        tuple(targets),
        limits,
        obstacle,
        lambda: 0.5,
        (lambda each: 0.0) if early else (lambda each: None),
    )
    counted = waited = 0.0
    unfit, ended, rounds = set[str](), False, dict[str, int]()
    for number in range(400):
        step = course.next(now)
        if isinstance(step, End):
            break
        assert not ended, "the request was to blame, and it went on"
        if isinstance(step, Wait):
            assert step.seconds > 0
            waited += step.seconds
            now += step.seconds
            assert waited <= limits.wait + 1e-6
            continue
        here = step.target
        assert counted < limits.attempts
        assert here.key not in unfit, "what cannot change was asked again"
        rounds[here.key] = rounds.get(here.key, 0) + 1
        assert rounds[here.key] <= 4, "three rounds, and one more try on the spot"
        stands = obstacle(here)
        assert step.trial == (stands is not None)
        if stands is not None and not stands.probe:
            others = [each for each in targets if each.key not in rounds and each.key not in unfit]
            assert early
            assert all((o := obstacle(each)) is not None and not o.probe for each in others)
        kind, pause, retry_after = outcomes[number % len(outcomes)]
        if kind == "ok":
            break
        verdict = network("connect") if kind == "connect" else of_class(kind)  # type: ignore[arg-type]
        now += 0.1
        if pause is not None and verdict.scope is not None:
            until[here.key] = now + pause
        course.failed(here, verdict, retry_after=retry_after, trial=step.trial)
        if verdict.failure in ("auth", "billing", "model_missing", "context_overflow"):
            unfit.add(here.key)
        else:
            counted += 1
        ended = not verdict.failover
    else:
        raise AssertionError("it never ended")


@pytest.mark.parametrize("attempts", [1, 2, 3])
@pytest.mark.parametrize("targets", [(ONE,), (ONE, TWO), (ONE, TWO, THREE)], ids=len)
def test_a_course_set_out_behind_its_first_step(targets: tuple[Target, ...], attempts: int) -> None:
    """It goes on as one that took that step itself."""
    late, early = (Walk(targets, Limits(attempts=attempts), clear=True) for _ in range(2))
    first = first_step(targets, attempts)
    assert early.next() == first
    late.course.begun(first)
    for _ in range(attempts + 1):
        assert late.fails(first.target, "server") == early.fails(first.target, "server")
        assert late.next() == early.next()
