"""OpenAI Agents, over its Responses or its Chat model: chat, responses."""

import asyncio
import sys
from typing import Any

from agents import (
    Agent,
    ModelBehaviorError,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from openai.types.shared import Reasoning
from pydantic import BaseModel
from serving import Facts, Job, read_file, serve, write_file

CHAT = sys.argv[1] == "chat"
set_tracing_disabled(True)


class Person(BaseModel):
    name: str
    age: int


def agent_of(
    job: Job, *, output: type[BaseModel] | None = None, tools: bool = False, **settings: Any
) -> Agent:
    client = AsyncOpenAI(base_url=job["base_url"] + "/v1", api_key=job["key"], timeout=30)
    model: Any
    if CHAT:
        model = OpenAIChatCompletionsModel(model=job["model"], openai_client=client)
    else:
        model = OpenAIResponsesModel(model=job["model"], openai_client=client)
        settings["store"] = False
    given = [function_tool(read_file), function_tool(write_file)] if tools else []
    return Agent(
        name="worker",
        instructions="Answer plainly.",
        model=model,
        tools=given,
        output_type=output,
        model_settings=ModelSettings(**settings),
    )


async def text(job: Job) -> Facts:
    done = await Runner.run(agent_of(job), job["prompt"])
    return {"text": done.final_output}


async def stream(job: Job) -> Facts:
    said: list[str] = []
    run = Runner.run_streamed(agent_of(job), job["prompt"])
    async for event in run.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            said.append(event.data.delta)
            if job.get("cancel"):
                run.cancel()
                await asyncio.sleep(0.2)
                return {"cancelled": True}
    return {"text": run.final_output, "pieces": len(said)}


async def tools(job: Job) -> Facts:
    done = await Runner.run(agent_of(job, tools=True), job["prompt"])
    return {"text": done.final_output}


async def thinking(job: Job) -> Facts:
    settings: dict[str, Any] = {"reasoning": Reasoning(effort="high", summary=None if CHAT else "auto")}
    if not CHAT:
        settings["response_include"] = ["reasoning.encrypted_content"]
    agent = agent_of(job, tools=True, **settings)
    run = Runner.run_streamed(agent, job["prompt"])
    async for _ in run.stream_events():
        pass
    asked = [*run.to_input_list(), {"role": "user", "content": job["followup"]}]
    again = Runner.run_streamed(agent, asked)
    async for _ in again.stream_events():
        pass
    reasoning = "".join(
        part.text for item in run.new_items if item.type == "reasoning_item" for part in item.raw_item.summary
    )
    return {"text": run.final_output, "followup": again.final_output, "reasoning": reasoning}


async def image(job: Job) -> Facts:
    url = f"data:image/png;base64,{job['image']}"
    content = [
        {"type": "input_text", "text": job["prompt"]},
        {"type": "input_image", "image_url": url, "detail": "auto"},
    ]
    done = await Runner.run(agent_of(job), [{"role": "user", "content": content}])
    return {"text": done.final_output}


async def structured(job: Job) -> Facts:
    done = await Runner.run(agent_of(job, output=Person), job["prompt"])
    return {"value": done.final_output.model_dump()}


async def length(job: Job) -> Facts:
    """Return what is there: over Chat a short text without its finish, over Responses an exception."""
    try:
        done = await Runner.run(agent_of(job, max_tokens=job["cap"]), job["prompt"])
    except ModelBehaviorError as error:
        return {"cut": "max_output_tokens" in str(error)}
    return {"text": done.final_output, "cut": bool(done.final_output)}


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
