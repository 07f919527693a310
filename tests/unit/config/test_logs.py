from __future__ import annotations

import io
import json
import threading

import pytest

from flowrouter import logs
from flowrouter.logs import Logger, Sink


class FixedClock:
    def now(self) -> float:
        return 1_700_000_000.25

    def monotonic(self) -> float:
        return 0.0


def sink(*, as_json: bool = True, level: logs.Level = "debug") -> tuple[Sink, Logger, io.StringIO]:
    stream = io.StringIO()
    made = Sink(FixedClock())
    made.configure(level=level, as_json=as_json, stream=stream)
    return made, Logger("unit", made), stream


def test_a_json_line_holds_the_fields() -> None:
    made, log, stream = sink()
    log.info("served", status=200, model="m", path=("a", "b"))
    made.flush()
    assert json.loads(stream.getvalue()) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "info",
        "logger": "unit",
        "message": "served",
        "status": 200,
        "model": "m",
        "path": ["a", "b"],
    }


def test_text_quotes_what_needs_it() -> None:
    made, log, stream = sink(as_json=False)
    log.warning("odd", reason="two words", count=3, none=None, empty="")
    made.flush()
    assert stream.getvalue() == '22:13:20 warning unit: odd  reason="two words" count=3 empty=""\n'


def test_levels_below_the_threshold_are_not_taken() -> None:
    made, log, stream = sink(level="warning")
    log.debug("a")
    log.info("b")
    assert not log.enabled("info")
    log.warning("c")
    log.error("d")
    made.flush()
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["c", "d"]


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer CANARY123456",
        "authorization: Basic CANARY123456",
        "'x-api-key': 'CANARY123456'",
        '{"api_key": "CANARY123456"}',
        '{\\"apiKey\\": \\"CANARY123456\\"}',
        "X-Goog-Api-Key=CANARY123456",
        "https://host/v1/models?key=CANARY123456&alt=sse",
        "https://host/v1?a=1&key=CANARY123456",
        "sk-ant-CANARY123456",
        "AIzaCANARY1234567890123456789",
        "access_token=CANARY123456",
        "refresh-token: CANARY123456",
        "client_secret=CANARY123456 password: CANARY123456",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    made, log, stream = sink()
    log.info(text, field=text, nested={"deep": [text]})
    made.flush()
    assert "CANARY" not in stream.getvalue()
    assert "***" in stream.getvalue()


def test_gateway_keys_are_hidden() -> None:
    made, _, _ = sink()
    assert made.redact("caller flr_" + "0123456789abcdef" * 4) == "caller ***"


