"""openai-python, Chat Completions."""

import json
from typing import Any

import openai
from pydantic import BaseModel
from serving import DESCRIPTIONS, ROUNDS, SCHEMAS, Facts, Job, serve, use_tool


class Person(BaseModel):
    name: str
    age: int


TOOLS: list[Any] = [
    {"type": "function", "function": {"name": name, "description": DESCRIPTIONS[name], "parameters": schema}}
    for name, schema in SCHEMAS.items()
]


def client_of(job: Job) -> openai.OpenAI:
    return openai.OpenAI(base_url=job["base_url"] + "/v1", api_key=job["key"], timeout=30)


def question(job: Job) -> list[Any]:
    return [
        {"role": "system", "content": "Answer plainly."},
        {"role": "user", "content": job["prompt"]},
    ]


def text(job: Job) -> Facts:
    done = client_of(job).chat.completions.create(model=job["model"], messages=question(job))
    return {"text": done.choices[0].message.content, "finish": done.choices[0].finish_reason}


def stream(job: Job) -> Facts:
    said: list[str] = []
    finish = None
    with client_of(job).chat.completions.create(
        model=job["model"], messages=question(job), stream=True, stream_options={"include_usage": True}
    ) as chunks:
        usage = None
        for chunk in chunks:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                finish = choice.finish_reason or finish
                if choice.delta.content:
                    said.append(choice.delta.content)
            if said and job.get("cancel"):
                return {"cancelled": True}
    return {
        "text": "".join(said),
        "pieces": len(said),
        "finish": finish,
        "usage": usage and usage.total_tokens,
    }


def one_turn(job: Job, messages: list[Any], thinking: bool) -> Any:
    """Return the message of one turn; with thinking it is streamed, as agents do."""
    client = client_of(job)
    if not thinking:
        done = client.chat.completions.create(model=job["model"], messages=messages, tools=TOOLS)
        return done.choices[0].message
    with client.chat.completions.stream(
        model=job["model"], messages=messages, tools=TOOLS, reasoning_effort="high"
    ) as events:
        return events.get_final_completion().choices[0].message


def converse(job: Job, messages: list[Any], thinking: bool) -> tuple[str, str]:
    reasoning = ""
    for _ in range(ROUNDS):
        message = one_turn(job, messages, thinking)
        reasoning += getattr(message, "reasoning_content", None) or ""
        kept = {name: value for name, value in message.to_dict().items() if value is not None}
        for call in kept.get("tool_calls") or []:
            call["function"].pop("parsed_arguments", None)
            call.pop("index", None)
        kept.pop("parsed", None)
        messages.append(kept)
        if not message.tool_calls:
            return message.content or "", reasoning
        for call in message.tool_calls:
            result = use_tool(call.function.name, json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    raise RuntimeError("the model never came to an end")


def tools(job: Job) -> Facts:
    said, _ = converse(job, question(job), False)
    return {"text": said}


def thinking(job: Job) -> Facts:
    messages = question(job)
    said, reasoning = converse(job, messages, True)
    messages.append({"role": "user", "content": job["followup"]})
    again, _ = converse(job, messages, True)
    return {"text": said, "followup": again, "reasoning": reasoning}


def image(job: Job) -> Facts:
    url = f"data:image/png;base64,{job['image']}"
    content: list[Any] = [
        {"type": "text", "text": job["prompt"]},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    done = client_of(job).chat.completions.create(
        model=job["model"], messages=[{"role": "user", "content": content}]
    )
    return {"text": done.choices[0].message.content}


def structured(job: Job) -> Facts:
    done = client_of(job).chat.completions.parse(
        model=job["model"], messages=question(job), response_format=Person
    )
    parsed = done.choices[0].message.parsed
    assert parsed is not None
    return {"value": parsed.model_dump()}


def length(job: Job) -> Facts:
    done = client_of(job).chat.completions.create(
        model=job["model"], messages=question(job), max_completion_tokens=job["cap"]
    )
    return {"text": done.choices[0].message.content, "finish": done.choices[0].finish_reason}


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
