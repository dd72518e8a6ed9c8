"""Handlers of the API, one module per group; ``HANDLERS`` maps operation ids to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakefs_repro.embedded.routes import (
    account,
    actions,
    branches,
    bulk_download,
    bulk_upload,
    commits,
    config,
    deletion,
    download,
    garbage,
    imports,
    listing,
    local_upload,
    presigned_multipart,
    pulls,
    refs,
    repositories,
    settings,
    staging,
    tags,
    upload,
)

if TYPE_CHECKING:
    from lakefs_repro.embedded.router import Handler

HANDLERS: dict[str, Handler] = {
    **config.HANDLERS,
    **account.HANDLERS,
    **actions.HANDLERS,
    **repositories.HANDLERS,
    **settings.HANDLERS,
    **garbage.HANDLERS,
    **branches.HANDLERS,
    **commits.HANDLERS,
    **tags.HANDLERS,
    **refs.HANDLERS,
    **pulls.HANDLERS,
    **listing.HANDLERS,
    **download.HANDLERS,
    **upload.HANDLERS,
    **deletion.HANDLERS,
    **staging.HANDLERS,
    **imports.HANDLERS,
    **presigned_multipart.HANDLERS,
    **bulk_upload.HANDLERS,
    **bulk_download.HANDLERS,
    **local_upload.HANDLERS,
}
