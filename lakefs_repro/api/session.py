"""An ingest from Python: collect files and tables, and publish them when the ``with`` block ends well."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from lakefs_repro.errors import InvalidError, LakefsReproError
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest, IngestResult
from lakefs_repro.ingest.scan import Scan, SourceFile, scan
from lakefs_repro.model.names import dataset_prefix
from lakefs_repro.model.paths import check_repository_path
from lakefs_repro.snapshot.context import Context
from lakefs_repro.tables import write_table

if TYPE_CHECKING:
    from typing_extensions import Self


class IngestSession:
    """Collects what becomes one version; nothing reaches the server before the ``with`` block ends.

    An exception inside the block publishes nothing: ``main`` and the list of versions stay as they are.
    """

    def __init__(self, ctx: Context, request: IngestRequest) -> None:
        self._ctx = ctx
        self._request = request
        self._files: dict[str, SourceFile] = {}
        self._excluded = 0
        self._folder: Path | None = None
        self._result: IngestResult | None = None

    def add(self, *sources: str | Path, under: str = "") -> None:
        """Add a folder, or files, under a folder of the dataset; they are read when the block ends."""
        prefix = dataset_prefix(self._request.dataset)
        found = scan([Path(s) for s in sources], exclude=self._request.exclude, under=under, prefix=prefix)
        self._excluded += found.excluded
        for file in found.files:
            self._take(file)

    def add_table(self, table: Any, path: str) -> None:
        """Add a pandas DataFrame or an Arrow table as a Parquet file.

        Args:
            table: a ``pandas.DataFrame`` (its index is not kept) or a ``pyarrow.Table``.
            path: where in the dataset, ending in ``.parquet``: ``month=4/part-0.parquet``.
        """
        if not path.endswith((".parquet", ".pq")):
            raise InvalidError(f"{path} does not end in .parquet.", hint="tables are kept as Parquet", kind="bad-table")
        target = self._room_for(path)
        write_table(table, target)
        self._take(SourceFile(path, target, target.stat().st_size))

    def add_bytes(self, data: bytes, path: str) -> None:
        """Add a file made of ``data``."""
        target = self._room_for(path)
        target.write_bytes(data)
        self._take(SourceFile(path, target, len(data)))

    @property
    def result(self) -> IngestResult:
        """What became of it, once the block has ended."""
        if self._result is None:
            raise LakefsReproError("The ingest is not done: its `with` block has not ended.", kind="not-done")
        return self._result

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="lakefs-repro-"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._publish()
        finally:
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)

    def _publish(self) -> None:
        files = tuple(sorted(self._files.values(), key=lambda f: f.path.encode()))
        if not files:
            raise InvalidError("Nothing was added to the ingest.", hint="call add, add_table or add_bytes",
                               kind="empty-source")  # fmt: skip
        request = replace(
            self._request,
            found=Scan(files, self._excluded),
            intent=self._request.intent or "python:" + "\n".join(file.path for file in files),
        )
        self._result = ingest(self._ctx, request)

    def _room_for(self, path: str) -> Path:
        if self._folder is None:
            raise LakefsReproError("Use the ingest in a `with` block.", kind="not-done")
        check_repository_path(path, prefix=dataset_prefix(self._request.dataset))
        folder = self._folder / str(len(self._files))
        folder.mkdir(exist_ok=True)
        return folder / "content.parquet"

    def _take(self, file: SourceFile) -> None:
        if file.path in self._files:
            raise InvalidError(f"{file.path} was added twice.", kind="duplicate-path")
        self._files[file.path] = file
