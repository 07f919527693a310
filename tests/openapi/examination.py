"""Drives schemathesis over every operation of a running gateway, and hostile calls besides.

Made calls (as described, and deliberately not) come of the description alone and are the same in every
run. Half of those about a thing are about one that exists, and half of the bodies have the described
example in them: what is made at random alone is mostly refused at the first member.
"""

from __future__ import annotations

import http.client
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.openapi.conformance import Contract
from tests.openapi.hostile import Shot, shots
from tests.openapi.stock import Stock

SEED = 20_270_131

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]

LEFT_OUT = {
    "/api/login/oidc/start": "leads to a provider that is not there; tests/unit/api_admin/test_oidc.py has one",
    "/api/login/oidc/check": "asks that provider; tests/unit/api_admin/test_file_settings.py has one",
    "/api/login/oidc/callback": "answers browsers that come from that provider",
    "/api/try/{dialect}": "answers as the data plane does, in the dialects' forms; tests/e2e/test_trying.py",
}
"""Paths that are not called, with the reason; so are streams, which last as long as somebody listens."""

LAST = ("/api/logout",)
"""What ends the session that the run itself uses."""


class Examination:
    """One run over one gateway with one credential; `found` are the complaints.

    Every `hostile`-th of the hostile calls is sent, none where it is 0.
    """

    def __init__(self, stock: Stock, *, examples: int, seconds: float, hostile: int) -> None:
        self._stock = stock
        self._hostile = hostile
        self._examples = examples
        self._ends = time.monotonic() + seconds
        self.found: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()
        self.examined: dict[str, Counter[int]] = {}
        generation = GenerationConfig(with_security_parameters=False)
        config = SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(generation=generation)))
        url = f"{stock.gateway.url}/api/openapi.json"
        self._schema: Any = schemathesis.openapi.from_url(url, headers=stock.headers, config=config)
        _, self.document = stock.ask("GET", "/api/openapi.json")
        self._contract = Contract(self.document)
        self._session = requests.Session()
        self._line = http.client.HTTPConnection("127.0.0.1", stock.gateway.port, timeout=60)

    def operations(self) -> list[Any]:
        """Return what is called, in the order in which it is."""
        every = [result.ok() for result in self._schema.get_all_operations()]
        called = [each for each in every if not self._is_left_out(each)]
        return sorted(called, key=lambda each: (each.path in LAST, each.method.upper() == "DELETE"))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()
        self._line.close()

    def run(self) -> None:
        """Examine every operation, while there is time."""
        for turn, operation in enumerate(self.operations()):
            ids = self._stock.ids(operation.path) if "{" in operation.path else []
            if self._hostile:
                self._shoot(operation, ids, turn % self._hostile)
            self._generate(operation, GenerationMode.POSITIVE, ids)
            if self._can_be_wrong(operation):
                self._generate(operation, GenerationMode.NEGATIVE, ids)

    def _can_be_wrong(self, operation: Any) -> bool:
        """Return whether a call can be against the description: any id and any optional text are as described."""
        described = self.document["paths"][operation.path][operation.method.lower()]
        return "requestBody" in described or any(
            each["in"] == "query"
            or "pattern" in each["schema"]
            or (each["in"] == "header" and each["required"])
            for each in described.get("parameters", [])
        )

    def _is_left_out(self, operation: Any) -> bool:
        answers = self.document["paths"][operation.path][operation.method.lower()]["responses"]
        streams = any(list(answer.get("content", {})) == ["text/event-stream"] for answer in answers.values())
        return streams or operation.path in LEFT_OUT

    def _generate(self, operation: Any, mode: GenerationMode, ids: list[str]) -> None:
        @seed(SEED)
        @settings(
            max_examples=self._examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), turn=st.integers(0, 7))
        def call(case: Any, turn: int) -> None:
            if time.monotonic() > self._ends and operation.label in self.examined:
                return
            if mode is GenerationMode.POSITIVE:
                self._make_sound(case, turn, ids)
            answer = case.call(session=self._session, headers=self._stock.headers)
            self._count(operation, answer.status_code)
            if answer.status_code >= 500 and answer.status_code != 502:
                self.found[f"{operation.label}, {answer.status_code}"] = (
                    f"{answer.text}\n{case.as_curl_command()}"
                )
            try:
                # An ETag that is none ends a call before its body is looked at in full.
                checks = [
                    each
                    for each in CHECKS
                    if answer.status_code != 412 or each is not negative_data_rejection
                ]
                case.validate_response(answer, checks=checks)
            except FailureGroup as failures:
                for failure in failures.exceptions:
                    place = f"{operation.label}, {mode.name.lower()}, {type(failure).__name__}"
                    self.found.setdefault(
                        place, f"{failure}\n{answer.text[:500]}\n{case.as_curl_command()[:1500]}"
                    )

        call()

    def _make_sound(self, case: Any, turn: int, ids: list[str]) -> None:
        """Let a call be about something that is there, with the described example in it, half of the time each."""
        if ids and turn & 1:
            case.path_parameters["id"] = ids[turn % len(ids)]
        described = self.document["paths"][case.path][case.method.lower()].get("requestBody")
        if described is not None and turn & 2 and isinstance(case.body, dict):
            example = dict(described["content"]["application/json"]["example"])
            if "name" in example:
                example["name"] = self._stock.new_name()
            case.body = {**case.body, **example}

    def _shoot(self, operation: Any, ids: list[str], first: int) -> None:
        method, path = operation.method.upper(), operation.path
        described = self.document["paths"][path][method.lower()]
        real = quote(ids[0], safe="") if ids else "x"
        for shot in islice(shots(described, method, path, real=real), first, None, self._hostile):
            if time.monotonic() > self._ends:
                return
            shot = self._renamed(shot)
            status, headers, body = self._sent(method, shot)
            self._count(operation, status)
            told = self._contract.complaints(method, path, status=status, headers=headers, body=body)
            if told:
                self.found.setdefault(f"{method} {path}, {shot.name}", "\n".join(told))

    def _renamed(self, shot: Shot) -> Shot:
        """Let what would be made have a name of its own, so that something else about it is tried."""
        if shot.body is None:
            return shot
        for name in (b'"work"', b'"team"', b'"laptop"', b'"ann"'):
            if name in shot.body and len(shot.body) < 10_000:
                return shot._replace(body=shot.body.replace(name, f'"{self._stock.new_name()}"'.encode()))
        return shot

    def _sent(self, method: str, shot: Shot) -> tuple[int, dict[str, str], bytes]:
        headers = {**self._stock.headers, **shot.headers}
        for fresh in (False, True):
            try:
                self._line.request(method, shot.path, body=shot.body, headers=headers)
                answer = self._line.getresponse()
                told = {name.lower(): value for name, value in answer.getheaders()}
                return answer.status, told, answer.read()
            except (
                http.client.HTTPException,
                ConnectionError,
            ):  # the gateway closed the line, as after a 413
                self._line.close()
                if fresh:
                    raise
        raise AssertionError("unreachable")

    def _count(self, operation: Any, status: int) -> None:
        self.statuses[status] += 1
        self.examined.setdefault(operation.label, Counter())[status] += 1


def told(found: dict[str, str]) -> Iterator[str]:
    """Yield the complaints as paragraphs."""
    for place, problem in found.items():
        yield f"{place}\n{problem}\n"


__all__ = ["LEFT_OUT", "Examination", "told"]
