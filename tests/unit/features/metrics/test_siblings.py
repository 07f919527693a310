"""What workers leave for each other: whole or not at all, and forgotten once they are gone."""

from __future__ import annotations

from pathlib import Path

from flowrouter.features.metrics.exposition import render
from flowrouter.features.metrics.families import Family, Sample, counter, single
from flowrouter.features.metrics.siblings import FOLDER, STALE_SECONDS, Left, Siblings

NOW = 1_800_000_000.0


def left(worker: str, value: float, *, at: float = NOW) -> Left:
    asked = counter("requests", "Requests.", labels=("model",), samples=[Sample(("m",), value)])
    return Left(at=at, worker=worker, families=(asked, single("in_flight", "Now.", value)))


def test_workers_see_each_other_and_not_themselves(tmp_path: Path) -> None:
    first, second = (Siblings(tmp_path, worker=number) for number in (0, 1))
    assert first.others(NOW) == []
    first.leave(left("0", 1))
    second.leave(left("1", 2))
    second.leave(left("1", 3))
    assert first.others(NOW) == [left("1", 3)]
    assert second.others(NOW) == [left("0", 1)]
    assert second.others(NOW + STALE_SECONDS + 1) == [], "that worker is gone"
    first.gone()
    first.gone()
    assert second.others(NOW) == []


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    own = Siblings(tmp_path, worker=0)
    own.leave(left("0", 1))
    for name, text in (("worker-1", "{"), ("worker-2", '{"of": "an older form"}'), ("worker-3", "")):
        (tmp_path / FOLDER / f"{name}.json").write_text(text)
    assert own.others(NOW) == []


def test_one_metric_for_all_workers() -> None:
    body, content_type = render([left("0", 1), left("1", 2)], "")
    lines = body.decode().splitlines()
    assert content_type.startswith("text/plain")
    assert [line for line in lines if line.startswith("flowrouter_requests_total")] == [
        'flowrouter_requests_total{model="m",worker="0"} 1.0',
        'flowrouter_requests_total{model="m",worker="1"} 2.0',
    ]
    assert sum(line.startswith("# TYPE flowrouter_requests") for line in lines) == 1


def test_histograms_are_cumulative() -> None:
    taken = Family(
        name="flowrouter_x_seconds",
        kind="histogram",
        help="X.",
        bounds=(0.5, 2.0),
        samples=(Sample((), 7.5, (2, 0, 1)),),
    )
    body, content_type = render([Left(at=NOW, worker="0", families=(taken,))], "application/openmetrics-text")
    text = body.decode()
    assert "openmetrics" in content_type
    for line in (
        'flowrouter_x_seconds_bucket{le="0.5",worker="0"} 2.0',
        'flowrouter_x_seconds_bucket{le="2.0",worker="0"} 2.0',
        'flowrouter_x_seconds_bucket{le="+Inf",worker="0"} 3.0',
        'flowrouter_x_seconds_sum{worker="0"} 7.5',
        'flowrouter_x_seconds_count{worker="0"} 3.0',
    ):
        assert line in text
