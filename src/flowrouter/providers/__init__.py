"""Who speaks which dialect where: providers as rows, models as facts, requests as values; no network.

Reading order: `preset` (one provider's row) → `quirks` (how hosts differ) → `catalog` (all rows, the
user's included) → `profile` and `profiles` (facts about model families) → `capabilities` (what they
mean for translation) → `headers` (what may leave) → `adapter` (preset + secret + body → `HttpRequest`)
→ `listing` (a live model list → `ListedModel`s).
"""

from flowrouter.providers.catalog import Catalog
from flowrouter.providers.preset import Preset

__all__ = ["Catalog", "Preset"]
