"""`translate` on files of its own; what the dialects lose is proven by the vectors."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Run

CHAT_REQUEST = {
    "model": "gpt-5.2",
    "logit_bias": {"5": 1},
    "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
}
MESSAGES_REPLY = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 1},
}
CHAT_STREAM = (
    'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    '[{"index":0,"delta":{"role":"assistant","content":"hel"},"finish_reason":null}]}\n\n'
    'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    '[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}]}\n\n'
)


def file(folder: Path, content: Any) -> str:
    path = folder / "body"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_a_request_is_translated_and_its_losses_are_told(run: Run, tmp_path: Path) -> None:
    ran = run("translate", "--from", "openai_chat", "--to", "anthropic", file(tmp_path, CHAT_REQUEST))
    assert ran.code == 0, ran.err
    body = json.loads(ran.out)
    assert body["system"] == "Be kind." or body["system"][0]["text"] == "Be kind."
    assert "logit_bias" not in ran.out
    assert "dropped" in ran.err
    assert "logit_bias" in ran.err


def test_losses_are_there_for_programs(run: Run, tmp_path: Path) -> None:
    ran = run(
        "translate", "--from", "openai_chat", "--to", "anthropic", "--json", file(tmp_path, CHAT_REQUEST)
    )
    assert ran.json["kind"] == "request"
    assert ("logit_bias", "dropped") in [(loss["path"], loss["kind"]) for loss in ran.json["losses"]]
    assert ran.json["body"]["messages"]


def test_what_a_model_takes_counts_where_the_provider_is_named(run: Run, tmp_path: Path) -> None:
    path = file(tmp_path, {**CHAT_REQUEST, "max_tokens": 10, "temperature": 0.5})
    arguments = ("translate", "--from", "openai_chat", "--to", "anthropic", path, "--json")
    told = run(*arguments, "--preset", "anthropic", "--model", "claude-opus-4-7").json
    assert told["body"]["model"] == "claude-opus-4-7"
    assert "temperature" in run(*arguments).json["body"]
    assert "temperature" not in told["body"]  # this model takes no sampling
    assert run(*arguments, "--preset", "anthropc").code == 2


def test_a_reply_is_recognised(run: Run, tmp_path: Path) -> None:
    ran = run("translate", "--from", "anthropic", "--to", "openai_chat", file(tmp_path, MESSAGES_REPLY))
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["choices"][0]["message"]["content"] == "hello"
    assert "Nothing is lost." in ran.err


def test_a_stream_is_recognised_and_comes_from_stdin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    body = CHAT_STREAM + "data: [DONE]\n\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body.encode())))
    ran = run("translate", "--from", "openai_chat", "--to", "anthropic", "-")
    assert ran.code == 0, ran.err
    assert "event: message_start" in ran.out
    assert ran.out.rstrip().endswith('data: {"type":"message_stop"}')


def test_a_stream_that_breaks_off_is_not_passed_as_whole(run: Run, tmp_path: Path) -> None:
    cut = CHAT_STREAM[: CHAT_STREAM.index("data", 10)]
    ran = run("translate", "--from", "openai_chat", "--to", "anthropic", file(tmp_path, cut))
    assert ran.code == 1
    assert "does not end as it should" in ran.err
    assert "message_stop" not in ran.out


@pytest.mark.parametrize(
    ("arguments", "content", "said"),
    [
        (["--from", "openai", "--to", "anthropic"], "{}", "did you mean 'openai_chat'?"),
        (["--from", "openai_chat", "--to", "klingon"], "{}", "no dialect of this version"),
        (
            ["--from", "openai_chat", "--to", "anthropic", "--kind", "reply"],
            "{}",
            "request, response, stream",
        ),
        (["--from", "openai_chat", "--to", "anthropic"], "{bad", "neither JSON nor a stream"),
        (["--from", "anthropic", "--to", "openai_chat", "--kind", "response"], "{}", "no anthropic reply"),
        (["--from", "openai_chat", "--to", "anthropic", "--preset", "openai"], "{}", "--model MODEL"),
    ],
)
def test_mistakes_come_with_their_fix(
    run: Run, tmp_path: Path, arguments: list[str], content: str, said: str
) -> None:
    wrong = run("translate", *arguments, file(tmp_path, content))
    assert wrong.code == 2
    assert said in wrong.err


def test_a_file_that_is_not_there_is_said(run: Run, tmp_path: Path) -> None:
    wrong = run("translate", "--from", "openai_chat", "--to", "anthropic", str(tmp_path / "none"))
    assert (wrong.code, "No such file" in wrong.err) == (2, True)
