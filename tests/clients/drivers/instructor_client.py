"""instructor, over one of its vendors: chat, responses, anthropic, google. It makes objects, whole or in parts."""

import sys
from typing import Any

import instructor
from anthropic import Anthropic
from google import genai
from openai import OpenAI
from pydantic import BaseModel
from serving import Facts, Job, serve

WHICH = sys.argv[1]


class Person(BaseModel):
    name: str
    age: int


def client_of(job: Job) -> Any:
    if WHICH == "anthropic":
        anthropic = Anthropic(base_url=job["base_url"], api_key=job["key"], timeout=30)
        return instructor.from_anthropic(anthropic, mode=instructor.Mode.ANTHROPIC_TOOLS)
    if WHICH == "google":
        retry = genai.types.HttpRetryOptions(attempts=3, initial_delay=0.2)
        options = genai.types.HttpOptions(base_url=job["base_url"], timeout=30_000, retry_options=retry)
        client = genai.Client(api_key=job["key"], http_options=options)
        return instructor.from_genai(client, mode=instructor.Mode.GENAI_TOOLS)
    openai = OpenAI(base_url=job["base_url"] + "/v1", api_key=job["key"], timeout=30)
    modes = {"chat": instructor.Mode.TOOLS, "responses": instructor.Mode.RESPONSES_TOOLS}
    return instructor.from_openai(openai, mode=modes[WHICH])


def asked(job: Job) -> dict[str, Any]:
    given: dict[str, Any] = {
        "model": job["model"],
        "messages": [{"role": "user", "content": job["prompt"]}],
        "response_model": Person,
        "max_retries": 1,
    }
    return {**given, "max_tokens": 4000} if WHICH == "anthropic" else given


def structured(job: Job) -> Facts:
    return {"value": client_of(job).create(**asked(job)).model_dump()}


def partial(job: Job) -> Facts:
    last = None
    for each in client_of(job).create_partial(**asked(job)):
        last = each
        if job.get("cancel"):
            return {"cancelled": True}
    return {"value": last.model_dump()} if last is not None else {"error": "nothing came"}


serve({"structured": structured, "stream": partial, "text": structured})
