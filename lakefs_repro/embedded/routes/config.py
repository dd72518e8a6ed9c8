"""Configuration, version, setup state, the one user, statistics, health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakefs_repro import __version__
from lakefs_repro.embedded.call import checked
from lakefs_repro.embedded.reply import json_reply, no_content
from lakefs_repro.embedded.store.formats import FORMAT_VERSION
from lakefs_repro.embedded.tokens import COOKIE

if TYPE_CHECKING:
    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Reply
    from lakefs_repro.embedded.router import Handler

LAKEFS_VERSION = "1.84.0"
MAX_OBJECTS = 100_000
BULK_CONTENT_TYPE = "application/vnd.lakefs-repro.bulk.v1"
_GRACE_PERIOD = 24 * 60 * 60

_STORAGE = {
    "blockstore_description": "",
    "blockstore_id": "",
    "blockstore_namespace_ValidityRegex": "^local://",
    "blockstore_namespace_example": "local://example-bucket/",
    "blockstore_type": "local",
    "default_namespace_prefix": "local://",
    "import_validity_regex": "^local://",
}
_VERSION = {"version": LAKEFS_VERSION, "version_context": "lakeFS"}  # lakectl warns of any other


def _storage_config(call: Call) -> dict[str, Any]:
    presign = call.engine.presign
    return {
        **_STORAGE,
        "import_support": bool(call.engine.import_from),
        "pre_sign_multipart_upload": presign,
        "pre_sign_support": presign,
        "pre_sign_support_ui": presign,
    }


def _embedded(call: Call) -> dict[str, Any]:
    branch = "/repositories/{repository}/branches/{branch}/objects"
    return {
        "engine_version": __version__,
        "format": FORMAT_VERSION,
        "root_id": call.engine.root_id,
        "bulk_upload": {
            "method": "POST",
            "path": f"{branch}/bulk",
            "content_type": BULK_CONTENT_TYPE,
            "max_objects": MAX_OBJECTS,
        },
        "bulk_download": {
            "method": "POST",
            "path": "/repositories/{repository}/refs/{ref}/objects/bulk",
            "content_type": BULK_CONTENT_TYPE,
            "max_objects": MAX_OBJECTS,
        },
        "local_upload": {
            "method": "POST",
            "path": f"{branch}/local",
            "incoming": str(call.engine.incoming),
        },
    }


async def _config(call: Call) -> Reply:
    return json_reply(
        {
            "capabilities_config": {},
            "storage_config": _storage_config(call),
            "storage_config_list": [],
            "ui_config": {},
            "version_config": _VERSION,
            "embedded": _embedded(call),
        }
    )


async def _storage(call: Call) -> Reply:
    return json_reply(_storage_config(call))


async def _version(_: Call) -> Reply:
    return json_reply(_VERSION)


async def _garbage_collection(_: Call) -> Reply:
    return json_reply({"grace_period": _GRACE_PERIOD})


async def _setup_state(_: Call) -> Reply:
    login = {
        "RBAC": "none",
        "login_cookie_names": [COOKIE],
        "login_failed_message": "The credentials don't match.",
        "login_url": "",
        "login_url_method": "none",
        "logout_url": "",
    }
    return json_reply({"comm_prefs_missing": False, "login_config": login, "state": "initialized"})


async def _capabilities(_: Call) -> Reply:
    return json_reply({"invite_user": False})


async def _statistics(call: Call) -> Reply:
    body = checked(await call.json(), "StatsEventsList", {"events": "array*"})
    fields = {"class": "string*", "name": "string*", "count": "integer*"}
    for index, event in enumerate(body["events"]):
        checked(event, "StatsEventsList", fields, at=f"events/{index}/")
    return no_content()


async def _health(_: Call) -> Reply:
    return no_content()


HANDLERS: dict[str, Handler] = {
    "getConfig": _config,
    "getStorageConfig": _storage,
    "getLakeFSVersion": _version,
    "getGarbageCollectionConfig": _garbage_collection,
    "getSetupState": _setup_state,
    "getAuthCapabilities": _capabilities,
    "postStatsEvents": _statistics,
    "healthCheck": _health,
}
