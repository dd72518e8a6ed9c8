"""Repository settings: branch protection and garbage collection rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakefs_repro.embedded.call import checked
from lakefs_repro.embedded.errors import bad_request, misread, not_found
from lakefs_repro.embedded.reply import Reply, json_reply, no_content
from lakefs_repro.embedded.routes.repositories import found, writable
from lakefs_repro.embedded.store import protection, repositories

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.router import Handler

_HALF = 2**31

_RULE = {"pattern": "string*"}


async def _protection(call: Call) -> Reply:
    patterns, etag = protection.rules(call.reader, found(call))
    shown = [{"pattern": pattern} for pattern in patterns]
    return json_reply(shown, headers=[(b"etag", etag.encode())])


async def _set_protection(call: Call) -> Reply:
    body = await call.json()
    if not isinstance(body, list):
        raise bad_request("request body has an error: doesn't match schema: value must be an array")
    patterns = []
    for index, rule in enumerate(body):
        pattern = checked(rule, "", _RULE, at=f"{index}/")["pattern"]
        if not pattern:
            raise bad_request(
                "request body has an error: doesn't match schema: "
                f'Error at "/{index}/pattern": minimum string length is 1'
            )
        patterns.append(pattern)
    if_match = call.header(b"if-match")
    if if_match == "":
        raise misread("If-Match", "parameter 'If-Match' is empty, can't bind its value")
    repository = writable(call)
    await call.write(lambda connection: protection.set_rules(connection, repository, sorted(set(patterns)), if_match))
    return no_content()


async def _add_rule(call: Call) -> Reply:
    pattern = checked(await call.json(), "BranchProtectionRule", _RULE)["pattern"]
    if not pattern:
        raise bad_request(
            "request body has an error: doesn't match schema #/components/schemas/BranchProtectionRule: "
            'Error at "/pattern": minimum string length is 1'
        )
    repository = writable(call)

    def add(connection: sqlite3.Connection) -> None:
        known, _ = protection.rules(connection, repository)
        protection.set_rules(connection, repository, sorted({*known, pattern}), None)

    await call.write(add)
    return no_content()


async def _remove_rule(call: Call) -> Reply:
    pattern = checked(await call.json(), "", _RULE)["pattern"]
    repository = writable(call)

    def remove(connection: sqlite3.Connection) -> bool:
        known, _ = protection.rules(connection, repository)
        protection.set_rules(connection, repository, [each for each in known if each != pattern], None)
        return pattern in known

    # As measured: 404 comes without a body here.
    return no_content() if await call.write(remove) else Reply(404)


def _days(value: int) -> int:
    """A number of days as lakeFS keeps it: 32 bits of it."""
    return (value + _HALF) % (2 * _HALF) - _HALF


async def _gc_rules(call: Call) -> Reply:
    rules = repositories.setting(call.reader, found(call), "gc_rules")
    if rules is None or not any(rules.values()):
        raise not_found()  # as measured: rules that say nothing are none
    return json_reply({**rules, "branches": rules["branches"] or None})


async def _set_gc_rules(call: Call) -> Reply:
    fields = {"default_retention_days": "integer*", "branches": "array*"}
    body = checked(await call.json(), "GarbageCollectionRules", fields)
    rule_fields = {"branch_id": "string*", "retention_days": "integer*"}
    days = {}
    for index, rule in enumerate(body["branches"]):
        kept = checked(rule, "GarbageCollectionRules", rule_fields, at=f"branches/{index}/")
        days[kept["branch_id"]] = _days(kept["retention_days"])
    branches = [{"branch_id": branch, "retention_days": each} for branch, each in days.items()]
    rules = {"branches": branches, "default_retention_days": _days(body["default_retention_days"])}
    repository = writable(call)
    await call.write(lambda connection: repositories.save_setting(connection, repository, "gc_rules", rules))
    return no_content()


async def _delete_gc_rules(call: Call) -> Reply:
    repository = writable(call)
    await call.write(lambda connection: repositories.save_setting(connection, repository, "gc_rules", None))
    return no_content()


async def _allowed(_: Call) -> Reply:
    """Only what the caller may do is asked here, and there is nothing that they may not."""
    return no_content()


HANDLERS: dict[str, Handler] = {
    "getBranchProtectionRules": _protection,
    "setBranchProtectionRules": _set_protection,
    "internalGetBranchProtectionRules": _protection,
    "internalCreateBranchProtectionRule": _add_rule,
    "internalDeleteBranchProtectionRule": _remove_rule,
    "createBranchProtectionRulePreflight": _allowed,
    "getGCRules": _gc_rules,
    "setGCRules": _set_gc_rules,
    "deleteGCRules": _delete_gc_rules,
    "internalGetGarbageCollectionRules": _gc_rules,
    "internalSetGarbageCollectionRules": _set_gc_rules,
    "internalDeleteGarbageCollectionRules": _delete_gc_rules,
    "setGarbageCollectionRulesPreflight": _allowed,
}
