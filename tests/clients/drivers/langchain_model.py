"""LangChain, by one of its chat models: chat, responses, anthropic, google."""

import sys
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI
from pydantic import BaseModel
from serving import ROUNDS, Facts, Job, read_file, serve, write_file

WHICH = sys.argv[1]
TOOLS = {"read_file": tool(read_file), "write_file": tool(write_file)}
THINKING: dict[str, dict[str, Any]] = {
    "chat": {"reasoning_effort": "high"},
    "responses": {
        "reasoning": {"effort": "high", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    },
    "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
    "google": {"include_thoughts": True},
}


class Person(BaseModel):
    """A person."""

    name: str
    age: int


def model_of(job: Job, **more: Any) -> Any:
    if WHICH == "anthropic":
        given = {"base_url": job["base_url"], "api_key": job["key"], "max_tokens": 4000, **more}
        return ChatAnthropic(model=job["model"], timeout=30, **given)
    if WHICH == "google":
        given = {"base_url": job["base_url"], "api_key": job["key"], **more}
        return ChatGoogleGenerativeAI(model=job["model"], timeout=30, **given)
    given = {"base_url": job["base_url"] + "/v1", "api_key": job["key"], **more}
    if WHICH == "responses":
        given |= {"use_responses_api": True, "store": False, "output_version": "responses/v1"}
    return ChatOpenAI(model=job["model"], timeout=30, **given)


def question(job: Job) -> list[Any]:
    return [SystemMessage("Answer plainly."), HumanMessage(job["prompt"])]


def facts_of(message: Any) -> Facts:
    said = message.response_metadata
    finish = said.get("finish_reason") or said.get("stop_reason")
    if said.get("incomplete_details"):
        finish = said["incomplete_details"]["reason"]
    return {"text": message.text, "finish": finish}


def text(job: Job) -> Facts:
    return facts_of(model_of(job).invoke(question(job)))


def stream(job: Job) -> Facts:
    said: list[str] = []
    chunks = model_of(job).stream(question(job))
    for chunk in chunks:
        if chunk.text:
            said.append(chunk.text)
            if job.get("cancel"):
                chunks.close()
                return {"cancelled": True}
    return {"text": "".join(said), "pieces": len(said)}


def one_turn(model: Any, messages: list[Any], thinking: bool) -> Any:
    if not thinking:
        return model.invoke(messages)
    whole = None
    for chunk in model.stream(messages):
        whole = chunk if whole is None else whole + chunk
    return whole


def converse(job: Job, messages: list[Any], thinking: bool) -> tuple[str, str]:
    model = model_of(job, **(THINKING[WHICH] if thinking else {})).bind_tools(list(TOOLS.values()))
    reasoning = ""
    for _ in range(ROUNDS):
        message = one_turn(model, messages, thinking)
        reasoning += "".join(
            block.get("reasoning") or "" for block in message.content_blocks if block["type"] == "reasoning"
        )
        messages.append(message)
        if not message.tool_calls:
            return message.text, reasoning
        for call in message.tool_calls:
            result = TOOLS[call["name"]].invoke(call["args"])
            messages.append(ToolMessage(result, tool_call_id=call["id"]))
    raise RuntimeError("the model never came to an end")


def tools(job: Job) -> Facts:
    return {"text": converse(job, question(job), False)[0]}


def thinking(job: Job) -> Facts:
    messages = question(job)
    said, reasoning = converse(job, messages, True)
    messages.append(HumanMessage(job["followup"]))
    facts = {"text": said, "followup": converse(job, messages, True)[0]}
    # The chat model leaves reasoning text of other hosts out.
    return facts if WHICH == "chat" else {**facts, "reasoning": reasoning}


def image(job: Job) -> Facts:
    content = [
        {"type": "text", "text": job["prompt"]},
        {"type": "image", "base64": job["image"], "mime_type": "image/png"},
    ]
    return facts_of(model_of(job).invoke([HumanMessage(content)]))


def structured(job: Job) -> Facts:
    methods = {"anthropic": "function_calling"}
    model = model_of(job).with_structured_output(Person, method=methods.get(WHICH, "json_schema"))
    return {"value": model.invoke(question(job)).model_dump()}


def length(job: Job) -> Facts:
    return facts_of(model_of(job, max_tokens=job["cap"]).invoke(question(job)))


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
