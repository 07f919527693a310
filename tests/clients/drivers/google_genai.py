"""google-genai-python, generateContent."""

from typing import Any

from google import genai
from google.genai import types
from pydantic import BaseModel
from serving import DESCRIPTIONS, ROUNDS, SCHEMAS, Facts, Job, image_bytes, serve, use_tool


class Person(BaseModel):
    name: str
    age: int


TOOLS = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(name=name, description=DESCRIPTIONS[name], parameters_json_schema=schema)
        for name, schema in SCHEMAS.items()
    ]
)


CLIENTS: list[genai.Client] = []
"""A client closes its connections when it is forgotten."""


def client_of(job: Job) -> genai.Client:
    retry = types.HttpRetryOptions(attempts=3, initial_delay=0.2)
    options = types.HttpOptions(base_url=job["base_url"], timeout=30_000, retry_options=retry)
    CLIENTS.append(genai.Client(api_key=job["key"], http_options=options))
    return CLIENTS[-1]


def config(**more: Any) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(system_instruction="Answer plainly.", **more)


def facts_of(done: Any) -> Facts:
    return {"text": done.text, "finish": done.candidates[0].finish_reason.value}


def text(job: Job) -> Facts:
    client = client_of(job)
    return facts_of(
        client.models.generate_content(model=job["model"], contents=job["prompt"], config=config())
    )


def stream(job: Job) -> Facts:
    said: list[str] = []
    finish = usage = None
    client = client_of(job)
    chunks = client.models.generate_content_stream(
        model=job["model"], contents=job["prompt"], config=config()
    )
    for chunk in chunks:
        usage = chunk.usage_metadata or usage
        for candidate in chunk.candidates or []:
            finish = candidate.finish_reason or finish
        if chunk.text:
            said.append(chunk.text)
        if said and job.get("cancel"):
            chunks.close()
            client.close()
            return {"cancelled": True}
    return {
        "text": "".join(said),
        "pieces": len(said),
        "finish": finish and finish.value,
        "usage": usage and usage.total_token_count,
    }


def one_turn(job: Job, contents: list[Any], thinking: bool) -> list[types.Part]:
    client = client_of(job)
    given: dict[str, Any] = {"tools": [TOOLS]}
    if not thinking:
        done = client.models.generate_content(model=job["model"], contents=contents, config=config(**given))
        return list(done.candidates[0].content.parts)
    given["thinking_config"] = types.ThinkingConfig(include_thoughts=True)
    parts: list[types.Part] = []
    for chunk in client.models.generate_content_stream(
        model=job["model"], contents=contents, config=config(**given)
    ):
        for candidate in chunk.candidates or []:
            if candidate.content:
                parts += candidate.content.parts or []
    return parts


def converse(job: Job, contents: list[Any], thinking: bool) -> tuple[str, str]:
    reasoning = ""
    for _ in range(ROUNDS):
        parts = one_turn(job, contents, thinking)
        reasoning += "".join(part.text or "" for part in parts if part.thought)
        contents.append(types.Content(role="model", parts=parts))
        calls = [part.function_call for part in parts if part.function_call]
        if not calls:
            return "".join(part.text or "" for part in parts if not part.thought), reasoning
        results = [
            types.FunctionResponse(
                id=call.id, name=call.name, response={"result": use_tool(call.name, dict(call.args))}
            )
            for call in calls
        ]
        contents.append(
            types.Content(role="user", parts=[types.Part(function_response=result) for result in results])
        )
    raise RuntimeError("the model never came to an end")


def user(words: str) -> types.Content:
    return types.Content(role="user", parts=[types.Part(text=words)])


def tools(job: Job) -> Facts:
    said, _ = converse(job, [user(job["prompt"])], False)
    return {"text": said}


def thinking(job: Job) -> Facts:
    contents = [user(job["prompt"])]
    said, reasoning = converse(job, contents, True)
    contents.append(user(job["followup"]))
    again, _ = converse(job, contents, True)
    return {"text": said, "followup": again, "reasoning": reasoning}


def image(job: Job) -> Facts:
    picture = types.Part.from_bytes(data=image_bytes(job), mime_type="image/png")
    contents = types.Content(role="user", parts=[types.Part(text=job["prompt"]), picture])
    return facts_of(client_of(job).models.generate_content(model=job["model"], contents=contents))


def structured(job: Job) -> Facts:
    done = client_of(job).models.generate_content(
        model=job["model"],
        contents=job["prompt"],
        config=config(response_mime_type="application/json", response_schema=Person),
    )
    assert isinstance(done.parsed, Person)
    return {"value": done.parsed.model_dump()}


def length(job: Job) -> Facts:
    done = client_of(job).models.generate_content(
        model=job["model"], contents=job["prompt"], config=config(max_output_tokens=job["cap"])
    )
    return facts_of(done)


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
