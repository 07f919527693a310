"""Google's SDK as a cell of the matrix; it has its own ways with clients, names and errors."""

from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import httpx2
from google import genai
from google.genai import errors, types

from tests.conformance.cell import Asked, Cell, Told
from tests.conformance.house import TIMEOUT


class GeminiCell(Cell):
    """Google's SDK."""

    name = "google"
    home = "gemini"
    natural = "STOP"
    failures = (errors.APIError,)
    timeouts = httpx2.TimeoutException

    def _options(
        self, *, timeout: float = TIMEOUT, max_retries: int = 0, base_url: str | None = None, **more: Any
    ) -> types.HttpOptions:
        retries = types.HttpRetryOptions(
            attempts=max_retries + 1, initial_delay=0.01, max_delay=0.02, jitter=0
        )
        return types.HttpOptions(
            base_url=base_url or self.base_url,
            headers=self.marks,
            timeout=int(timeout * 1000),
            client_args={"verify": False},
            retry_options=retries if max_retries else None,
            **more,
        )

    def client(self, **changes: Any) -> genai.Client:
        key = changes.pop("api_key", self.key)
        return genai.Client(api_key=key, http_options=self._options(**changes))

    def async_client(self, **changes: Any) -> Any:
        return self.client(**changes).aio

    def fields(
        self, scenario: str = "", text: str = "one two three", *, base: str | None = None
    ) -> dict[str, Any]:
        return {"model": self.model(scenario, base=base), "contents": text}

    def create(self, sdk: Any, **fields: Any) -> Any:
        return sdk.models.generate_content(**fields)

    def open(self, sdk: Any, **fields: Any) -> Any:
        return sdk.models.generate_content_stream(**fields)

    def helper(self, sdk: Any, **fields: Any) -> Any:
        chat = sdk.chats.create(model=fields["model"])
        return closing(chat.send_message_stream(fields["contents"]))

    def request_id(self, stream: Any, piece: Any) -> str:
        return piece.sdk_http_response.headers["x-request-id"]

    async def aopen(self, sdk: Any, **fields: Any) -> AsyncIterator[Any]:
        return await sdk.models.generate_content_stream(**fields)

    def read(self, made: Any) -> Asked:
        asked = Asked()
        self.gather(asked, made)
        return asked

    def gather(self, asked: Asked, piece: Any) -> None:
        for candidate in piece.candidates or ():
            for part in (candidate.content and candidate.content.parts) or ():
                asked.text += "" if part.thought else part.text or ""
            asked.finish = candidate.finish_reason.name if candidate.finish_reason else asked.finish

    @staticmethod
    def headers(made: Any) -> dict[str, str]:
        """Return the headers that an answer came with."""
        return made.sdk_http_response.headers

    def told(self, error: Any) -> Told:
        whole = isinstance(error.response, httpx2.Response)
        headers = dict(error.response.headers) if whole else {}
        return Told(error.code if whole else None, error.message or "", headers, error.details)

    def path(self, model: str, *, stream: bool = False) -> str:
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{model}:{verb}"

    def body(self, model: str, text: str, *, stream: bool = False) -> dict[str, Any]:
        return {"contents": [{"role": "user", "parts": [{"text": text}]}]}

    @property
    def credentials(self) -> dict[str, str]:
        return {"x-goog-api-key": self.key}
