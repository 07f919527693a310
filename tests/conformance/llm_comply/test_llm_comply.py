"""A compliance tester by others, against the gateway in front of both vendors: all its cases, in both dialects."""

import tomllib
from pathlib import Path
from typing import Any

import llm_comply
import pytest
from llm_comply import config, runner, schema
from llm_comply.tests import get_tests

from tests.conformance.house import AnthropicCell, Cell, House, OpenAICell

SPECS = Path(llm_comply.__file__).parent / "specs"
LIST = Path(__file__).parent / "skipped.toml"
DIALECTS: dict[str, tuple[type[Cell], str]] = {
    "openai-chat": (OpenAICell, "chat"),
    "anthropic": (AnthropicCell, "claude"),
}
MODELS = {"chat": "deepseek-reasoner", "claude": "claude-haiku-4-5"}
PLAYED = {"chat": "claude-opus-played-by-chat", "claude": "o4-played-by-claude"}
"""Where the vendor speaks another dialect its models have other names, by which the tester leaves out cases."""
CASES = 9

pytestmark = pytest.mark.filterwarnings(
    # The tester's own dependency complains of its age on every schema it reads.
    "ignore:jsonschema.RefResolver is deprecated:DeprecationWarning"
)


def skipped() -> dict[tuple[str, str], str]:
    """Return the reasons of the list by case and vendor."""
    rows: list[dict[str, Any]] = tomllib.loads(LIST.read_text("utf-8"))["skipped"]
    return {(row["case"], row["vendor"]): row["reason"] for row in rows}


def outcomes(cell: Cell, dialect: str, scenario: str) -> dict[str, tuple[str, list[str]]]:
    """Run the tester's suite at a cell; returns status and errors by case."""
    anthropic = dialect == "anthropic"
    address = cell.up.openai_url if cell.direct else cell.house.gateway.openai_url
    played = PLAYED[cell.account] + (f"+{scenario}" if scenario else "")
    settings = config.ComplianceConfig(
        base_url=address,
        api_key=cell.key,
        model=played if cell.translated else cell.model(scenario, base=MODELS[cell.account]),
        auth_header="x-api-key" if anthropic else "Authorization",
        use_bearer_prefix=not anthropic,
        extra_headers={"anthropic-version": "2023-06-01"} if anthropic else None,
    )
    spec = schema.SpecLoader(str(SPECS / f"{dialect.replace('-', '_')}.json"))
    results = runner.TestRunner(settings, get_tests(dialect), spec).run_all().results
    return {result.id: (result.status.value, result.errors) for result in results}


@pytest.mark.parametrize("scenario", ["", "cut-5"], ids=["as-is", "cut"])
@pytest.mark.parametrize("place", ["chat", "claude"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_case_passes_or_is_accounted_for(house: House, dialect: str, place: str, scenario: str) -> None:
    house.refusals_meant = True  # the tester sends nonsense to see it refused
    kind, home = DIALECTS[dialect]
    found = outcomes(kind(house, place, home), dialect, scenario)
    assert len(found) == CASES
    excused = {case for case, vendor in skipped() if vendor == place}
    failed = {case: errors for case, (status, errors) in found.items() if status != "passed"}
    assert not {case: errors for case, errors in failed.items() if case not in excused}
    stale = excused & set(found) - set(failed)
    assert not stale, f"these pass now; take them off {LIST.name}: {sorted(stale)}"


def test_the_list_names_cases_that_exist_and_vendors_that_fail_alone(house: House) -> None:
    """An entry is a limit of its vendor: the same case must fail there without the gateway, too."""
    house.refusals_meant = True
    known = {case.id: dialect for dialect in DIALECTS for case in get_tests(dialect)}
    for (case, vendor), reason in skipped().items():
        assert case in known, f"no case is called {case!r}"
        assert len(reason) > 20, f"{case}: the reason says too little"
        kind, home = DIALECTS[known[case]]
        assert vendor == home, (
            f"{case}: {vendor} never speaks this dialect itself, so that it cannot be its limit"
        )
        status, _ = outcomes(kind(house, "direct", home), known[case], "")[case]
        assert status != "passed", f"{case}: passes at the vendor, so that the gateway must pass it"
