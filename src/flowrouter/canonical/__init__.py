"""The hub: one neutral, typed form of requests, answers and streams, wider than any dialect.

Reading order: `dialect` · `parts` (text, media, reasoning, calls, results) · `arguments` (a call's
text as an object) · `messages` · `tools` · `cache` · `request` · `usage` · `response` · `problem`
(failures) · `events` and `grammar` (streams) · `fold` (events to an answer and back) · `cursor` (how
far a stream has got) · `capabilities` (what a target takes) · `loss`, `losses`, `rendered` and `rewrite`
(what a translation cost and must undo), with `field_names` and `places` (the client's own words for it)
and `fates` (what became of each field) · `effort`, `web_search`, `citations`, `leftovers` (what several
dialects say in their own ways) · `receipt` · `head` (what a skim tells). Dialects translate to and from
these types and know nothing of each other.
"""

__all__: list[str] = []
