"""`doctor` over a data folder and a provider with one fault planted at a time."""

from __future__ import annotations

import errno
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from email.utils import formatdate
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flowrouter.cli.checks import machine
from flowrouter.cli.main import main
from flowrouter.features.local import weights
from tests.support.gateway import RunningGateway, free_port
from tests.support.redis_server import RedisServer
from tests.unit.cli.conftest import Run
from tests.upstreams import Answer, Call, Received, Reply, ScriptedUpstream

KEY = "sk-canary-0123456789"


class Provider(ScriptedUpstream):
    """A vendor whose list of models can be replaced."""

    listing: Reply | None = None

    def _answer(self, dialect: Any, route: Any, received: Received, request_id: str) -> Reply:
        if route == "models" and self.listing is not None:
            return self.listing
        return super()._answer(dialect, route, received, request_id)


class Place(NamedTuple):
    """Where faults are planted."""

    data: Path
    port: int
    provider: Provider

    def configure(self, text: str = "", *, server: str = "") -> None:
        (self.data / "config.toml").write_text(f"[server]\nport = {self.port}\n{server}\n{text}")


@pytest.fixture
def place(data: Path, run: Run) -> Iterator[Place]:
    """A sound set-up: one account that works, a free port."""
    data.mkdir(mode=0o700)
    with Provider(dialect="openai_chat", keys=[KEY], models=["small"]) as provider:
        made = Place(data, free_port(), provider)
        made.configure()
        added = run("providers", "add", "box", "--preset", "custom-openai", "--base-url",
                    provider.openai_url, "--api-key", KEY)  # fmt: skip
        assert added.code == 0, added.err
        yield made


@pytest.fixture(autouse=True)
def without_the_embedded_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)


def findings(run: Run, *arguments: str) -> dict[str, dict[str, Any]]:
    """Return the findings by check; of several under one name the worst."""
    order = ("skipped", "ok", "warning", "problem")
    found: dict[str, dict[str, Any]] = {}
    for finding in run("doctor", "--json", *arguments).json["findings"]:
        known = found.get(finding["check"])
        if known is None or order.index(finding["status"]) > order.index(known["status"]):
            found[finding["check"]] = finding
    return found


def test_a_sound_set_up_is_well(run: Run, place: Place) -> None:
    report = run("doctor", "--json")
    assert report.code == 0, report.out
    assert report.json["ok"] is True
    found = {each["check"]: each["status"] for each in report.json["findings"]}
    expected = ("python", "data-folder", "mode", "space", "store", "key", "config", "port", "bind")
    steps = ("reach", "models", "answer", "stream", "tools")
    assert {check: found.get(check) for check in (*expected, *steps)} == dict.fromkeys(
        (*expected, *steps), "ok"
    )
    caps = ("max_tokens", "max_completion_tokens")
    assert [call.json[name] for call in place.provider.calls for name in caps if name in call.json] == [
        32, 32, 200,
    ]  # fmt: skip
    shown = run("doctor")
    assert "All is well." in shown.out
    assert "for a few words" in shown.err
    assert KEY not in shown.out + shown.err + report.out


def lax_folder(place: Place, _: Any) -> str:
    place.data.chmod(0o755)
    return f"chmod 700 {place.data}"


def lax_secret(place: Place, _: Any) -> str:
    (place.data / "local.token").chmod(0o644)
    return f"chmod 600 {place.data / 'local.token'}"


def lost_key(place: Place, _: Any) -> str:
    (place.data / "secret.key").unlink()
    return f"restore {place.data / 'secret.key'} from your backup"


def other_key(place: Place, _: Any) -> str:
    (place.data / "secret.key").write_text("ab" * 32)
    return "give the key the store was made with"


def broken_config(place: Place, _: Any) -> str:
    place.configure("[server\n")
    return "config"


def misspelt_setting(place: Place, _: Any) -> str:
    place.configure(server="prot = 1")
    return "did you mean"


def wrong_key(place: Place, _: Any) -> str:
    place.provider.keys = {"another"}
    return f"flow-router providers add box --data {place.data} --replace --api-key -"


def wrong_path(place: Place, run: Run) -> str:
    run("providers", "add", "box", "--replace", "--base-url", f"{place.provider.url}/wrong/v1")
    return f"flow-router providers add box --data {place.data} --replace --base-url URL"


