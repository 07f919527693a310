"""anthropic-python, Messages."""

from typing import Any

import anthropic
from pydantic import BaseModel
from serving import DESCRIPTIONS, ROUNDS, SCHEMAS, Facts, Job, serve, use_tool


class Person(BaseModel):
    name: str
    age: int


TOOLS: list[Any] = [
    {"name": name, "description": DESCRIPTIONS[name], "input_schema": schema}
    for name, schema in SCHEMAS.items()
]


def client_of(job: Job) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=job["base_url"], api_key=job["key"], timeout=30)


def asked(job: Job, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": job["prompt"]}]
    return {
        "model": job["model"],
        "system": "Answer plainly.",
        "max_tokens": 4000,
        "messages": messages,
        **more,
    }


def facts_of(message: Any) -> Facts:
    said = "".join(block.text for block in message.content if block.type == "text")
    return {"text": said, "finish": message.stop_reason}


def text(job: Job) -> Facts:
    return facts_of(client_of(job).messages.create(**asked(job)))


def stream(job: Job) -> Facts:
    pieces = 0
    with client_of(job).messages.stream(**asked(job)) as events:
        for _ in events.text_stream:
            pieces += 1
            if job.get("cancel"):
                return {"cancelled": True}
        message = events.get_final_message()
    return {**facts_of(message), "pieces": pieces, "usage": message.usage.output_tokens}


def one_turn(job: Job, messages: list[Any], thinking: bool) -> Any:
    client = client_of(job)
    if not thinking:
        return client.messages.create(**asked(job, messages=messages, tools=TOOLS))
    how = {"type": "enabled", "budget_tokens": 2000}
    with client.messages.stream(**asked(job, messages=messages, tools=TOOLS, thinking=how)) as events:
        return events.get_final_message()


def converse(job: Job, messages: list[Any], thinking: bool) -> tuple[str, str]:
    reasoning = ""
    for _ in range(ROUNDS):
        message = one_turn(job, messages, thinking)
        reasoning += "".join(block.thinking for block in message.content if block.type == "thinking")
        messages.append({"role": "assistant", "content": message.content})
        results = [
            {
                "type": "tool_result",
                "tool_use_id": block.id,
                "content": use_tool(block.name, dict(block.input)),
            }
            for block in message.content
            if block.type == "tool_use"
        ]
        if not results:
            return facts_of(message)["text"], reasoning
        messages.append({"role": "user", "content": results})
    raise RuntimeError("the model never came to an end")


def tools(job: Job) -> Facts:
    said, _ = converse(job, asked(job)["messages"], False)
    return {"text": said}


def thinking(job: Job) -> Facts:
    messages = asked(job)["messages"]
    said, reasoning = converse(job, messages, True)
    messages.append({"role": "user", "content": job["followup"]})
    again, _ = converse(job, messages, True)
    return {"text": said, "followup": again, "reasoning": reasoning}


def image(job: Job) -> Facts:
    source = {"type": "base64", "media_type": "image/png", "data": job["image"]}
    content = [{"type": "image", "source": source}, {"type": "text", "text": job["prompt"]}]
    return facts_of(
        client_of(job).messages.create(**asked(job, messages=[{"role": "user", "content": content}]))
    )


def structured(job: Job) -> Facts:
    done = client_of(job).messages.parse(**asked(job), output_format=Person)
    assert done.parsed_output is not None
    return {"value": done.parsed_output.model_dump()}


def length(job: Job) -> Facts:
    return facts_of(client_of(job).messages.create(**asked(job, max_tokens=job["cap"])))


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
