"""`GET /metrics`: what the gateway does, in numbers that Prometheus collects.

Each worker counts for itself, in plain integers, as exchanges are settled (`counts`); what stands now is
read at the scrape (`gauges`). Both are `families`, values that one worker leaves for the others (`siblings`),
so that any worker answers for all. `exposition` writes them down with prometheus-client, which is loaded
by the first scrape.

No label is a client's: names come from the configuration (`labels`), and the number of series has an end.
"""

__all__: list[str] = []
