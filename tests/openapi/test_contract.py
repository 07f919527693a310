"""The contract of `/api`: whatever is sent, no defect shows, and every answer is one the description tells of.

`make test` sends some thousand calls; `make contract` many more of the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.openapi.examination import LEFT_OUT, Examination, told
from tests.openapi.stock import Stock
from tests.support.gateway import RunningGateway

PASSWORD = "blue horse stapler"
CLOSED = {"egress": {"mode": "list", "hosts": ["127.0.0.1:9"]}}
"""No call leads out of this machine, whatever address it makes up."""


@pytest.fixture
def token_only(tmp_path: Path) -> Iterator[Stock]:
    """A gateway as it comes: nobody logs in, and the run has the local token."""
    with RunningGateway(settings=CLOSED, data=tmp_path) as gateway:
        yield Stock(gateway, {"authorization": f"Bearer {token_of(tmp_path)}"})
        gateway.assert_no_complaints()


@pytest.fixture
def with_login(tmp_path: Path) -> Iterator[Stock]:
    """A gateway that asks people to log in; the run is an admin's browser."""
    with RunningGateway(settings={**CLOSED, "admin": {"login": "on"}}, data=tmp_path) as gateway:
        host = Stock(gateway, {"authorization": f"Bearer {token_of(tmp_path)}"})
        body = {"name": "admin", "password": PASSWORD, "role": "admin"}
        status, made = host.ask("POST", "/api/users", body)
        assert status == 201, made
        stock = Stock(gateway, entered(gateway))
        _, me = stock.ask("GET", "/api/me")
        stock.own |= {made["data"]["id"], me["data"]["session_id"]}
        yield stock
        gateway.assert_no_complaints()


def token_of(data: Path) -> str:
    return (data / "local.token").read_text().strip()


def entered(gateway: RunningGateway) -> dict[str, str]:
    """Return the headers of a browser that has logged in."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    body = json.dumps({"name": "admin", "password": PASSWORD})
    connection.request("POST", "/api/login", body=body, headers={"content-type": "application/json"})
    answer = connection.getresponse()
    said = json.loads(answer.read())
    assert answer.status == 200, said
    cookie = str(answer.getheader("set-cookie")).partition(";")[0]
    connection.close()
    return {"cookie": cookie, "x-csrf-token": said["data"]["csrf_token"]}


@pytest.mark.timeout(240)
def test_every_answer_is_described(token_only: Stock) -> None:
    examine(token_only, examples=2, seconds=60, hostile=3)


@pytest.mark.timeout(240)
def test_every_answer_is_described_to_people(with_login: Stock) -> None:
    examine(with_login, examples=2, seconds=45, hostile=0)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("door", ["token_only", "with_login"])
def test_every_answer_is_described_at_length(door: str, request: pytest.FixtureRequest) -> None:
    examine(request.getfixturevalue(door), examples=400, seconds=1500, hostile=1)


def examine(stock: Stock, *, examples: int, seconds: float, hostile: int) -> None:
    stock.use()
    examination = Examination(stock, examples=examples, seconds=seconds, hostile=hostile)
    with closing(examination):
        examination.run()
    assert not examination.found, "\n".join(told(examination.found))
    assert len(examination.examined) == len(examination.operations()) > 50
    # A run that everything refuses examines nothing.
    assert examination.statuses[200] + examination.statuses[201] > 60, examination.statuses
    untold = {path for path in LEFT_OUT if path not in examination.document["paths"]}
    assert not untold, f"left out, and not there any more: {untold}"
