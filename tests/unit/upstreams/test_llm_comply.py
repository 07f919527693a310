"""The compliance tester straight against the upstream: the baseline that a gateway in between must reach."""

from pathlib import Path

import llm_comply
import pytest
from llm_comply import config, runner, schema
from llm_comply.tests import get_tests

from tests.upstreams import ScriptedUpstream

SPECS = Path(llm_comply.__file__).parent / "specs"
ANTHROPIC = {"anthropic-version": "2023-06-01"}
CASES = {"openai-chat": 9, "anthropic": 9, "openresponses": 13}
# With o4-mini the reasoning case cannot pass: it sends `reasoning`, which OpenAI's Chat endpoint does not know.
RUNS = [
    ("openai-chat", "deepseek-reasoner"),
    ("openai-chat", "deepseek-reasoner+cut-5"),
    ("openresponses", "gpt-5.2"),
    ("openresponses", "gpt-5.2+cut-5"),
    ("anthropic", "claude-haiku-4-5"),
    ("anthropic", "claude-haiku-4-5+cut-5"),
]


# The tester's own dependency complains of its age on every schema it reads.
@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("dialect", "model"), RUNS)
def test_all_cases_pass(up: ScriptedUpstream, dialect: str, model: str) -> None:
    anthropic = dialect == "anthropic"
    settings = config.ComplianceConfig(
        base_url=up.openai_url,
        api_key="key-1",
        model=model,
        auth_header="x-api-key" if anthropic else "Authorization",
        use_bearer_prefix=not anthropic,
        extra_headers=ANTHROPIC if anthropic else None,
    )
    spec = schema.SpecLoader(str(SPECS / f"{dialect.replace('-', '_')}.json"))
    suite = runner.TestRunner(settings, get_tests(dialect), spec).run_all()
    outcomes = {result.id: (result.status.value, result.errors) for result in suite.results}
    assert len(outcomes) == CASES[dialect]
    assert {status for status, _ in outcomes.values()} == {"passed"}, outcomes
