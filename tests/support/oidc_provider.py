"""A scripted OpenID Connect provider: it signs real tokens, keeps PKCE, and lies where a test tells it to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "gateway"
CLIENT_SECRET = "provider-secret-canary-8842"


class OidcProvider:
    """`claims` go into each id token, over the right ones; `header` over its header.

    `sign` is how the token is signed: `right`, `none`, `hs256` (with the public key as secret) or
    `stranger` (a key the provider does not publish, under a published id).
    """

    def __init__(self, issuer: str = "https://login.example.com", *, now: float | None = None) -> None:
        self.issuer = issuer
        self.now = now
        self.keys = [RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})]
        self.claims: dict[str, Any] = {}
        self.without: tuple[str, ...] = ()
        self.sign = "right"
        self.published: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one is published no more."""
        name = f"k{secrets.token_hex(4)}"
        self.keys = [RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"})]

    def authorize(self, location: str) -> dict[str, str]:
        """Do what a person at the provider does; return what the browser brings back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def answer(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Answer the gateway."""
        self.asked.append(f"{method} {path}")
        match path:
            case "/.well-known/openid-configuration":
                return 200, self._metadata()
            case "/keys":
                return 200, {"keys": [key.as_dict(private=False) for key in self.keys]}
            case "/token":
                return self._token(headers, {name: v[0] for name, v in parse_qs(body.decode()).items()})
            case _:
                return 404, {"error": "nowhere"}

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            **self.published,
        }

    def _token(self, headers: Mapping[str, str], form: dict[str, str]) -> tuple[int, Any]:
        right = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if headers.get("authorization") != f"Basic {right}":
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if (
            asked is None
            or form["grant_type"] != "authorization_code"
            or form["redirect_uri"] != asked["redirect_uri"]
            or challenge.decode().rstrip("=") != asked["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        return 200, {
            "access_token": "at-1",
            "token_type": "Bearer",
            "id_token": self._id_token(asked["nonce"]),
        }

    def _id_token(self, nonce: str) -> str:
        import time

        now = int(self.now if self.now is not None else time.time())
        claims = {
            "iss": self.issuer,
            "sub": "person-7",
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
            "email": "ann@example.com",
            "email_verified": True,
            **self.claims,
        }
        for name in self.without:
            del claims[name]
        kid = str(self.keys[0].kid)
        match self.sign:
            case "none":
                parts = [{"alg": "none"}, claims]
                return ".".join(_encoded(json.dumps(part).encode()) for part in parts) + "."
            case "hs256":
                parts = [{"alg": "HS256", "kid": kid}, claims]
                text = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
                mac = hmac.digest(self.keys[0].as_pem(private=False), text.encode(), "sha256")
                return f"{text}.{_encoded(mac)}"
            case "stranger":
                other = RSAKey.generate_key(2048, {"kid": kid})
                return jwt.encode({"alg": "RS256", "kid": kid}, claims, other)
            case _:
                return jwt.encode({"alg": "RS256", "kid": kid}, claims, self.keys[0])


class RunningProvider(OidcProvider):
    """The same on a loopback port; whom a browser brings to `/authorize` is sent back at once as the person it knows."""

    def __init__(self) -> None:
        provider = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.startswith("/authorize?"):
                    self._send_back()
                else:
                    self._answer("GET")

            def do_POST(self) -> None:
                self._answer("POST")

            def _send_back(self) -> None:
                brought = provider.authorize(self.path)
                asked = provider.codes[brought["code"]]
                self.send_response(303)
                self.send_header("location", f"{asked['redirect_uri']}?{urlencode(brought)}")
                self.send_header("content-length", "0")
                self.end_headers()

            def _answer(self, method: str) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, said = provider.answer(method, self.path, headers=headers, body=body)
                text = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        super().__init__(f"http://127.0.0.1:{self._server.server_address[1]}")

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


__all__ = ["CLIENT_ID", "CLIENT_SECRET", "OidcProvider", "RunningProvider"]
