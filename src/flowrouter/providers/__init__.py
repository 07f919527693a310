"""Who speaks which dialect where: providers as rows, models as facts, requests as values; no network.

Reading order: `preset` (one provider's row) → `quirks` (how hosts differ) → `catalog` (all rows, the
user's included) → `capabilities` (what a model can take) → `profiles` (the facts behind it) →
`headers` (what may leave) → `adapter` (preset + secret + body → `HttpRequest`) → `listing` (a live
model list → `ListedModel`s). `strict_toml` reads our files and names line and fix.
"""
