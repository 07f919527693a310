"""Anthropic's Messages API: requests, replies, streams and token counts, each in both directions.

Nouns: `Node` reads wire objects (`node`), blocks become parts (`parse_parts`) and back
(`render_parts`). Requests: `parse_requests`, `render_requests` (own, faithful), `render_foreign`
(repaired) with `screen` (what cannot be said), `conversation` (order of turns), `tools`,
`schemas`, `thinking`, `cache_marks` and `losses`; those of words alone by `plain` and `foreign_words`.
Replies: `responses`, `stream_decoder`, `stream_encoder`, with `stops` and `usage`. `errors` knows the
envelope, `envelope` the passthrough lane, `texts` the words of a body, `count_tokens` the count.
"""

from flowrouter.dialects.anthropic.count_tokens import (
    parse_count,
    parse_count_request,
    render_count,
    render_count_request,
)
from flowrouter.dialects.anthropic.envelope import is_error_frame, prepare, skim, skim_counts
from flowrouter.dialects.anthropic.errors import problem_of, problem_status, render_problem
from flowrouter.dialects.anthropic.outlines import outline
from flowrouter.dialects.anthropic.parse_requests import parse_request
from flowrouter.dialects.anthropic.render_requests import render_request
from flowrouter.dialects.anthropic.responses import parse_response, render_response
from flowrouter.dialects.anthropic.stream_decoder import AnthropicDecoder
from flowrouter.dialects.anthropic.stream_encoder import AnthropicEncoder
from flowrouter.dialects.anthropic.texts import skim_texts
from flowrouter.dialects.anthropic.usage import metered
from flowrouter.dialects.codec import Codec, TokenCount

CODEC = Codec(
    needs_usage=True,
    name="anthropic",
    skim=skim,
    skim_counts=skim_counts,
    skim_texts=skim_texts,
    prepare=prepare,
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    outline=outline,
    render_response=render_response,
    decoder=AnthropicDecoder,
    encoder=AnthropicEncoder,
    resume=AnthropicEncoder.resume,
    metered=metered,
    problem_of=problem_of,
    render_problem=render_problem,
    problem_status=problem_status,
    is_error_frame=is_error_frame,
    count=TokenCount(
        parse=parse_count_request, read=parse_count, render=render_count, ask=render_count_request
    ),
)

__all__ = ["CODEC", "parse_count", "parse_count_request", "render_count", "render_count_request"]
