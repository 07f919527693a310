"""What the benchmark concludes from its samples, and what it knows of other gateways."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from harness import endurance, peers, report, scene, tables
from harness.cases import ANTHROPIC, CASES, OPENAI, plain_case, stream_case
from harness.systems import Place

from tests.house.tree import ROOT

PINNED = tomllib.loads(peers.VERSIONS.read_text("utf-8"))
DESCRIBED = sorted(path for path in peers.PEERS.glob("*.toml") if path != peers.VERSIONS)


def series(slope: float, **others: Any) -> list[dict[str, Any]]:
    """An hour of readings, noisy by a megabyte, that grow by `slope` MB an hour."""
    noise = (0.0, 0.9, -0.4, 0.3, -0.9, 0.5)
    steady = {"tasks": 40, "sockets": 90, "descriptors": 100, "threads": 9} | others
    return [
        {"at": float(at), "rss_mb": 80 + slope * at / 3600 + noise[at // 5 % 6], **steady}
        for at in range(0, 3600, 5)
    ]


@pytest.mark.parametrize(("slope", "good"), [(0.0, True), (0.8, True), (1.3, False), (-2.0, True)])
def test_an_hour_tells_a_leak_of_a_megabyte_from_noise(slope: float, good: bool) -> None:
    failures = scene.Failures()
    found = endurance.check_flat(series(slope), failures, endurance.HOUR)
    assert found == pytest.approx(slope, abs=0.1)
    assert (failures.count == 0) is good


@pytest.mark.parametrize("name", ["tasks", "sockets", "descriptors", "threads"])
def test_whatever_grows_fails_the_soak(name: str) -> None:
    failures = scene.Failures()
    readings = series(0.0)
    for number, row in enumerate(readings):
        row[name] += number // 20
    endurance.check_flat(readings, failures, endurance.HOUR)
    assert [text.split(":")[0] for good, text in failures.verdicts if not good] == [name]


def test_every_pinned_peer_is_described_and_the_other_way_round() -> None:
    assert sorted(PINNED) == [path.stem for path in DESCRIBED]
    for path in DESCRIBED:
        assert tomllib.loads(path.read_text("utf-8"))["name"] == path.stem


@pytest.mark.parametrize("path", DESCRIBED, ids=lambda path: path.stem)
def test_a_peer_starts_from_its_description(path: Any, monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setattr(peers, "install", lambda name: tmp_path / "home" / name)
    system = peers.load_peer(path)
    launch = system.prepare(Place(directory=tmp_path, port=4001, upstream_port=4002, models={}))
    written = "".join(each.read_text("utf-8") for each in tmp_path.rglob("*") if each.is_file())
    told = [*launch.command, *launch.headers, *launch.environment.values(), written]
    assert system.peer
    assert any("4001" in text for text in told), "its port is nowhere"
    assert not any("{port}" in text or "{upstream}" in text or "{home}" in text for text in told)
    for case in CASES:
        if case.route in system.routes:
            body = json.loads(system.adapt(case).body)
            assert body["messages"] == json.loads(case.body)["messages"]
            assert body["model"].endswith(json.loads(case.body)["model"])


def test_a_peer_that_cannot_be_installed_says_why(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setattr(peers, "OUTPUT", tmp_path)
    monkeypatch.setattr(peers, "NODE", "false")
    with pytest.raises(peers.AbsentError, match="cannot be installed"):
        peers.install("portkey")


def result(gateway_us: float, proxy_us: float) -> dict[str, Any]:
    case = plain_case(OPENAI, OPENAI).name
    sample = {"rps": 9500.0}
    return {
        "samples": {
            "gateway": {case: [{"cpu_us": gateway_us, **sample}] * 3},
            "proxy": {case: [{"cpu_us": proxy_us, **sample}] * 3},
        },
        "memory": {"gateway": {"idle_mb": 60.0, "per_1000_streams_mb": 25.0}},
        "cold_start": {},
    }


def test_targets_that_are_not_met_are_named_with_their_distance() -> None:
    met, rows = report.distances(result(100.0, 10.0))
    assert "RSS idle, MB" in met
    assert "best RPS, one core, oa→oa plain" in met
    assert ["oa→oa plain, × reference", "10.00", "9.00", "15.00 (met)", "1.11 times"] in rows
    assert ["RSS per 1,000 open streams, MB", "25.0", "20.0", "35.0 (met)", "1.25 times"] in rows


def test_tables_are_markdown() -> None:
    assert tables.markdown([["a", "b"], ["1|2", "3"]]) == "| a | b |\n| --- | ---: |\n| 1\\|2 | 3 |"


def test_every_table_of_the_page_is_known() -> None:
    import docs

    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    named = [match[2] for match in docs.SECTION.finditer(page)]
    assert sorted(named) == sorted(docs.SECTIONS)
    assert page.count("<!-- bench:") == page.count("<!-- /bench -->") == len(named)


def test_faults_are_asked_for_by_the_models_name() -> None:
    assert json.loads(plain_case(OPENAI, ANTHROPIC, tags="-e3").body)["model"] == "an-e3"
    streamed = stream_case(OPENAI, OPENAI, chunks=5, interval_ms=1, tags="-x2")
    assert json.loads(streamed.body)["model"] == "oa-c5-i1-x2"
