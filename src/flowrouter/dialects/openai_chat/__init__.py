"""OpenAI Chat Completions, both ways, with the variants its many hosts have made of it.

Requests: `parse_requests` (with `parse_messages`, `content`, `tools`) reads a body, `render_requests`
writes one: `write_messages` member for member for Chat's own, `foreign_requests` (with
`foreign_messages`, `foreign_parts`, `foreign_tools`, `reasoning_control`) translated for others; `plain`
reads and `foreign_words` writes those of words alone.
Replies: `parse_responses` and `render_responses` whole, `stream_decoder` (with `stream_choice`,
`stream_calls`, `think_tags`) and `stream_encoder` in chunks. Besides: `envelope` (skim and splice on
the passthrough lane), `embeddings` (usage of a reply that passes as it is), `errors`, `usage`,
`finishes`, `ids`, `annotations`, `cache_marks`, `web_search`.
"""

from __future__ import annotations

from flowrouter.canonical.embedding import EmbeddingReply, EmbeddingRequest
from flowrouter.dialects.codec import Codec, Embeddings
from flowrouter.dialects.openai_chat.embeddings import (
    measure,
    parse_embedding_reply,
    parse_embedding_request,
    render_embedding_reply,
    render_embedding_request,
)
from flowrouter.dialects.openai_chat.envelope import (
    is_error_frame,
    limited,
    prepare,
    skim,
    skim_counts,
    usage_only,
)
from flowrouter.dialects.openai_chat.errors import problem_of, problem_status, render_problem
from flowrouter.dialects.openai_chat.outlines import outline
from flowrouter.dialects.openai_chat.parse_requests import parse_request
from flowrouter.dialects.openai_chat.parse_responses import parse_response
from flowrouter.dialects.openai_chat.render_requests import render_request
from flowrouter.dialects.openai_chat.render_responses import render_response
from flowrouter.dialects.openai_chat.stream_decoder import ChatDecoder
from flowrouter.dialects.openai_chat.stream_encoder import ChatEncoder, resume
from flowrouter.dialects.openai_chat.texts import skim_texts
from flowrouter.dialects.openai_chat.usage import metered


def _asked(body: bytes, model: str, batch: bool) -> EmbeddingRequest:
    del model, batch
    return parse_embedding_request(body)


def _told(reply: EmbeddingReply, request: EmbeddingRequest, model: str) -> bytes:
    return render_embedding_reply(reply, request, model=model)


def _renamed(body: bytes, model: str) -> bytes:
    return prepare(body, skim(body), model, False)


CODEC = Codec(
    name="openai_chat",
    skim=skim,
    skim_counts=skim_counts,
    skim_texts=skim_texts,
    prepare=prepare,
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    outline=outline,
    render_response=render_response,
    decoder=ChatDecoder,
    encoder=ChatEncoder,
    resume=resume,
    problem_of=problem_of,
    render_problem=render_problem,
    problem_status=problem_status,
    is_error_frame=is_error_frame,
    limited=limited,
    usage_only=usage_only,
    measure=measure,
    metered=metered,
    embeddings=Embeddings(
        parse=_asked,
        rename=_renamed,
        ask=render_embedding_request,
        read=parse_embedding_reply,
        render=_told,
        honoured=frozenset({"encoding_format"}),
    ),
)

__all__ = ["CODEC"]
