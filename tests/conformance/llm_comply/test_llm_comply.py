"""A compliance tester by others, against the gateway in front of each vendor: all its cases, in all four dialects."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llm_comply
import pytest
from llm_comply import config, runner, schema
from llm_comply.tests import get_tests

from tests.conformance.cells import AnthropicCell, Cell, OpenAICell, ResponsesCell
from tests.conformance.google_cell import GeminiCell
from tests.conformance.house import ACCOUNTS, ALIASES, COMPLIANT_MODELS, House

SPECS = Path(llm_comply.__file__).parent / "specs"
LIST = Path(__file__).parent / "skipped.toml"


@dataclass(frozen=True)
class Format:
    """One format of the tester's; `aliases` names the models, by which it leaves out cases, of other vendors."""

    cell: type[Cell]
    cases: int
    spec: str | None
    aliases: str = ""
    header: str = "Authorization"


FORMATS: dict[str, Format] = {
    "openai-chat": Format(OpenAICell, 9, "openai_chat.json", "o4-played-by"),
    "open-responses": Format(ResponsesCell, 13, "openresponses.json", "o4-played-by"),
    "anthropic": Format(AnthropicCell, 9, "anthropic.json", "claude-opus-played-by", "x-api-key"),
    "google-genai": Format(GeminiCell, 9, None, "", "x-goog-api-key"),
}
"""All but google-interactions, a dialect that the gateway does not speak."""

pytestmark = pytest.mark.filterwarnings(
    # The tester's own dependency complains of its age on every schema it reads.
    "ignore:jsonschema.RefResolver is deprecated:DeprecationWarning"
)


def skipped() -> dict[tuple[str, str], str]:
    """Return the reasons of the list by case and vendor."""
    rows: list[dict[str, Any]] = tomllib.loads(LIST.read_text("utf-8"))["skipped"]
    return {(row["case"], row["vendor"]): row["reason"] for row in rows}


def outcomes(cell: Cell, name: str, scenario: str) -> dict[str, tuple[str, list[str]]]:
    """Run the tester's suite at a cell; returns status and errors by case."""
    chosen, bearer = FORMATS[name], FORMATS[name].header == "Authorization"
    played = f"{chosen.aliases}-{cell.account}" + (f"+{scenario}" if scenario else "")
    address = cell.up.openai_url if cell.direct else cell.house.gateway.openai_url
    settings = config.ComplianceConfig(
        base_url=address,
        api_key=cell.key,
        model=played
        if cell.translated and played in ALIASES
        else cell.model(scenario, base=COMPLIANT_MODELS[cell.account]),
        auth_header=chosen.header,
        use_bearer_prefix=bearer,
        extra_headers={"anthropic-version": "2023-06-01"} if name == "anthropic" else None,
    )
    spec = schema.SpecLoader(str(SPECS / chosen.spec) if chosen.spec else None)
    results = runner.TestRunner(settings, get_tests(name), spec).run_all().results
    return {result.id: (result.status.value, result.errors) for result in results}


@pytest.fixture(autouse=True)
def _names_of_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tester looks two events up by names that its own schema, like the vendor, spells in another way."""
    for end in ("delta", "done"):
        written, kind = f"response.reasoning_summary_text.{end}", f"ResponseReasoningSummary{end.title()}"
        monkeypatch.setitem(schema.SSE_EVENT_TO_SCHEMA, written, f"{kind}StreamingEvent")


@pytest.mark.parametrize("scenario", ["", "cut-5"], ids=["as-is", "cut"])
@pytest.mark.parametrize("place", ACCOUNTS)
@pytest.mark.parametrize("name", FORMATS)
def test_every_case_passes_or_is_accounted_for(house: House, name: str, place: str, scenario: str) -> None:
    house.refusals_meant = True  # the tester sends nonsense to see it refused
    found = outcomes(FORMATS[name].cell(house, place), name, scenario)
    assert len(found) == FORMATS[name].cases
    excused = {case for case, vendor in skipped() if vendor == place}
    failed = {case: errors for case, (status, errors) in found.items() if status != "passed"}
    assert not {case: errors for case, errors in failed.items() if case not in excused}
    stale = excused & set(found) - set(failed)
    assert not stale, f"these pass now; take them off {LIST.name}: {sorted(stale)}"


def test_the_list_names_cases_that_exist_and_vendors_that_fail_alone(house: House) -> None:
    """An entry is a limit of its vendor: the same case must fail there without the gateway, too."""
    house.refusals_meant = True
    known = {case.id: name for name in FORMATS for case in get_tests(name)}
    for (case, vendor), reason in skipped().items():
        assert case in known, f"no case is called {case!r}"
        assert len(reason) > 20, f"{case}: the reason says too little"
        cell = FORMATS[known[case]].cell(house, "direct")
        assert vendor == cell.home, (
            f"{case}: {vendor} never speaks this dialect itself, so that it cannot be its limit"
        )
        status, _ = outcomes(cell, known[case], "")[case]
        assert status != "passed", f"{case}: passes at the vendor, so that the gateway must pass it"
