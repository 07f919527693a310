"""How Google words its errors: the status names, and the details that clients and gateways look at."""

from typing import Any

from tests.upstreams.dialect import Refusal

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    504: "DEADLINE_EXCEEDED",
}
RPC = "type.googleapis.com/google.rpc"
QUOTA_MESSAGE = (
    "You exceeded your current quota, please check your plan and billing details. For more information on this "
    "error, head to: https://ai.google.dev/gemini-api/docs/rate-limits."
)
METRIC = "generativelanguage.googleapis.com/generate_content_free_tier_requests"


def quota_details(quota_id: str, value: str, *, delay: str) -> list[dict[str, Any]]:
    """The details of a 429: which quota, where to read, and when to come again."""
    violation = {"quotaMetric": METRIC, "quotaId": quota_id, "quotaValue": value}
    link = {
        "description": "Learn more about Gemini API quotas",
        "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
    }
    return [
        {"@type": f"{RPC}.QuotaFailure", "violations": [violation]},
        {"@type": f"{RPC}.Help", "links": [link]},
        {"@type": f"{RPC}.RetryInfo", "retryDelay": delay},
    ]


PER_MINUTE = quota_details("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "10", delay="2s")
# The vendor names a short delay even where the quota of a whole day is spent.
PER_DAY = quota_details("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "250", delay="41s")

OVERLOADED = "The model is overloaded. Please try again later."
REFUSALS: dict[str, Refusal] = {
    "401": Refusal(
        401,
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential.",
    ),
    "402": Refusal(
        402, "Your prepayment credits are depleted. Please go to AI Studio to manage your billing."
    ),
    "403": Refusal(403, "Your project has been denied access. Please contact support."),
    "413": Refusal(413, "Request payload size exceeds the limit: 20971520 bytes."),
    "429": Refusal(429, QUOTA_MESSAGE, details=PER_MINUTE),
    "429-retry-after": Refusal(429, QUOTA_MESSAGE, details=PER_MINUTE),
    "429-quota": Refusal(429, QUOTA_MESSAGE, details=PER_DAY),
    "500": Refusal(
        500,
        "An internal error has occurred. Please retry or report in "
        "https://developers.generativeai.google/guide/troubleshooting",
    ),
    "503": Refusal(503, OVERLOADED),
    "504": Refusal(504, "Deadline expired before operation could complete."),
    "overloaded": Refusal(503, OVERLOADED),
    "context-length": Refusal(
        400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
    ),
    "content-policy": Refusal(400, "The prompt was blocked: it violates the prohibited use policy."),
}


def envelope(refusal: Refusal) -> dict[str, Any]:
    """Write an error body; a 429's RetryInfo says what its Retry-After header says."""
    error: dict[str, Any] = {
        "code": refusal.status,
        "message": refusal.message,
        "status": refusal.type if refusal.type.isupper() else STATUSES.get(refusal.status, "UNAVAILABLE"),
    }
    details = refusal.details if isinstance(refusal.details, list) else []
    after = dict(refusal.headers).get("retry-after")
    if after is not None:
        details = [each for each in details if not each["@type"].endswith("RetryInfo")]
        details = [*details, {"@type": f"{RPC}.RetryInfo", "retryDelay": f"{after}s"}]
    if details:
        error["details"] = details
    return {"error": error}


def model_missing(name: str) -> Refusal:
    """The refusal for a model that does not exist."""
    return Refusal(
        404,
        f"models/{name} is not found for API version v1beta, or is not supported for generateContent. Call "
        "ListModels to see the list of available models and their supported methods.",
    )


def unauthorized(credential: str | None) -> Refusal:
    """The refusal for a missing or wrong key; the vendor calls a wrong one an invalid argument."""
    if credential is None:
        return Refusal(
            403,
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or "
            "other form of API consumer identity to call this API.",
        )
    message = "API key not valid. Please pass a valid API key."
    info = {
        "@type": f"{RPC}.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    localized = {"@type": f"{RPC}.LocalizedMessage", "locale": "en-US", "message": message}
    return Refusal(400, message, details=[info, localized])
