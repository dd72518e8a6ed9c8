"""Who may come in: logging in, the one user, setting up what is set up already."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.call import checked
from lakefs_repro.embedded.errors import ApiError, bad_request, conflict, not_found, not_implemented
from lakefs_repro.embedded.reply import json_reply
from lakefs_repro.embedded.store.engine import COMMITTER
from lakefs_repro.embedded.tokens import COOKIE

if TYPE_CHECKING:
    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Reply
    from lakefs_repro.embedded.router import Handler

_COOKIE_SECONDS = 30 * 24 * 60 * 60


async def _login(call: Call) -> Reply:
    if call.header(b"content-length") in {None, "0"} and call.header(b"transfer-encoding") is None:
        raise ApiError(401, "error authenticating request")  # as measured, not 400
    body = checked(await call.json(), "LoginInformation", {"access_key_id": "string*", "secret_access_key": "string*"})
    token = call.doorkeeper.login(COMMITTER, body["access_key_id"], body["secret_access_key"])
    if token is None:
        raise ApiError(401, "error authenticating request")
    expires = formatdate(call.engine.now() + _COOKIE_SECONDS, usegmt=True)
    cookie = f"{COOKIE}={token.text}; Path=/; Expires={expires}; Max-Age={_COOKIE_SECONDS}; HttpOnly; SameSite=Lax"
    shown = {"token": token.text, "token_expiration": token.expiry}
    return json_reply(shown, headers=[(b"set-cookie", cookie.encode())])


def user(call: Call) -> dict[str, Any]:
    """The one user, as the API shows it."""
    created = int(call.engine.database.setting("created"))
    return {"creation_date": created, "email": "", "friendly_name": "", "id": COMMITTER}


async def _current_user(call: Call) -> Reply:
    return json_reply({"user": user(call)})


async def _users(call: Call) -> Reply:
    pagination = {"has_more": False, "max_per_page": 0, "next_offset": "", "results": 1}
    return json_reply({"pagination": pagination, "results": [user(call)]})


async def _one_user(call: Call) -> Reply:
    if call.params["userId"] != COMMITTER:
        raise not_found("user not found")
    return json_reply(user(call))


async def _create_user(call: Call) -> Reply:
    body = checked(await call.json(), "UserCreation", {"id": "string*", "invite_user": "boolean"})
    if not body["id"]:
        raise bad_request("empty name: validation error")
    raise conflict("Already exists")  # as measured: there is one user, and there stays one


async def _delete_user(call: Call) -> Reply:
    if call.params["userId"] != COMMITTER:
        raise not_found("user not found")
    raise not_implemented("deleteUser: the embedded engine keeps its only user")


async def _create_credentials(call: Call) -> Reply:
    if call.params["userId"] != COMMITTER:
        raise not_found()
    raise bad_request("exceeded number of allowed credentials: invalid request")


async def _credentials(call: Call) -> Reply:
    if call.params["userId"] != COMMITTER or call.params["accessKeyId"] != call.doorkeeper.access_key_id:
        raise not_found("credentials not found")
    created = int(call.engine.database.setting("created"))
    return json_reply({"access_key_id": call.doorkeeper.access_key_id, "creation_date": created})


async def _setup(call: Call) -> Reply:
    body = checked(await call.json(), "Setup", {"username": "string*", "key": "object"})
    if "key" in body:
        checked(body["key"], "Setup", {"access_key_id": "string*", "secret_access_key": "string*"}, at="key/")
    raise conflict("lakeFS already initialized")


HANDLERS: dict[str, Handler] = {
    "login": _login,
    "getCurrentUser": _current_user,
    "listUsers": _users,
    "getUser": _one_user,
    "createUser": _create_user,
    "deleteUser": _delete_user,
    "createCredentials": _create_credentials,
    "getCredentials": _credentials,
    "setup": _setup,
}
