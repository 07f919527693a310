"""OpenAI's SDK and what is kept of responses: gone on from, read, listed, deleted, compacted."""

import json
from typing import Any

import openai
import pytest

from tests.conformance.cells import ResponsesCell
from tests.conformance.house import ACCOUNTS, House
from tests.conformance.samples import response_whole


def test_read_list_and_delete(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    model = responses_cell.model()
    first = responses_sdk.responses.create(model=model, input="hello")
    second = responses_sdk.responses.create(model=model, input="more", previous_response_id=first.id)
    assert response_whole(responses_sdk.responses.retrieve(first.id)) == response_whole(first)
    texts = [
        part.text
        for item in responses_sdk.responses.input_items.list(second.id, order="asc")
        if item.type == "message"
        for part in item.content
        if part.type in ("input_text", "output_text")
    ]
    assert texts[-1] == "more"
    if not responses_cell.direct:  # the scripted vendor tells the last turn's own alone
        assert texts == ["hello", "You said: hello", "more"]
        page = responses_sdk.responses.input_items.list(second.id, limit=1)
        assert (len(page.data), page.has_more) == (1, True)
    responses_sdk.responses.delete(second.id)
    with pytest.raises(openai.NotFoundError):
        responses_sdk.responses.retrieve(second.id)
    with pytest.raises(openai.NotFoundError):
        responses_sdk.responses.input_items.list(second.id)


def test_what_is_not_stored_is_not_found(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    """A history that is named but not held is refused by its name, never left out."""
    model = responses_cell.model()
    made = responses_sdk.responses.create(model=model, input="a text asked nowhere else", store=False)
    responses_cell.house.refusals_meant = True
    for missing in (made.id, "resp_" + "0" * 48):
        with pytest.raises(openai.APIStatusError) as caught:
            responses_sdk.responses.create(model=model, input="more", previous_response_id=missing)
        assert caught.value.status_code in (400, 404)
        assert caught.value.code == "previous_response_not_found"
        with pytest.raises(openai.NotFoundError):
            responses_sdk.responses.retrieve(missing)


def test_streamed_responses_are_kept_too(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    with responses_sdk.responses.stream(model=responses_cell.model(), input="hello") as stream:
        made = stream.get_final_response()
    assert response_whole(responses_sdk.responses.retrieve(made.id)) == response_whole(made)


def test_what_has_ended_cannot_be_cancelled(
    responses_sdk: openai.OpenAI, responses_cell: ResponsesCell
) -> None:
    responses_cell.house.refusals_meant = True
    made = responses_sdk.responses.create(model=responses_cell.model(), input="hello")
    with pytest.raises(openai.BadRequestError, match=r"background|synchronous"):
        responses_sdk.responses.cancel(made.id)


def test_a_history_moves_to_another_vendor(house: House) -> None:
    """The copy is written out where the id means nothing; nothing that was said is missing there."""
    with ResponsesCell(house, "responses").client() as sdk:
        previous: str | None = None
        for number, place in enumerate((*ACCOUNTS, *reversed(ACCOUNTS))):
            cell = ResponsesCell(house, place)
            asked: Any = {"model": cell.model(), "input": f"turn {number}"}
            made = (
                sdk.responses.create(previous_response_id=previous, **asked)
                if previous
                else sdk.responses.create(**asked)
            )
            assert made.output_text == f"You said: turn {number}"
            if number and previous and cell.up.last.json.get("previous_response_id") is None:
                sent = json.dumps(cell.up.last.json)
                assert all(f"You said: turn {earlier}" in sent for earlier in range(number))
            previous = made.id


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")  # of the SDK's own types
def test_compaction(responses_sdk: openai.OpenAI, responses_cell: ResponsesCell) -> None:
    """The vendor's own where it has one, else a summary under the gateway's seal; both go on as they stand."""
    history: Any = [
        {"role": "user", "content": "We launch on Tuesday."},
        {"role": "assistant", "content": "Understood."},
    ]
    made = responses_sdk.responses.compact(model=responses_cell.model(), input=history)
    assert made.object == "response.compaction"
    (sealed,) = [item for item in made.output if item.type == "compaction"]
    assert sealed.encrypted_content.startswith("flr1.") is responses_cell.translated
    going_on: Any = [*[item.to_dict() for item in made.output], {"role": "user", "content": "and now?"}]
    answer = responses_sdk.responses.create(model=responses_cell.model(), input=going_on)
    assert "You said: " in answer.output_text
    sent = json.dumps(responses_cell.up.last.json)
    assert "and now?" in sent
    assert responses_cell.translated is ("written by the model" in sent), "the summary tells what it is"


def test_a_websocket_is_refused_at_once(house: House) -> None:
    """Codex asks for one first, and goes on over HTTP when told to."""
    headers = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAA",
    }
    status, body = house.gateway.call("GET", "/v1/responses", headers=headers)
    assert (status, json.loads(body)["error"]["code"]) == (426, "websocket_not_supported")


def test_input_tokens_are_counted_where_the_vendor_does(house: House) -> None:
    cell = ResponsesCell(house, "direct")
    with cell.client() as sdk:
        counted = sdk.responses.input_tokens.count(model=cell.model(), input="one two three")
        made = sdk.responses.create(model=cell.model(), input="one two three")
    assert made.usage is not None
    assert counted.input_tokens == made.usage.input_tokens
