"""The compliance tester's Gemini cases straight against the upstream: the baseline for a gateway in between."""

from typing import Any

import pytest
from llm_comply import config, runner
from llm_comply.tests import get_tests

from tests.upstreams import ScriptedUpstream

# With 2.5 the thinking case cannot pass: it sends `thinkingLevel`, which those models do not take.
MODELS = ["gemini-3.5-flash", "gemini-3-pro-preview+cut-5"]


@pytest.mark.parametrize("model", MODELS)
def test_all_cases_pass(up: ScriptedUpstream, model: str) -> None:
    settings = config.ComplianceConfig(
        base_url=up.url, api_key="key-1", model=model, auth_header="x-goog-api-key", use_bearer_prefix=False
    )
    no_spec: Any = None  # these cases check the structure themselves
    suite = runner.TestRunner(settings, get_tests("google-genai"), no_spec).run_all()
    outcomes = {result.id: (result.status.value, result.errors) for result in suite.results}
    assert len(outcomes) == 9
    assert {status for status, _ in outcomes.values()} == {"passed"}, outcomes
