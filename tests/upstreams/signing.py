"""Seals for reasoning state: what a vendor signs, it must later recognise, and nothing else.

A signature is an HMAC over the content, the model family, the account (the credential presented) and the seal of
the reasoning block before it in the same message. So a block that was altered, that another account or model
family issued, or that stands in another order is found out.
"""

import base64
import hashlib
import hmac

SECRET = b"scripted upstream: not a secret, only a seal"


def seal(content: str, *, family: str, account: str, previous: str = "") -> str:
    """Sign one piece of reasoning; the result looks like a vendor's (base64, some 60 characters)."""
    message = f"{content}\x1f{family}\x1f{account}\x1f{previous}".encode()
    digest = hmac.new(SECRET, message, hashlib.sha256).digest()
    return "Eq" + base64.b64encode(digest + digest[:8]).decode()


def is_sealed(signature: str, content: str, *, family: str, account: str, previous: str = "") -> bool:
    """Say whether a signature is ours for that content, in that place (or as the first of its message)."""
    candidates = (seal(content, family=family, account=account, previous=p) for p in (previous, ""))
    return any(hmac.compare_digest(signature.encode(), candidate.encode()) for candidate in candidates)


def conceal(content: str, *, family: str, account: str, previous: str = "") -> str:
    """Pack reasoning that the client must not read: our seal and the content, one opaque string."""
    packed = base64.b64encode(content.encode()).decode()
    return f"{packed}.{seal(content, family=family, account=account, previous=previous)}"


def is_concealed(data: str, *, family: str, account: str, previous: str = "") -> bool:
    """Say whether opaque data is ours, unaltered and in its place."""
    packed, _, signature = data.partition(".")
    try:
        content = base64.b64decode(packed, validate=True).decode()
    except ValueError:
        return False
    return is_sealed(signature, content, family=family, account=account, previous=previous)