@pytest.mark.parametrize(
    "text",
    [
        "key_id=key_12",
        "input_tokens=5",
        "monkey=3",
        "key=laptop",
        "a task-force",
        "tokens: 12",
        "basic facts",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    made, _, _ = sink()
    assert made.redact(text) == text


def test_known_secrets_are_hidden_wherever_they_stand() -> None:
    made, log, stream = sink()
    made.hide("hunter22")
    made.hide("hunter22-and-more")
    made.hide("abc")
    log.info("the word is hunter22, hunter22-and-more or abc")
    made.flush()
    assert json.loads(stream.getvalue())["message"] == "the word is ***, *** or abc"


def test_a_line_that_was_clean_is_looked_at_again_when_a_secret_becomes_known() -> None:
    made, log, stream = sink()
    for number in range(3):
        log.info("exchange", request_id=f"req_{number}", model="hunter22", status=200)
    made.flush()
    assert stream.getvalue().count("hunter22") == 3
    made.hide("hunter22")
    log.info("exchange", request_id="req_4", model="hunter22", status=200)
    made.flush()
    assert json.loads(stream.getvalue().splitlines()[-1])["model"] == "***"


@pytest.mark.parametrize(
    ("clean", "secret"),
    [
        ({"note": "x", "token": ""}, {"note": "x", "token": 51234}),
        ({"note": "token", "other": "abcdefgh"}, {"note": "other", "token": "abcdefgh"}),
        ({"one": "token", "token": None}, {"one": None, "token": "token"}),
        ({"one": "abcdefgh", "two": 1}, {"one": "abcdefgh", "api_key": 1}),
    ],
)
def test_a_clean_line_vouches_for_no_other(clean: dict[str, object], secret: dict[str, object]) -> None:
    alone, log, written = sink()
    log.info("said", **secret)
    alone.flush()
    made, log, stream = sink()
    log.info("said", **clean)
    log.info("said", **secret)
    made.flush()
    assert stream.getvalue().splitlines()[-1] == written.getvalue().rstrip()


def test_a_secret_of_digits_is_hidden_in_a_number_too() -> None:
    made, log, stream = sink()
    made.hide("12345678")
    for size in (1, 12345678, 2):
        log.info("exchange", bytes=size)
    made.flush()
    assert [line.partition('"bytes":')[2] for line in stream.getvalue().splitlines()] == ["1}", "***}", "2}"]


def test_what_is_remembered_of_clean_lines_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_CLEAN_MAX", 8)
    made, log, stream = sink()
    for number in range(30):
        log.info("exchange", model=f"m{number}", other="o" * 200 if number % 2 else "o")
    made.flush()
    assert stream.getvalue().count("exchange") == 30
    assert len(made._clean) <= 8  # pyright: ignore[reportPrivateUsage]


def test_an_error_brings_its_traceback_without_secrets() -> None:
    made, log, stream = sink()
    try:
        raise ValueError("refused sk-CANARY123456")
    except ValueError as error:
        caught = error
    log.error("it broke", error=caught)
    made.flush()
    line = json.loads(stream.getvalue())
    assert line["error"] == "ValueError: refused ***"
    assert "Traceback" in line["traceback"]
    assert "CANARY" not in stream.getvalue()


def test_a_field_that_cannot_be_shown_ends_nothing() -> None:
    class Rude:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    made, log, stream = sink()
    log.info("first", field=Rude())
    log.info("second")
    made.flush()
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()[1:]] == ["second"]
    assert "first" in stream.getvalue()


def test_objects_are_shown_by_their_repr() -> None:
    made, log, stream = sink()
    log.info("odd", field=threading.Lock)
    made.flush()
    assert "Lock" in json.loads(stream.getvalue())["field"] or json.loads(stream.getvalue())["field"]


def test_lines_are_written_without_a_flush() -> None:
    written = threading.Event()

    class Heard(io.StringIO):
        def write(self, text: str) -> int:
            written.set()
            return super().write(text)

    made = Sink(FixedClock())
    made.configure(level="info", as_json=True, stream=Heard())
    Logger("unit", made).info("hello")
    assert written.wait(10)


def test_what_names_its_request_itself_is_written_as_any_other_line() -> None:
    stream = io.StringIO()
    made = Sink(FixedClock())
    made.configure(level="info", as_json=True, stream=stream)
    log = Logger("unit", made)
    log.info("line", request_id="req_1", number=1)
    log.told("line", {"request_id": "req_1", "number": 1})
    made.configure(level="warning", as_json=True, stream=stream)
    log.told("line", {"request_id": "req_1", "number": 2})
    made.flush()
    first, second = stream.getvalue().splitlines()
    assert first == second


def test_a_stream_that_takes_nothing_costs_lines_not_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_CAPACITY", 10)
    stuck = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            stuck.wait(20)
            return super().write(text)

    stream = Stuck()
    made = Sink(FixedClock())
    made.configure(level="info", as_json=True, stream=stream)
    log = Logger("unit", made)
    for number in range(100):
        log.info("line", number=number)
    stuck.set()
    for _ in range(50):
        made.flush()
        if "were dropped" in stream.getvalue():
            break
    assert "were dropped" in stream.getvalue()
    assert stream.getvalue().count('"line"') < 100


def test_a_closed_stream_is_survived() -> None:
    made, log, stream = sink()
    stream.close()
    log.info("nobody hears this")
    made.flush()


def test_stdlib_loggers_are_adopted(monkeypatch: pytest.MonkeyPatch) -> None:
    import logging

    made, _, stream = sink()
    monkeypatch.setattr(logs, "_SINK", made)
    logs.adopt_stdlib("unit.adopted")
    logging.getLogger("unit.adopted").info("not this")
    logging.getLogger("unit.adopted").warning("this with %s", "sk-CANARY123456")
    made.flush()
    assert json.loads(stream.getvalue())["message"] == "this with ***"


@pytest.mark.parametrize(
    "line",
    [
        "redis://default:canary-9f8e7d@10.0.0.1:6379/0",
        "https://user:canary-9f8e7d@api.example/v1",
        "postgresql+psycopg://gate:canary-9f8e7d@db/flow",
        "token eyJcanary9f8e7d.eyJcanary9f8e7d.canary-9f8e7d-signature",
        "key gsk_canary9f8e7dcanary9f8e7d",
        "key xai-canary9f8e7dcanary9f8e7d",
    ],
)
def test_se9_what_looks_like_a_secret_is_hidden_unknown_or_not(line: str) -> None:
    made, _, _ = sink()
    assert "canary" not in made.redact(line)


def test_se9_a_known_secret_is_hidden_in_every_spelling() -> None:
    made, _, _ = sink()
    made.hide('pa"ss/word +ü')
    for spelling in (
        'pa"ss/word +ü',
        'pa\\"ss/word +ü',
        "pa%22ss%2Fword%20%2B%C3%BC",
        "pa%22ss%2Fword+%2B%C3%BC",
    ):
        assert made.redact(f"<{spelling}>") == "<***>"


def test_secrets_that_come_and_go_do_not_pile_up() -> None:
    made, _, _ = sink()
    for number in range(5_000):
        made.hide(f"token-{number:06d}")
    assert made.redact("token-004999 token-000001") == "*** token-000001"
