"""OpenAI's legacy text completions, for clients only: a prompt becomes one user turn, its answer a text.

`requests` reads a body (and its head), `responses` writes a whole answer, `stream_encoder` a streamed
one; `logprobs` turns Chat's token probabilities into the old form, `errors` writes the envelope. No
provider is spoken to in this dialect, so the other direction is refused (`unspoken`).
"""

from __future__ import annotations

from flowrouter.dialects.codec import Codec
from flowrouter.dialects.openai_completions.errors import problem_status, render_problem
from flowrouter.dialects.openai_completions.requests import parse_request, skim, skim_counts
from flowrouter.dialects.openai_completions.responses import render_response
from flowrouter.dialects.openai_completions.stream_encoder import CompletionEncoder, resume
from flowrouter.dialects.openai_completions.texts import skim_texts
from flowrouter.dialects.openai_completions.unspoken import (
    decoder,
    is_error_frame,
    parse_response,
    prepare,
    problem_of,
    render_request,
)

CODEC = Codec(
    name="openai_completions",
    skim=skim,
    skim_counts=skim_counts,
    skim_texts=skim_texts,
    prepare=prepare,
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    render_response=render_response,
    decoder=decoder,
    encoder=CompletionEncoder,
    resume=resume,
    problem_of=problem_of,
    render_problem=render_problem,
    problem_status=problem_status,
    is_error_frame=is_error_frame,
)

__all__ = ["CODEC"]
