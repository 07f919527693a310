"""Fake vendors that can say no: they check, sign, fail on demand and remember.

    with ScriptedUpstream(dialect="anthropic", keys=["k1"]) as up:
        up.script(["fault-429-retry-after", Answer(text="hello"), Reply.html(502)])
        ...                       # talk to up.url (Anthropic's and Google's SDKs), up.openai_url (OpenAI's), up.gemini_url
        up.assert_all_valid(); up.assert_never_received("canary"); up.calls[0].json; up.disconnects

Nothing here imports the package under test. Requests are checked against the vendors' own types and structural
rules and refused in the vendor's words; reasoning is sealed for one account and model family.

What happens is chosen, first match first: by the queue of `up.script` (an item per valid request: a scenario or
fault name, an `Answer`, a raw `Reply`, a function of the request, or None), by `up.always`, else by the brain.
The model name adds scenarios: `base+scenario+scenario`, or a scenario alone (`fault-500-once`).

What the brain does: echoes the last user text, system text and media (length and digest); calls a tool when the
choice forces it or the user says "use the tool" or "weather" ("two cities": two calls; "both tools": one call of
each of the first two; "in three steps": three rounds; "explain": text before the calls; a tool's name picks it);
quotes tool results; fills `response_format` / `text.format` / `output_config.format` schemas; honours stop
sequences and caps; thinks when thinking is on. Ids, text and usage depend on the request alone, so that a stream and
its JSON twin agree; the first turn of a conversation with cache marks writes the cache, later turns read it.

What is kept: `/v1/responses` keeps its answers (unless `store` is false) for the credential that asked, and goes on
from them, reads, lists, cancels and deletes them; `up.reset()` forgets them. Where Gemini's bypass value stands for
a missing signature it is accepted and counted: `up.last.bypasses`.

Scenario names (details in `scenarios.BEHAVIOURS` and `scenarios.QUIRKS`):
    reasoning reasoning-field reasoning-echo reasoning-echo-forbidden reasoning-expired redacted refusal
    content-filter pause-turn context-full citations empty sixty-words story-same story-prefill story-overlap
    story-paraphrase story-chatty unicode long-N lenient unchecked no-prefill strict-alternation system-first
    old-max-tokens cut-N cut-random-N gap-N gzip stateless web-search finish-NAME, and quirk-* for the habits of hosts.
    Well-known bases bring their limits: o*/gpt-5* (max_completion_tokens, no sampling), gpt-4* (no effort),
    claude-* (thinking style, prefill, sampling, output cap), gemini-* (thinking budgets and levels, signatures
    required from 3 on, functions beside search); other bases are permissive.
    Anthropic's SDK warns of retired names: claude-haiku-4-5 (manual thinking) and claude-opus-5 (adaptive) are safe.

Fault names: `fault-NAME[@NUMBER][-once | -N-times | -after-N | -for-Ns]` (details in `faults`):
    by status: 400 401 402 403 404 408 409 413 422 429 429-retry-after
    429-retry-after-ms 429-retry-after-date 429-hint 429-quota 500 501 502 503 503-retry-after
    504 529 overloaded context-length content-policy model-missing rejects-stream-options
    on the wire: reset close hang-headers slow-headers hang-first-token slow-first-token cut reset-midstream stall
    hang-midstream midstream-error no-terminator no-finish badjson-frame truncated-json half-event bad-chunk
    empty-stream only-terminator 200-error-json 200-error-first-event html html-200 cloudflare ignores-stream
    only-streams mislabelled gzip gzip-unlabelled redirect
    Slow ones take their seconds from `up.pace` (first_token, stall, headers) or from @NUMBER where it is seconds.

A new dialect is a sub-package beside `openai_chat` and `anthropic_messages` that implements `dialect.Dialect`.
"""

from tests.upstreams.dialect import Refusal
from tests.upstreams.faults import Pace
from tests.upstreams.prompts import Answer, Call, Thought, Usage
from tests.upstreams.received import Disconnect, Received
from tests.upstreams.reply import Pause, Reply
from tests.upstreams.server import ScriptedUpstream, refused_port

__all__ = [
    "Answer",
    "Call",
    "Disconnect",
    "Pace",
    "Pause",
    "Received",
    "Refusal",
    "Reply",
    "ScriptedUpstream",
    "Thought",
    "Usage",
    "refused_port",
]