def nobody_there(place: Place, run: Run) -> str:
    run("providers", "add", "box", "--replace", "--base-url", f"http://127.0.0.1:{free_port()}/v1")
    return f"flow-router providers add box --data {place.data} --replace --base-url URL"


def no_such_name(place: Place, run: Run) -> str:
    run("providers", "add", "box", "--replace", "--base-url", "http://no-such-host.localhost:1/v1")
    return f"flow-router providers add box --data {place.data} --replace --base-url URL"


def no_tls(place: Place, run: Run) -> str:
    run(
        "providers",
        "add",
        "box",
        "--replace",
        "--base-url",
        place.provider.openai_url.replace("http", "https"),
    )
    return "http/https"


def broken_list(place: Place, _: Any) -> str:
    place.provider.listing = Reply.html(500)
    return f"flow-router providers add box --data {place.data} --replace --models NAME,NAME"


def broken_stream(place: Place, _: Any) -> str:
    place.provider.always(lambda received: "fault-cut@1" if received.json.get("stream") else None)
    return "proxy"


def unstreamed(place: Place, _: Any) -> str:
    place.provider.always("fault-ignores-stream")
    return "all at once"


def no_tools(place: Place, _: Any) -> str:
    place.provider.always(lambda received: Answer(text="It rains.") if "tools" in received.json else None)
    return "another model"


def no_credit(place: Place, _: Any) -> str:
    place.provider.always("fault-402")
    return "top it up"


def newer_store(place: Place, _: Any) -> str:
    with closing(sqlite3.connect(place.data / "flow-router.sqlite")) as store:
        store.execute("PRAGMA user_version=99")
    return "install that version"


def damaged_store(place: Place, _: Any) -> str:
    for side in ("-wal", "-shm"):
        (place.data / f"flow-router.sqlite{side}").unlink(missing_ok=True)
    (place.data / "flow-router.sqlite").write_bytes(b"not a database, for sure" * 400)
    return "backups"


def wrong_clock(place: Place, _: Any) -> str:
    past = formatdate(time.time() - 3600, usegmt=True)
    listed = {"object": "list", "data": [{"id": "small", "object": "model"}]}
    place.provider.listing = Reply.json(listed, headers=(("date", past),))
    return "timedatectl"


def open_to_all(place: Place, _: Any) -> str:
    place.configure(server='host = "0.0.0.0"')
    return "flow-router keys create"


def missing_variable(place: Place, _: Any) -> str:
    place.configure("[[accounts]]\nname='main'\npreset='openai'\napi_key='env:NOT_SET_ANYWHERE'\n")
    return "export NOT_SET_ANYWHERE="


FAULTS: list[tuple[Callable[[Place, Any], str], str, str]] = [
    (lax_folder, "mode", "warning"),
    (lax_secret, "file-mode", "problem"),
    (lost_key, "key", "problem"),
    (other_key, "key", "problem"),
    (broken_config, "config", "problem"),
    (misspelt_setting, "config", "problem"),
    (missing_variable, "config", "problem"),
    (open_to_all, "bind", "problem"),
    (wrong_key, "key", "problem"),
    (wrong_path, "address", "problem"),
    (nobody_there, "reach", "problem"),
    (no_tls, "reach", "problem"),
    (broken_list, "models", "warning"),
    (broken_stream, "stream", "problem"),
    (unstreamed, "stream", "warning"),
    (no_tools, "tools", "warning"),
    (no_credit, "answer", "problem"),
    (newer_store, "store", "problem"),
    (damaged_store, "store", "problem"),
    (wrong_clock, "clock", "problem"),
]


@pytest.mark.parametrize(("plant", "check", "status"), FAULTS, ids=[plant.__name__ for plant, _, _ in FAULTS])
def test_a_planted_fault_is_found_with_its_cure(
    run: Run, place: Place, plant: Callable[[Place, Any], str], check: str, status: str
) -> None:
    cure = plant(place, run)
    found = findings(run)
    assert check in found, found
    assert found[check]["status"] == status, found[check]
    assert cure in (found[check]["cure"] or ""), found[check]
    shown = run("doctor")
    assert shown.code == (2 if status == "problem" else 1)
    assert KEY not in shown.out + shown.err
    assert "Traceback" not in shown.err


