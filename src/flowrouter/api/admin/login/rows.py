"""The rows of the route table about people: logging in, users, sessions, the audit log."""

from __future__ import annotations

from flowrouter.api.admin.audit import AuditQuery, list_audit
from flowrouter.api.admin.call import AdminRoute as Row
from flowrouter.api.admin.login.oidc_routes import CallbackQuery, finish_oidc, start_oidc
from flowrouter.api.admin.login.routes import (
    OIDC_START,
    Credentials,
    LeavingQuestion,
    Left,
    LoginWays,
    Me,
    PasswordChange,
    change_my_password,
    log_in,
    log_out,
    show_login,
    show_me,
)
from flowrouter.api.admin.paging import PageQuery
from flowrouter.api.admin.users import (
    SessionShown,
    UserDraft,
    UserGone,
    UserPatch,
    change_user,
    create_user,
    delete_user,
    end_session,
    get_user,
    list_sessions,
    list_users,
)
from flowrouter.gateway.people import AuditEntry, User

PEOPLE_ROUTES: tuple[Row, ...] = (
    Row(
        method="GET",
        path="/api/login",
        summary="Show how people log in",
        answer=show_login,
        reply=LoginWays,
        public=True,
    ),
    Row(
        method="POST",
        path="/api/login",
        summary="Log in with a password",
        answer=log_in,
        reply=Me,
        body=Credentials,
        public=True,
    ),
    Row(
        method="GET",
        path=OIDC_START,
        summary="Log in through OpenID Connect: to the provider",
        answer=start_oidc,
        reply=None,
        status=303,
        public=True,
        bare=True,
    ),
    Row(
        method="GET",
        path="/api/login/oidc/callback",
        summary="Log in through OpenID Connect: back from the provider",
        answer=finish_oidc,
        reply=Me,
        query=CallbackQuery,
        public=True,
        bare=True,
    ),
    Row(
        method="POST",
        path="/api/logout",
        summary="Log out",
        answer=log_out,
        reply=Left,
        body=LeavingQuestion,
    ),
    Row(
        method="GET",
        path="/api/me",
        summary="Show who is calling",
        answer=show_me,
        reply=Me,
    ),
    Row(
        method="POST",
        path="/api/me/password",
        summary="Change one's own password",
        answer=change_my_password,
        reply=Me,
        body=PasswordChange,
    ),
    Row(
        method="GET",
        path="/api/users",
        summary="List who may log in with a password",
        answer=list_users,
        reply=User,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="POST",
        path="/api/users",
        summary="Make a user",
        answer=create_user,
        reply=User,
        status=201,
        body=UserDraft,
    ),
    Row(
        method="GET",
        path="/api/users/{id}",
        summary="Show a user",
        answer=get_user,
        reply=User,
    ),
    Row(
        method="PATCH",
        path="/api/users/{id}",
        summary="Change a user",
        answer=change_user,
        reply=User,
        body=UserPatch,
    ),
    Row(
        method="DELETE",
        path="/api/users/{id}",
        summary="Remove a user",
        answer=delete_user,
        reply=UserGone,
    ),
    Row(
        method="GET",
        path="/api/sessions",
        summary="List the signed-in browsers",
        answer=list_sessions,
        reply=SessionShown,
        many=True,
        query=PageQuery,
    ),
    Row(
        method="DELETE",
        path="/api/sessions/{id}",
        summary="Sign a browser out",
        answer=end_session,
        reply=SessionShown,
    ),
    Row(
        method="GET",
        path="/api/audit",
        summary="List who changed what, newest first",
        answer=list_audit,
        reply=AuditEntry,
        many=True,
        query=AuditQuery,
    ),
)

__all__ = ["PEOPLE_ROUTES"]
