"""OpenAI Responses, both ways: conversations as lists of items, answers as lists of items.

Requests: `parse_requests` (with `parse_input`, `items`, `content`, `tools`) reads a body,
`render_requests` writes one: `write_input` item for item for the dialect's own, `foreign_requests`
(with `foreign_input`, `foreign_parts`, `foreign_tools`, `translation`) translated for others; `plain` reads
and `foreign_words` writes those of words alone.
Replies: `responses` whole (with `output_items`, `output_moulds`, `answer`), `stream_decoder` (with
`item_decoder`) and `stream_encoder` (with `stream_items`, `stream_wire`, `item_writer`,
`thought_writer`) as events; `echo` repeats what the client asked, `reply_ids` derives the ids the
dialect insists on. Besides: `envelope` (skim and splice on the passthrough lane), `errors`, `usage`,
`finishes`, `annotations`, `token_probabilities`.
"""

from __future__ import annotations

from flowrouter.dialects.codec import Codec
from flowrouter.dialects.openai_responses.compactions import measure_compaction
from flowrouter.dialects.openai_responses.envelope import limited, prepare, skim, skim_counts
from flowrouter.dialects.openai_responses.errors import (
    is_error_frame,
    problem_of,
    problem_status,
    render_problem,
)
from flowrouter.dialects.openai_responses.outlines import outline
from flowrouter.dialects.openai_responses.parse_requests import parse_request
from flowrouter.dialects.openai_responses.render_requests import render_request
from flowrouter.dialects.openai_responses.responses import parse_response, render_response
from flowrouter.dialects.openai_responses.stream_decoder import Decoder
from flowrouter.dialects.openai_responses.stream_encoder import Encoder
from flowrouter.dialects.openai_responses.texts import skim_texts
from flowrouter.dialects.openai_responses.usage import metered

CODEC = Codec(
    measure=measure_compaction,
    name="openai_responses",
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
    resume=Encoder.resume,
    metered=metered,
    problem_of=problem_of,
    render_problem=render_problem,
    problem_status=problem_status,
    is_error_frame=is_error_frame,
    limited=limited,
    needs_usage=True,
)

__all__ = ["CODEC"]