def test_a_port_of_another_program_is_found(run: Run, place: Place) -> None:
    with socket.create_server(("127.0.0.1", place.port)):
        found = findings(run, "--offline")["port"]
    assert found["status"] == "problem"
    assert "another program" in found["text"]
    assert f"--port {place.port + 1}" in found["cure"]


def test_a_name_that_is_not_found_is_told_from_a_closed_port(
    run: Run, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def unknown(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "no-such-host.localhost":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    no_such_name(place, run)
    found = findings(run)["reach"]
    assert "the name no-such-host.localhost is not found" in found["text"]
    assert "DNS" in found["cure"]


@pytest.mark.parametrize(("free", "status"), [(10 * 1024**2, "problem"), (200 * 1024**2, "warning")])
def test_a_full_disk_is_found(
    run: Run, place: Place, monkeypatch: pytest.MonkeyPatch, free: int, status: str
) -> None:
    usage = shutil.disk_usage(place.data)._replace(free=free)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: usage)
    found = findings(run, "--offline")["space"]
    assert found["status"] == status
    assert "free some disk space" in found["cure"]


def test_a_folder_that_takes_nothing_is_found(
    run: Run, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(machine.tempfile, "TemporaryFile", full)
    found = findings(run, "--offline")["writable"]
    assert (found["status"], found["cure"]) == ("problem", "free some disk space")


def test_quick_asks_no_model_and_offline_asks_nobody(run: Run, place: Place) -> None:
    quick = findings(run, "--quick")
    assert quick["models"]["status"] == "ok"
    assert "answer" not in quick
    assert [call.route for call in place.provider.requests] == ["models"]
    offline = findings(run, "--offline")
    assert "--offline" in offline["accounts"]["text"]
    assert len(place.provider.requests) == 1


def test_a_tool_call_is_recognised(run: Run, place: Place) -> None:
    call = Answer(calls=(Call(name="get_weather", arguments='{"city":"Paris"}'),))
    place.provider.always(lambda received: call if "tools" in received.json else None)
    assert "get_weather" in findings(run)["tools"]["text"]


def test_a_running_gateway_is_recognised(run: Run, place: Place) -> None:
    with RunningGateway() as gateway:
        config = place.data / "config.toml"
        config.write_text(f"[server]\nport = {gateway.port}\n")
        found = findings(run, "--offline")["port"]
    assert found["status"] == "ok"
    assert f"answers on {gateway.url}" in found["text"]


def test_looking_changes_nothing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--data", str(data)]) == 0
    assert "does not exist yet" in capsys.readouterr().out
    assert not data.exists()


def test_an_account_of_the_file_is_cured_there(run: Run, place: Place) -> None:
    run("providers", "remove", "box", "--yes")
    place.configure(
        f"[[accounts]]\nname='box'\npreset='custom-openai'\nbase_url='{place.provider.openai_url}'\napi_key='no'\n"
    )
    cure = findings(run)["key"]
    assert cure["area"] == "Account box"
    assert cure["cure"] == f"correct `api_key` of account 'box' in {place.data / 'config.toml'}"


def test_a_disabled_account_is_left_alone(run: Run, place: Place) -> None:
    run("providers", "add", "box", "--replace", "--disabled")
    found = findings(run)["account"]
    assert found["status"] == "skipped"
    assert found["cure"] == f"flow-router providers add box --data {place.data} --replace --enabled"
    assert place.provider.requests == []


def test_shared_state_is_asked(run: Run, place: Place) -> None:
    assert "redis" not in findings(run, "--offline")
    with RedisServer(password="right-horse") as redis:
        place.configure(f"[state]\nredis = {redis.url!r}\n")
        found = findings(run, "--offline")["redis"]
        assert found["status"] == "ok", found
        assert f"redis://127.0.0.1:{redis.port}/0" in found["text"]
        place.configure(f"[state]\nredis = {redis.url.replace('right', 'wrong')!r}\n")
        denied = findings(run, "--offline")["redis"]
        assert denied["status"] == "problem"
        assert "does not let the gateway in" in denied["text"]
    place.configure("[state]\nredis = 'redis://127.0.0.1:1/0'\n")
    away = findings(run, "--offline")["redis"]
    assert away["status"] == "problem"
    assert "does not answer" in away["text"]
    assert "[state] redis" in away["cure"]
