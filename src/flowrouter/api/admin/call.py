"""One management call as a route sees it: checked values in, a `Reply` out, no HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.api.admin.access import Door, Knock, Visitor, scoped
from flowrouter.api.admin.asking import ask
from flowrouter.api.admin.deps import AdminDeps, Repositories
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.login.logins import Logins
from flowrouter.errors import CallerError, StorageError
from flowrouter.gateway.world import World
from flowrouter.logs import Logger

T = TypeVar("T")


class Call:
    """What a route is given; `query` and `body` are of the types its row names.

    A route that signs somebody in sets `visitor`; one that changes what its path does not name, `target`.
    """

    __slots__ = (
        "address",
        "body",
        "deps",
        "headers",
        "knock",
        "log",
        "logins",
        "query",
        "rest",
        "target",
        "visitor",
    )

    def __init__(
        self,
        deps: AdminDeps,
        visitor: Visitor,
        *,
        query: Any,
        body: Any,
        rest: str,
        knock: Knock,
        address: str,
        logins: Logins,
        log: Logger,
    ) -> None:
        self.deps = deps
        self.visitor = visitor
        self.query = query
        self.body = body
        self.rest = rest
        self.knock = knock
        self.headers = knock.headers
        self.address = address
        self.logins = logins
        self.log = log
        self.target: str | None = None

    @property
    def world(self) -> World:
        """Return the configuration in force, without other owners' accounts in its routing facts."""
        return scoped(self.deps.world(), self.visitor)

    def accounts(self) -> list[Account]:
        """Return the accounts that exist for the visitor, in the order they are tried."""
        return [
            account for account in self.deps.world().accounts.values() if self.visitor.owns(account.owner_id)
        ]

    def account(self) -> Account:
        """Return the account the path names; raises `CallerError` (404)."""
        found = self.deps.world().accounts.get(self.rest)
        if found is None or not self.visitor.owns(found.owner_id):
            raise missing(f"no account {self.rest[:100]}", code="account_not_found")
        return found

    async def ask(self, question: Callable[[Repositories], T]) -> T:
        """Return the store's answer, found off the event loop; raises `StorageError`."""
        return await ask(self.deps.management, question)

    def reading(self, row: AdminRoute, **query: Any) -> Call:
        """Return the call of `row` by the same visitor, for the same thing."""
        return Call(
            self.deps,
            self.visitor,
            query=(row.query or NoQuery)(**query),
            body=None,
            rest=self.rest,
            knock=msgspec.structs.replace(self.knock, headers={}),
            address=self.address,
            logins=self.logins,
            log=self.log,
        )

    async def publish(self) -> tuple[str, ...]:
        """Put a stored change in force; return notices if that has to wait for the store."""
        try:
            await self.deps.reload()
        except StorageError as error:
            self.log.warning("a change is stored but not yet in force", reason=error.message)
            return ("the change is stored; it takes effect as soon as the store can be read again",)
        return ()

    async def may_go_on(self) -> bool:
        """Return whether who began to read a live stream has not logged out meanwhile, or been put out.

        While the store cannot tell, they may.
        """
        try:
            visitor = await Door(self.deps, self.logins.sessions).visitor(self.knock)
        except CallerError:
            return False
        except StorageError:
            return True
        return visitor.role == self.visitor.role

    def operator_only(self, what: str) -> None:
        """Raise `CallerError` (403) unless the visitor is the operator."""
        if not self.visitor.is_operator:
            raise refusal(
                f"only the operator may {what}", status=403, code="operator_only", fix="use the local token"
            )


class NoQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A query where none is read."""


Answer = Callable[[Call], Awaitable[Reply]]


class AdminRoute(msgspec.Struct, frozen=True, kw_only=True):
    """One route: how it is called, what it reads and what stands in its `data`.

    `many`: `data` is a list of `reply`. `status` is that of success. `bare`: no envelope. `public`: no credential.
    `media`: the type of a success that is not JSON. `tagged`: answers have an ETag, which changes may name in
    `If-Match`. `deep`: the id may hold slashes. `fails` are statuses besides those that such a row has anyway
    (`statuses`). `patches` is the type whose merge patch the body is, where `body` is any object.
    `also`: the other type of a success, which `Accept` asks for. `relays`: the route reads its body and writes its
    answer itself, failures too. `private`: what a GET shows is for admins, that it was read is noted in the audit log, what it said is not.
    `example` is a body for the description, where one made of the type would not do.
    """

    method: str
    path: str
    summary: str
    answer: Answer
    reply: Any
    many: bool = False
    status: int = 200
    query: Any = None
    body: Any = None
    bare: bool = False
    public: bool = False
    media: str = ""
    tagged: bool = False
    deep: bool = False
    fails: tuple[int, ...] = ()
    patches: Any = None
    example: Any = None
    private: bool = False
    also: str = ""
    relays: bool = False


def missing(message: str, *, code: str) -> Exception:
    """Return the refusal of an id that leads nowhere, whoever's it may be."""
    return refusal(message, status=404, code=code)


__all__ = ["AdminRoute", "Answer", "Call", "NoQuery", "missing"]
