"""OpenAI Responses, both ways."""

__all__: list[str] = []
