"""REF: how a person names a snapshot. Parsed here, resolved where a repository can be asked.

The syntax is described in ``docs/reference/references.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.names import check_dataset_name, check_release_name, is_dataset_name, parse_tag
from lakefs_repro.model.paths import in_partition
from lakefs_repro.model.version import LATEST, Version, VersionRange

__all__ = ["MIN_HEX", "Partition", "Ref", "RefKind", "named_release", "parse_partition", "parse_ref"]

RefKind = Literal["version", "range", "digest", "hex", "name", "release", "uri"]
"""What a REF names, as far as its text can tell.

- ``version``: exactly ``value`` of ``dataset``.
- ``range``: the best version of ``dataset`` in the range ``value``; ``latest`` is one.
- ``digest``: the snapshot whose digest begins with ``value``.
- ``hex``: a digest's or a commit id's beginning; a dataset of that name, if there is one, comes first.
- ``name``: a branch, tag, commit or expression such as ``main~1``; a dataset of that name, if there is one,
  comes first and means its latest version.
- ``release``: the release ``value``, or ``dataset`` as it is in it.
- ``uri``: ``lakefs://repository/ref/path``: ``value`` is the lakeFS ref.
"""

Partition = tuple[tuple[str, str], ...]
"""The ``key=value`` folders that select a part, in order; empty for all."""

MIN_HEX = 8
_RELEASE = "release:"

_EXAMPLES = (
    "Write for example flights, flights@1.2.0, flights@^1.1, flights@1.2.0#month=3, flights@main, "
    "a commit id, sha256:0123abcd… or lakefs://repository/ref/path."
)
_HEX = re.compile(r"[0-9a-f]{8,64}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*(?:[~^][0-9]*)*")
_RANGE = re.compile(r"[<>=^~*v]*(?:[0-9]+|[xX*])(?:\.(?:[0-9]+|[xX*])){0,2}")
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")


@dataclass(frozen=True, slots=True)
class Ref:
    """A REF, parsed. ``dataset`` is None where the text names none; the resolver may know it.

    ``partition`` holds the ``key=value`` folders that select a part; ``repository`` and ``path`` are set for
    a URI alone.
    """

    kind: RefKind
    value: str
    dataset: str | None = None
    partition: Partition = ()
    repository: str | None = None
    path: str | None = None

    @property
    def version(self) -> Version:
        """The version that a REF of the kind ``version`` names."""
        return Version(self.value)

    @property
    def range(self) -> VersionRange:
        """The range of a REF of the kind ``range`` or ``version``."""
        return VersionRange(self.value)

    @property
    def possible_dataset(self) -> str | None:
        """The dataset that is named, or that a bare word would name if it exists."""
        if self.dataset is not None or self.kind not in ("name", "hex"):
            return self.dataset
        return self.value if is_dataset_name(self.value) else None

    def selects(self, path: str) -> bool:
        """Whether a file of the snapshot lies in the partition that was asked for."""
        return in_partition(path, self.partition)

    def __str__(self) -> str:
        if self.kind == "uri":
            return f"lakefs://{self.repository}/{self.value}/{self.path or ''}"
        if self.kind == "release":
            name = f"{_RELEASE}{self.value}" + (f"/{self.dataset}" if self.dataset else "")
            return name + self._selector
        value = f"sha256:{self.value}" if self.kind == "digest" else self.value
        name = value if self.dataset is None else f"{self.dataset}@{value}"
        return name + self._selector

    @property
    def _selector(self) -> str:
        selector = "/".join(f"{_quote(key)}={_quote(text)}" for key, text in self.partition)
        return f"#{selector}" if selector else ""


def parse_ref(text: str) -> Ref:
    """Parse a REF. InvalidError, with examples as its hint, when it is none."""
    if text.startswith("lakefs:"):
        return _parse_uri(text)
    name, hash_sign, selector = text.partition("#")
    partition = parse_partition(selector, text=text) if hash_sign else ()
    if name.startswith(_RELEASE):
        return _parse_release(text, name.removeprefix(_RELEASE), partition)
    dataset, at, value = name.partition("@")
    if not at:
        return _parse_bare(text, name, partition)
    check_dataset_name(dataset)
    kind, value = _parse_value(text, value, dataset)
    return Ref(kind, value, dataset, partition)


def named_release(text: str) -> str | None:
    """The release that a REF means as a whole, with all its datasets, or None when it names something else."""
    found = parse_ref(text) if text.startswith(_RELEASE) else None
    return found.value if found is not None and found.dataset is None else None


def _parse_release(text: str, name: str, partition: Partition) -> Ref:
    release, slash, dataset = name.partition("/")
    try:
        check_release_name(release)
        if slash:
            check_dataset_name(dataset)
    except InvalidError as error:
        hint = f"Write release:NAME, or release:NAME/DATASET. {error.hint}"
        raise _invalid(text, error.message.rstrip("."), hint) from error
    if partition and not dataset:
        raise _invalid(
            text, "a partition is one of a dataset", f"Write release:{release}/DATASET#{text.partition('#')[2]}."
        )
    return Ref("release", release, dataset or None, partition)


def _parse_bare(text: str, name: str, partition: Partition) -> Ref:
    tagged = parse_tag(name)
    if tagged is not None:
        return Ref("version", str(tagged[1]), tagged[0], partition)
    if name.startswith("sha256:"):
        return Ref("digest", _digest(text, name), None, partition)
    if _HEX.fullmatch(name):
        return Ref("hex", name, None, partition)
    if _NAME.fullmatch(name):
        return Ref("name", name, None, partition)
    if _RANGE.match(name):
        raise _invalid(text, "it names no dataset", f"Put the dataset before it: flights@{name}.")
    raise _invalid(text, _foreign_characters(name))


def _parse_value(text: str, value: str, dataset: str) -> tuple[RefKind, str]:
    if not value:
        raise _invalid(text, "nothing follows the '@'", f"Write {dataset}, or {dataset}@1.2.0.")
    if value == LATEST:
        return "range", LATEST
    if value.startswith("sha256:"):
        return "digest", _digest(text, value)
    if _HEX.fullmatch(value):
        return "hex", value
    if re.fullmatch(r"v?[0-9]+\.[0-9]+\.[0-9]+(?:[-+].*)?", value):
        return "version", str(Version(value.removeprefix("v")))
    if value[0] in "<>=^~*" or " " in value or "," in value or "||" in value or _RANGE.fullmatch(value):
        return "range", str(VersionRange(value))
    if _NAME.fullmatch(value):
        return "name", value
    raise _invalid(text, _foreign_characters(value))


def _digest(text: str, value: str) -> str:
    digits = value.removeprefix("sha256:")
    if not _HEX.fullmatch(digits):
        raise _invalid(text, f"'sha256:' takes {MIN_HEX} to 64 lower-case hexadecimal digits")
    return digits


def parse_partition(selector: str, *, text: str = "") -> Partition:
    """Parse ``year=2024/month=3``. InvalidError, naming ``text`` as what was typed, when it is none."""
    pairs = []
    for segment in selector.split("/"):
        key, equals, value = segment.partition("=")
        if not key or not equals:
            raise _invalid(
                text or selector,
                f"the partition {segment!r} is not KEY=VALUE",
                "Write for example flights#year=2024/month=3.",
            )
        pairs.append((unquote(key), unquote(value)))
    return tuple(pairs)


def _parse_uri(text: str) -> Ref:
    example = "Write lakefs://repository/ref/path, such as lakefs://data/main/flights/."
    scheme = "lakefs://"
    if not text.startswith(scheme):
        raise _invalid(text, "a lakeFS URI begins with 'lakefs://'", example)
    repository, _, rest = text[len(scheme) :].partition("/")
    ref, _, path = rest.partition("/")
    if not _REPOSITORY.fullmatch(repository):
        raise _invalid(text, f"{repository!r} is no lakeFS repository's name", example)
    if not _NAME.fullmatch(ref):
        raise _invalid(text, f"{ref!r} is no lakeFS ref" if ref else "it names no ref", example)
    return Ref("uri", ref, repository=repository, path=path)


def _foreign_characters(name: str) -> str:
    if not name:
        return "it is empty"
    if name.endswith("$"):
        return "what is not yet committed ('$') is no snapshot"
    return f"{name!r} is no version, range, digest, commit, branch or tag"


def _invalid(text: str, why: str, hint: str = _EXAMPLES) -> InvalidError:
    return InvalidError(f"{text!r} is no REF: {why}.", hint=hint, kind="invalid-ref")


def _quote(text: str) -> str:
    return quote(text, safe=" !$&'()*+,:;<>?@[]^`{|}~")
