"""OpenTelemetry traces: one span for each exchange, one below it for each attempt.

Spans are made when an exchange is settled, out of what its books say anyway (`told`), so that nothing is
done on the way of a request. A thread of its own turns them into the SDK's (`spans`) and sends them
(`exporter`); what it cannot get rid of is dropped and counted. No span holds a prompt, an answer, a
header or an error's words.
"""

__all__: list[str] = []
