"""Keeps an account's secrets out of what its provider's words become: answers, receipts, the log."""

from __future__ import annotations

from flowrouter.accounts.account import Account
from flowrouter.canonical.problem import Problem
from flowrouter.wire.json import JsonError, dumps_text, loads

_SHORTEST = 8
"""Characters of the shortest value taken for a secret: hiding a short word would garble ordinary text."""

_HIDDEN = "***"


def may_pass(body: bytes, account: Account) -> bool:
    """Return whether a provider's error may go on as it stands: a JSON object without a secret in any spelling."""
    try:
        said = loads(body)
    except JsonError:
        return False
    if not isinstance(said, dict):
        return False
    text = dumps_text(said)
    return not any(dumps_text(secret)[1:-1] in text for secret in _telling(account))


def redacted(problem: Problem, account: Account) -> Problem:
    """Return `problem` without the secrets of `account`; the same object if it holds none."""
    shown = dumps_text([problem.message, problem.param, problem.code, problem.kind, problem.details])
    found = [secret for secret in _telling(account) if dumps_text(secret)[1:-1] in shown]
    if not found:
        return problem
    message = problem.message
    for secret in found:
        message = message.replace(secret, _HIDDEN)
    return Problem(
        status=problem.status, message=message, origin=problem.origin, retry_after=problem.retry_after
    )


def secrets_of(account: Account) -> list[str]:
    """Return every secret value of `account`."""
    oauth = account.oauth
    terms = () if oauth is None else (oauth.client_secret, oauth.refresh_token)
    own = [secret for secret in (account.api_key, *terms) if secret is not None]
    return [secret.reveal() for secret in (*own, *(value for _, value in account.headers))]


def _telling(account: Account) -> list[str]:
    """Return the secrets to look for, the longest first, so that one that begins another leaves nothing behind."""
    return sorted((found for found in secrets_of(account) if len(found) >= _SHORTEST), key=len, reverse=True)


__all__ = ["may_pass", "redacted", "secrets_of"]
