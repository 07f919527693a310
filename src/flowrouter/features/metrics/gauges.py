"""What stands now, read when somebody asks: places, pauses, the request log, shared state, this build."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator
from typing import Any

from flowrouter import __version__
from flowrouter.features.metrics import process
from flowrouter.features.metrics.families import Family, Sample, counter, gauge, single
from flowrouter.features.metrics.labels import Labels

_SCOPES = ("account", "model", "host")


def families(app: Any) -> list[Family]:
    """Return the present state of `app` as this worker sees it."""
    world = app.configuration.world
    labels = Labels(world)
    return [
        *_places(app, labels),
        _pauses(app, labels),
        _accounts(world),
        *_quotas(app, labels),
        *_log(app),
        _recordings(app),
        *_state(app),
        gauge(
            "build_info",
            "Always 1; the labels say what runs.",
            labels=("version", "python"),
            samples=[Sample((__version__, platform.python_version()), 1)],
        ),
        *process.families(),
    ]


def _places(app: Any, labels: Labels) -> Iterator[Family]:
    ids = [account.id for account in labels.world.accounts.values() if account.enabled]
    yield gauge(
        "in_flight",
        "Requests an account is answering now.",
        labels=("account",),
        samples=[Sample((labels.account(each),), app.admission.in_flight(each)) for each in ids],
    )
    yield gauge(
        "waiting",
        "Requests that wait for a place at an account.",
        labels=("account",),
        samples=[Sample((labels.account(each),), app.admission.waiting(each)) for each in ids],
    )


def _pauses(app: Any, labels: Labels) -> Family:
    """Return how much of each account pauses; a pause of a host counts at the account that began it."""
    now, found = app.clock.now(), Counter[tuple[str, str]]()
    for key, pause in app.cooldowns.pauses().items():
        scope = key.partition(":")[0]
        if not pause.over(now) and scope in _SCOPES:
            found[labels.account(pause.account_id), scope] += 1
    return gauge(
        "cooldowns",
        "Pauses in force; with shared state every worker tells of the same ones.",
        labels=("account", "scope"),
        samples=[Sample(each, number) for each, number in found.items()],
    )


def _accounts(world: Any) -> Family:
    found: Counter[str] = Counter()
    for account in world.facts.accounts:
        found["problem" if account.problem else "usable" if account.enabled else "disabled"] += 1
    return gauge(
        "accounts",
        "Accounts by whether they can be asked.",
        labels=("state",),
        samples=[Sample((state,), found[state]) for state in ("usable", "disabled", "problem")],
    )


def _quotas(app: Any, labels: Labels) -> Iterator[Family]:
    """Yield what is left of accounts; of limits that hold for one model, only of models that the configuration names."""
    left, resets = dict[tuple[str, ...], float](), dict[tuple[str, ...], float]()
    for account in labels.world.accounts.values():
        for window in app.quota_states.of(account).windows:
            if window.models and window.models not in labels.models:
                continue
            key = (labels.account(account.id), window.name, window.models)
            if window.remaining_share is not None:
                left[key] = window.remaining_share
            if window.resets_at_ms is not None:
                resets[key] = window.resets_at_ms / 1000
    names = ("account", "window", "model")
    yield gauge(
        "quota_remaining_ratio",
        "What is left of a window of an account's quota, as a share of 1; no model: of the account.",
        labels=names,
        samples=[Sample(key, value) for key, value in left.items()],
    )
    yield gauge(
        "quota_reset_timestamp_seconds",
        "When a window of an account's quota begins anew.",
        labels=names,
        samples=[Sample(key, value) for key, value in resets.items()],
    )


def _log(app: Any) -> Iterator[Family]:
    health = app.writer.health()
    yield single("log_queued", "Request rows waiting to be written.", health.queued)
    yield single("log_spilled", "Request rows set aside in the journal.", health.spilled)
    yield single("log_rejected", "Rows of the journal that no store takes.", health.rejected)
    yield single("log_lost", "Request rows that neither store nor journal took.", health.lost, kind="counter")


def _recordings(app: Any) -> Family:
    counts = app.recordings.counts
    return counter(
        "recordings",
        "Recorded exchanges: kept, dropped for want of room, failed at the store.",
        labels=("result",),
        samples=[Sample((name,), getattr(counts, name)) for name in ("kept", "dropped", "failed")],
    )


def _state(app: Any) -> Iterator[Family]:
    age, away = app.configuration.age_seconds, app.state.away_seconds
    yield single("snapshot_age_seconds", "For how long the configuration may be out of date.", age)
    yield single("store_up", "Whether the store answers.", 0 if age else 1)
    yield single("state_shared", "Whether short-lived state is kept in Redis.", 1 if app.state.shared else 0)
    yield single("state_up", "Whether short-lived state is where it should be.", 1 if away is None else 0)
    yield single("state_away_seconds", "For how long Redis has been away.", away or 0.0)


__all__ = ["families"]
