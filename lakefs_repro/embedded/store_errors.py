"""How an object store refuses: status, a code, and XML. So presigned URLs answer."""

from __future__ import annotations

from html import escape

from lakefs_repro.embedded.errors import ApiError
from lakefs_repro.embedded.reply import Headers, Reply

_DENIED, _GONE = 403, 410


class StoreError(Exception):
    """A refusal with S3's own code and sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def access_denied(message: str = "Access Denied.") -> StoreError:
    return StoreError(403, "AccessDenied", message)


def wrong_signature() -> StoreError:
    return StoreError(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
    )


def no_such_key() -> StoreError:
    return StoreError(404, "NoSuchKey", "The specified key does not exist.")


def no_such_upload() -> StoreError:
    return StoreError(
        404,
        "NoSuchUpload",
        "The specified multipart upload does not exist. The upload ID may be invalid, or the upload may have been "
        "aborted or completed.",
    )


def precondition_failed() -> StoreError:
    return StoreError(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")


def as_store_error(error: ApiError) -> StoreError:
    """What the engine says inside, in a store's words."""
    if error.status == _GONE:
        return no_such_key()
    if error.status == _DENIED:
        return access_denied()
    code = {503: "ServiceUnavailable", 507: "StorageFull"}.get(error.status, "InternalError")
    return StoreError(error.status, code, error.message)


def xml_reply(error: StoreError, headers: Headers | None = None) -> Reply:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
    )
    return Reply(error.status, body.encode(), [(b"content-type", b"application/xml"), *(headers or [])])
