"""Google's Gemini API (generateContent): requests, replies, streams, counts and embeddings, both ways.

Nouns: `Node` reads wire objects in either spelling (`node`), wire parts become canonical ones
(`parse_parts`) and back (`render_parts`), `signatures` and `signing` know the thought signatures, `ids` the
calls without id, `media` the media types. Requests: `parse_requests` (with `parse_tools`,
`parse_generation`, `classic`), `render_requests` (own, faithful), `render_foreign` (repaired) with `screen`
(what cannot be said), `conversation` (order of turns), `tools`, `tool_names`, `generation`, `thinking` and
`schema` (with `schema_shape`, `schema_notes`); those of words alone by `plain` and `foreign_words`.
Replies: `responses` (with `reply_parts`), `stream_decoder`
(with `stream_choice`, `partial_args`), `stream_encoder` (with `stream_parts`), and for both `citations`,
`logprobs`, `finishes`, `usage`. `errors` knows Google's envelope, `envelope` the passthrough lane,
`texts` the words of a body, `count_tokens` the count, `embeddings` the vectors. Model and verb stand in
the address: bodies have neither.
"""

from __future__ import annotations

from flowrouter.canonical.embedding import EmbeddingReply, EmbeddingRequest
from flowrouter.dialects.codec import Codec, Embeddings, TokenCount
from flowrouter.dialects.gemini.count_tokens import (
    parse_count,
    parse_count_request,
    render_count,
    render_count_request,
)
from flowrouter.dialects.gemini.embeddings import (
    measure,
    parse_embedding_reply,
    parse_embedding_request,
    rename_embedding_request,
    render_embedding_reply,
    render_embedding_request,
)
from flowrouter.dialects.gemini.envelope import limited, prepare, skim, skim_counts
from flowrouter.dialects.gemini.errors import is_error_frame, problem_of, problem_status, render_problem
from flowrouter.dialects.gemini.outlines import outline
from flowrouter.dialects.gemini.parse_requests import parse_request
from flowrouter.dialects.gemini.render_requests import render_request
from flowrouter.dialects.gemini.responses import parse_response, render_response
from flowrouter.dialects.gemini.stream_decoder import Decoder
from flowrouter.dialects.gemini.stream_encoder import Encoder, resume
from flowrouter.dialects.gemini.texts import skim_texts
from flowrouter.dialects.gemini.usage import metered


def _asked(body: bytes, model: str, batch: bool) -> EmbeddingRequest:
    return parse_embedding_request(body, model, batch=batch)


def _told(reply: EmbeddingReply, request: EmbeddingRequest, model: str) -> bytes:
    del model
    return render_embedding_reply(reply, batch=request.batch)


CODEC = Codec(
    name="gemini",
    skim=skim,
    skim_counts=skim_counts,
    skim_texts=skim_texts,
    prepare=prepare,
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    outline=outline,
    render_response=render_response,
    decoder=Decoder,
    encoder=Encoder,
    resume=resume,
    problem_of=problem_of,
    render_problem=render_problem,
    problem_status=problem_status,
    is_error_frame=is_error_frame,
    limited=limited,
    measure=measure,
    metered=metered,
    count=TokenCount(
        parse=parse_count_request, read=parse_count, render=render_count, ask=render_count_request
    ),
    embeddings=Embeddings(
        parse=_asked,
        rename=rename_embedding_request,
        ask=render_embedding_request,
        read=parse_embedding_reply,
        render=_told,
    ),
)

__all__ = ["CODEC"]
