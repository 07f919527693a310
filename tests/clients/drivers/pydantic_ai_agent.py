"""Pydantic AI, by one of its model classes: chat, responses, anthropic, google."""

import asyncio
import sys
from typing import Any

from anthropic import AsyncAnthropic
from google import genai
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, NativeOutput, ThinkingPart
from pydantic_ai.models.anthropic import AnthropicModel, AnthropicModelSettings
from pydantic_ai.models.google import GoogleModel, GoogleModelSettings
from pydantic_ai.models.openai import (
    OpenAIChatModel,
    OpenAIChatModelSettings,
    OpenAIResponsesModel,
    OpenAIResponsesModelSettings,
)
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider
from serving import Facts, Job, image_bytes, read_file, serve, write_file

WHICH = sys.argv[1]
OPEN = {"anthropic": AnthropicModelSettings(max_tokens=4000)}
THINKING: dict[str, Any] = {
    "chat": OpenAIChatModelSettings(openai_reasoning_effort="high"),
    "responses": OpenAIResponsesModelSettings(
        openai_reasoning_effort="high", openai_reasoning_summary="auto", openai_store=False
    ),
    "anthropic": AnthropicModelSettings(
        max_tokens=4000, anthropic_thinking={"type": "enabled", "budget_tokens": 2000}
    ),
    "google": GoogleModelSettings(google_thinking_config={"include_thoughts": True}),
}


class Person(BaseModel):
    name: str
    age: int


def model_of(job: Job) -> Any:
    if WHICH == "anthropic":
        client = AsyncAnthropic(base_url=job["base_url"], api_key=job["key"], timeout=30)
        return AnthropicModel(job["model"], provider=AnthropicProvider(anthropic_client=client))
    if WHICH == "google":
        retry = genai.types.HttpRetryOptions(attempts=3, initial_delay=0.2)
        options = genai.types.HttpOptions(base_url=job["base_url"], timeout=30_000, retry_options=retry)
        google = genai.Client(api_key=job["key"], http_options=options)
        return GoogleModel(job["model"], provider=GoogleProvider(client=google))
    openai = AsyncOpenAI(base_url=job["base_url"] + "/v1", api_key=job["key"], timeout=30)
    provider = OpenAIProvider(openai_client=openai)
    if WHICH == "chat":
        return OpenAIChatModel(job["model"], provider=provider)
    # Of names that are not OpenAI's it would send reasoning back as text unless told otherwise.
    thinks = job["operation"] == "thinking"
    profile = OpenAIModelProfile(openai_supports_encrypted_reasoning_content=thinks)
    return OpenAIResponsesModel(job["model"], provider=provider, profile=profile)


def agent_of(job: Job, *, tools: bool = False, output: Any = str, settings: Any = None) -> Agent[None, Any]:
    given = [read_file, write_file] if tools else []
    return Agent(
        model_of(job),
        instructions="Answer plainly.",
        tools=given,
        output_type=output,
        model_settings=settings or OPEN.get(WHICH),
    )


async def text(job: Job) -> Facts:
    return {"text": (await agent_of(job).run(job["prompt"])).output}


async def stream(job: Job) -> Facts:
    pieces = 0
    async with agent_of(job).run_stream(job["prompt"]) as run:
        async for _ in run.stream_text(delta=True, debounce_by=None):
            pieces += 1
            if job.get("cancel"):
                await run.cancel()
                await asyncio.sleep(0.2)
                return {"cancelled": True}
        said = await run.get_output()
        return {"text": said, "pieces": pieces, "finish": run.response.finish_reason}


async def tools(job: Job) -> Facts:
    return {"text": (await agent_of(job, tools=True).run(job["prompt"])).output}


async def thinking(job: Job) -> Facts:
    agent = agent_of(job, tools=True, settings=THINKING[WHICH])
    run = await agent.run(job["prompt"], event_stream_handler=listen)
    reasoning = "".join(
        part.content
        for message in run.all_messages()
        for part in message.parts
        if isinstance(part, ThinkingPart)
    )
    again = await agent.run(job["followup"], message_history=run.all_messages(), event_stream_handler=listen)
    return {"text": run.output, "followup": again.output, "reasoning": reasoning}


async def listen(_: Any, events: Any) -> None:
    """Take the events; that somebody does makes the framework ask for streams."""
    async for _event in events:
        pass


async def image(job: Job) -> Facts:
    picture = BinaryContent(data=image_bytes(job), media_type="image/png")
    return {"text": (await agent_of(job).run([job["prompt"], picture])).output}


async def structured(job: Job) -> Facts:
    output = NativeOutput(Person) if WHICH != "anthropic" else Person
    return {"value": (await agent_of(job, output=output).run(job["prompt"])).output.model_dump()}


async def length(job: Job) -> Facts:
    run = await agent_of(job, settings={"max_tokens": job["cap"]}).run(job["prompt"])
    return {"text": run.output, "finish": run.response.finish_reason}


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
