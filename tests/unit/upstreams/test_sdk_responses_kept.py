"""What the Responses vendor keeps, through OpenAI's own SDK: reading, listing, cancelling, compacting, forgetting."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.upstreams import ScriptedUpstream


@pytest.fixture
def client(up: ScriptedUpstream) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=up.openai_url, api_key="key-1", max_retries=0) as sdk:
        yield sdk


def test_what_is_kept(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    fields: dict[str, Any] = {"model": "gpt-5.2", "input": [{"role": "user", "content": "hello"}]}
    made = client.responses.create(**fields, include=["reasoning.encrypted_content"])
    full = client.responses.retrieve(made.id, include=["reasoning.encrypted_content"])
    assert full.model_dump() == made.model_dump()
    bare = client.responses.retrieve(made.id)
    assert "encrypted_content" not in bare.output[0].model_fields_set
    listed = client.responses.input_items.list(made.id, order="asc").data
    assert [(item.type, item.content[0].text) for item in listed] == [("message", "hello")]  # type: ignore[union-attr]
    client.responses.delete(made.id)
    for gone in (client.responses.retrieve, client.responses.delete, client.responses.input_items.list):
        with pytest.raises(openai.NotFoundError, match=f"Response with id '{made.id}' not found"):
            gone(made.id)
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.create(**fields, previous_response_id=made.id)
    assert caught.value.code == "previous_response_not_found"
    unkept = client.responses.create(**fields, store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(unkept.id)


def test_pages_of_input_items(client: openai.OpenAI) -> None:
    said: Any = [{"role": "user", "content": f"line {number}"} for number in range(5)]
    made = client.responses.create(model="m", input=said)
    every = [item.content[0].text for item in client.responses.input_items.list(made.id, limit=2)]  # type: ignore[union-attr]
    assert every == [f"line {number}" for number in (4, 3, 2, 1, 0)]


def test_other_accounts_see_nothing(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    made = client.responses.create(model="m", input="hello")
    with openai.OpenAI(base_url=up.openai_url, api_key="key-2", max_retries=0) as other:
        with pytest.raises(openai.NotFoundError):
            other.responses.retrieve(made.id)
        with pytest.raises(openai.NotFoundError):
            other.responses.create(model="m", input="more", previous_response_id=made.id)
    up.reset()
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def test_background_and_cancel(client: openai.OpenAI) -> None:
    queued = client.responses.create(model="m", input="hello", background=True)
    assert (queued.status, queued.output) == ("queued", [])
    assert client.responses.retrieve(queued.id).output_text == "You said: hello"
    stopped = client.responses.create(model="m", input="never mind", background=True)
    assert client.responses.cancel(stopped.id).status == "cancelled"
    assert client.responses.retrieve(stopped.id).status == "cancelled"
    plain = client.responses.create(model="m", input="hi")
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        client.responses.cancel(plain.id)


def test_a_background_stream_is_taken_up_again(client: openai.OpenAI) -> None:
    events = list(client.responses.create(model="m", input="hello", background=True, stream=True))
    assert [event.type for event in events][:3] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]
    rest = list(client.responses.retrieve(events[0].response.id, stream=True, starting_after=4))  # type: ignore[union-attr]
    assert [event.sequence_number for event in rest] == [event.sequence_number for event in events[5:]]
    plain = client.responses.create(model="m", input="hi")
    with pytest.raises(openai.BadRequestError, match="cannot be streamed"):
        client.responses.retrieve(plain.id, stream=True)


def test_compaction(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    said: Any = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "good day"},
        {"role": "user", "content": "and on"},
    ]
    made = client.responses.compact(model="gpt-5.2", input=said)
    assert (made.object, [item.type for item in made.output]) == (
        "response.compaction",
        ["message", "message", "compaction"],
    )
    # The SDK has no model for user messages in an output, and says so when it writes them.
    compacted = [item.to_dict(warnings=False) for item in made.output]
    history: Any = [*compacted, {"role": "user", "content": "what was it?"}]
    text = client.responses.create(model="gpt-5.2", input=history).output_text
    assert text.startswith("You said: what was it?")
    assert "System: Compacted 3 items; said: ['good day']" in text
    up.assert_all_valid()
    with (
        openai.OpenAI(base_url=up.openai_url, api_key="key-2", max_retries=0) as other,
        pytest.raises(openai.BadRequestError, match="could not be verified"),
    ):
        other.responses.create(model="gpt-5.2", input=history)
    with pytest.raises(openai.RateLimitError):
        client.responses.compact(model="gpt-5.2+fault-429", input=said)
    with pytest.raises(openai.BadRequestError, match="model"):
        client.responses.compact(model=None, input=said)
    assert len(up.refused) == 2
