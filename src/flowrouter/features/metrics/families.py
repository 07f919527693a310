"""Metrics as values: a family is a name, its labels and its samples; workers leave them to each other as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

PREFIX = "flowrouter_"

Kind = Literal["counter", "gauge", "histogram"]


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One series: the values of its family's labels, and its number; of a histogram the sum.

    `buckets` are a histogram's observations per bucket (not cumulative), the last one above every bound.
    """

    labels: tuple[str, ...]
    value: float
    buckets: tuple[int, ...] = ()


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """All series of one metric; `bounds` are a histogram's upper bounds."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    samples: tuple[Sample, ...] = ()


def counter(name: str, told: str, *, labels: tuple[str, ...], samples: Iterable[Sample]) -> Family:
    """Return a family that only grows; its series get the ending `_total`."""
    return Family(name=PREFIX + name, kind="counter", help=told, labels=labels, samples=tuple(samples))


def gauge(name: str, told: str, *, labels: tuple[str, ...], samples: Iterable[Sample]) -> Family:
    """Return a family that goes up and down."""
    return Family(name=PREFIX + name, kind="gauge", help=told, labels=labels, samples=tuple(samples))


def single(name: str, told: str, value: float, *, kind: Kind = "gauge") -> Family:
    """Return a family of one series without labels."""
    return Family(name=PREFIX + name, kind=kind, help=told, samples=(Sample((), value),))


__all__ = ["PREFIX", "Family", "Kind", "Sample", "counter", "gauge", "single"]
