"""openai-python, Responses: nothing is stored, the reasoning travels encrypted."""

import json
from typing import Any

import openai
from pydantic import BaseModel
from serving import DESCRIPTIONS, ROUNDS, SCHEMAS, Facts, Job, serve, use_tool


class Person(BaseModel):
    name: str
    age: int


TOOLS: list[Any] = [
    {
        "type": "function",
        "name": name,
        "description": DESCRIPTIONS[name],
        "parameters": schema,
        "strict": True,
    }
    for name, schema in SCHEMAS.items()
]


def client_of(job: Job) -> openai.OpenAI:
    return openai.OpenAI(base_url=job["base_url"] + "/v1", api_key=job["key"], timeout=30)


def asked(job: Job, **more: Any) -> dict[str, Any]:
    given = {"model": job["model"], "instructions": "Answer plainly.", "input": job["prompt"], "store": False}
    return {**given, **more}


def facts_of(done: Any) -> Facts:
    reason = done.incomplete_details.reason if done.incomplete_details else None
    return {"text": done.output_text, "finish": reason or done.status}


def text(job: Job) -> Facts:
    return facts_of(client_of(job).responses.create(**asked(job)))


def stream(job: Job) -> Facts:
    pieces = 0
    said = ""
    final = None
    with client_of(job).responses.create(**asked(job), stream=True) as events:
        for event in events:
            if event.type == "response.output_text.delta":
                pieces += 1
                said += event.delta
                if job.get("cancel"):
                    return {"cancelled": True}
            elif event.type in ("response.completed", "response.incomplete"):
                final = event.response
            elif event.type == "response.failed":
                return {"error": str(event.response.error), "text": said}
    if final is None:
        return {"error": "the stream ended without a final event", "text": said}
    assert final.output_text == said
    return {**facts_of(final), "pieces": pieces, "usage": final.usage.total_tokens}


def one_turn(job: Job, items: list[Any], thinking: bool) -> Any:
    client = client_of(job)
    if not thinking:
        return client.responses.create(**asked(job, input=items, tools=TOOLS))
    more: dict[str, Any] = {"include": ["reasoning.encrypted_content"]}
    more["reasoning"] = {"effort": "high", "summary": "auto"}
    with client.responses.stream(**asked(job, input=items, tools=TOOLS, **more)) as events:
        return events.get_final_response()


def converse(job: Job, items: list[Any], thinking: bool) -> tuple[str, str]:
    reasoning = ""
    for _ in range(ROUNDS):
        done = one_turn(job, items, thinking)
        calls = [item for item in done.output if item.type == "function_call"]
        for item in done.output:
            if item.type == "reasoning":
                reasoning += "".join(part.text for part in item.summary or [])
            kept = item.to_dict()
            kept.pop("parsed_arguments", None)
            for part in kept.get("content") or []:
                part.pop("parsed", None)
            items.append(kept)
        if not calls:
            return done.output_text, reasoning
        for call in calls:
            result = use_tool(call.name, json.loads(call.arguments))
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": result})
    raise RuntimeError("the model never came to an end")


def tools(job: Job) -> Facts:
    said, _ = converse(job, [{"role": "user", "content": job["prompt"]}], False)
    return {"text": said}


def thinking(job: Job) -> Facts:
    items: list[Any] = [{"role": "user", "content": job["prompt"]}]
    said, reasoning = converse(job, items, True)
    items.append({"role": "user", "content": job["followup"]})
    again, _ = converse(job, items, True)
    return {"text": said, "followup": again, "reasoning": reasoning}


def image(job: Job) -> Facts:
    url = f"data:image/png;base64,{job['image']}"
    content = [
        {"type": "input_text", "text": job["prompt"]},
        {"type": "input_image", "image_url": url, "detail": "auto"},
    ]
    return facts_of(
        client_of(job).responses.create(**asked(job, input=[{"role": "user", "content": content}]))
    )


def structured(job: Job) -> Facts:
    done = client_of(job).responses.parse(**asked(job), text_format=Person)
    assert done.output_parsed is not None
    return {"value": done.output_parsed.model_dump()}


def length(job: Job) -> Facts:
    return facts_of(client_of(job).responses.create(**asked(job, max_output_tokens=job["cap"])))


serve(
    {
        "text": text,
        "stream": stream,
        "tools": tools,
        "thinking": thinking,
        "image": image,
        "structured": structured,
        "length": length,
    }
)
