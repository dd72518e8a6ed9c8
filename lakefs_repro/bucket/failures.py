"""What a store's failures mean: one table from its codes to our errors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from lakefs_repro.errors import (
    DeniedError,
    IntegrityError,
    InvalidError,
    LakefsReproError,
    NotFoundError,
    UnavailableError,
)

__all__ = ["source_changed", "told"]

_NO_BUCKET: Final = frozenset({"NoSuchBucket", "404", "NotFound"})
_CHANGED: Final = frozenset({"NoSuchKey", "PreconditionFailed", "412"})
_DENIED: Final = frozenset({
    "AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken",
    "AllAccessDisabled", "AccountProblem", "TokenRefreshRequired",
})  # fmt: skip


def source_changed(uri: str) -> IntegrityError:
    """An object is not the one that was listed."""
    return IntegrityError(
        f"{uri} changed after it was listed.",
        hint="something writes to the bucket; let it finish and type the command again",
        kind="source-changed",
    )


@contextlib.contextmanager
def told(doing: str) -> Iterator[None]:
    """Turn what boto3 raises into our errors; ``doing`` is the call in words."""
    from botocore import exceptions as boto  # noqa: PLC0415 - boto3 takes 0.2 s, which no other source must pay

    try:
        yield
    except boto.ClientError as error:
        raise _mapped(error.response.get("Error") or {}, doing) from error
    except (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError) as error:
        raise DeniedError(
            f"There are no credentials for the bucket ({doing}).",
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a role; boto3 finds them",
            kind="no-bucket-credentials",
        ) from error
    except boto.ParamValidationError as error:
        raise InvalidError(f"The store can't be asked that ({doing}): {error}.", kind="bad-bucket-address") from error
    except (boto.BotoCoreError, boto.HTTPClientError) as error:
        raise UnavailableError(
            f"The store does not answer ({doing}): {type(error).__name__}.",
            hint="check the network, the region and --s3-endpoint; then type the same command again",
            kind="bucket-unreachable",
        ) from error


def _mapped(said: dict[str, str], doing: str) -> LakefsReproError:
    code = str(said.get("Code") or "unknown")[:60]
    if code in _NO_BUCKET:
        return NotFoundError(
            f"The store has no such thing: {code} ({doing}).",
            hint="check the bucket's name, and --s3-endpoint",
            kind="bucket-not-found",
        )
    if code in _CHANGED:
        return IntegrityError(
            f"The source changed after it was listed: {code} ({doing}).",
            hint="something writes to the bucket; let it finish and type the command again",
            kind="source-changed",
        )
    if code == "InvalidObjectState":
        return InvalidError(
            f"An object lies in an archive ({doing}).",
            hint="bring it back from there first, or leave it out with --exclude",
            kind="object-archived",
        )
    if code in _DENIED:
        return DeniedError(
            f"The store refuses it: {code} ({doing}).",
            hint="the credentials need s3:ListBucket and s3:GetObject on the source",
            kind="bucket-denied",
        )
    return UnavailableError(
        f"The store could not do it: {code} ({doing}).", hint="type the same command again", kind="bucket-failed"
    )
