"""OpenAI Responses, from the vendor's side: rules, reading, answers, events, errors and what is kept."""

from tests.upstreams.openai_chat import OpenAIChat
from tests.upstreams.received import Received


class OpenAIResponses(OpenAIChat):
    """The vendor behind `/v1/responses`."""

    name = "openai_responses"

    def route(self, received: Received):
        return None
