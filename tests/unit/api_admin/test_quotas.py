"""`/api/quotas` and what accounts say of their own quotas: set, shown, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.usage.quota import Window, filled
from tests.unit.api_admin.conftest import BEARER, Gateway


def heard(gateway: Gateway, account_id: str, **said: Any) -> None:
    values: dict[str, Any] = {"name": "plan/5h", "unit": "percent", "source": "header", "span": "5h", "limit": 100.0,
                              "as_of": gateway.clock.now(), "resets_at": gateway.clock.now() + 3600}  # fmt: skip
    gateway.quotas.note(account_id, [filled(Window(**(values | said)))])


def made(gateway: Gateway, **more: Any) -> dict[str, Any]:
    body = {"name": "work", "preset": "openai", "api_key": "sk-x-0123456789", **more}
    answer = gateway.client(BEARER).post("/api/accounts", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


def test_limits_and_reserve_are_set_shown_and_taken_back(gateway: Gateway) -> None:
    client = gateway.client(BEARER)
    account = made(gateway, quota=[{"window": "5h", "requests": 10}], reserve="20%")
    assert (account["quota"], account["reserve"]) == ([{"window": "5h", "requests": 10}], "20%")
    (window,) = client.get(f"/api/accounts/{account['id']}/quota").json()["data"]["windows"]
    assert (window["name"], window["remaining"], window["kept_back"]) == ("own/requests/5h", 10, 2)
    changed = client.patch(f"/api/accounts/{account['id']}", json={"quota": None, "reserve": None}).json()[
        "data"
    ]
    assert (changed["quota"], changed["reserve"]) == ([], "")
    assert client.get(f"/api/accounts/{account['id']}/quota").json()["data"]["windows"] == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"quota": [{"window": "fortnight", "requests": 1}]}, None),
        ({"quota": [{"window": "5h"}]}, None),
        ({"quota": [{"window": "5h", "requests": 0}]}, None),
        ({"quota": [{"window": "5h", "requests": 1}] * 21}, "quota"),
        ({"reserve": "a lot"}, "reserve"),
    ],
    ids=["window", "nothing", "zero", "many", "reserve"],
)
def test_what_is_not_understood_is_refused(gateway: Gateway, body: dict[str, Any], param: str | None) -> None:
    answer = gateway.client(BEARER).post(
        "/api/accounts", json={"name": "w", "preset": "openai", "api_key": "k", **body}
    )
    assert answer.status_code == 400
    assert param is None or answer.json()["error"]["param"] == param


def test_the_list_says_in_a_line_what_is_left(gateway: Gateway) -> None:
    account = made(gateway, reserve="week:50%")
    heard(gateway, account["id"], used=95.0)
    heard(gateway, account["id"], name="plan/7d", span="week", used=60.0)
    client = gateway.client(BEARER)
    row = next(row for row in client.get("/api/accounts").json()["data"] if row["id"] == account["id"])
    assert (row["quota_state"]["state"], row["quota_state"]["window"]) == ("reserve", "plan/7d")
    quota = next(
        row for row in client.get("/api/quotas").json()["data"] if row["account_id"] == account["id"]
    )
    assert {window["name"]: window["state"] for window in quota["windows"]} == {
        "plan/5h": "low",
        "plan/7d": "reserve",
    }


def test_a_window_whose_reset_is_past_has_begun_anew(gateway: Gateway) -> None:
    account = made(gateway)
    heard(gateway, account["id"], used=100.0)
    gateway.clock.advance(3601)
    quota = gateway.client(BEARER).get(f"/api/accounts/{account['id']}/quota").json()["data"]
    (window,) = quota["windows"]
    assert (quota["state"], window["reset"], window["used"], window["remaining"]) == ("ok", True, None, 100)


def test_nobody_elses_quotas_are_seen(gateway: Gateway) -> None:
    account = made(gateway)
    stranger = gateway.client(gateway.admin_key("somebody"))
    assert stranger.get("/api/quotas").json()["data"] == []
    assert stranger.get(f"/api/accounts/{account['id']}/quota").status_code == 404
    assert stranger.post(f"/api/accounts/{account['id']}/quota/refresh", json={}).status_code == 404


def test_a_provider_that_cannot_be_reached_is_told(gateway: Gateway) -> None:
    account = made(gateway, preset="deepseek")
    done = gateway.client(BEARER).post(f"/api/accounts/{account['id']}/quota/refresh", json={}).json()["data"]
    assert (done["result"], done["quota"]["tells"]) == ("failed", True)
    assert "nobody at https://api.deepseek.com/user/balance" in done["quota"]["error"]
