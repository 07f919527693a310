"""Writes families down in the form the scraper asks for (Prometheus text or OpenMetrics).

This module loads prometheus-client; import it where a scrape is answered, in a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from flowrouter.features.metrics.families import Family, Sample
from flowrouter.features.metrics.siblings import Left


class _Collected(Collector):
    """What `Left` of all workers comes to: one metric per name, each series with its worker."""

    def __init__(self, workers: Iterable[Left]) -> None:
        self._workers = list(workers)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        made: dict[str, Metric] = {}
        for left in self._workers:
            for family in left.families:
                metric = made.get(family.name)
                if metric is None:
                    metric = made[family.name] = _metric(family)
                for sample in family.samples:
                    _add(metric, family, sample, worker=left.worker)
        yield from made.values()


def render(workers: Iterable[Left], accept: str) -> tuple[bytes, str]:
    """Return the body and its content type for a scraper that accepts `accept`."""
    encode, content_type = choose_encoder(accept)
    return encode(_Collected(workers)), content_type


def _metric(family: Family) -> Metric:
    labels = [*family.labels, "worker"]
    match family.kind:
        case "counter":
            return CounterMetricFamily(family.name, family.help, labels=labels)
        case "gauge":
            return GaugeMetricFamily(family.name, family.help, labels=labels)
        case "histogram":
            return HistogramMetricFamily(family.name, family.help, labels=labels)


def _add(metric: Metric, family: Family, sample: Sample, *, worker: str) -> None:
    labels = [*sample.labels, worker]
    if isinstance(metric, HistogramMetricFamily):
        bounds = [*map(floatToGoString, family.bounds), "+Inf"]
        buckets = list(zip(bounds, accumulate(sample.buckets), strict=True))
        metric.add_metric(labels, buckets=buckets, sum_value=sample.value)
    elif isinstance(metric, CounterMetricFamily | GaugeMetricFamily):
        metric.add_metric(labels, sample.value)


__all__ = ["render"]
