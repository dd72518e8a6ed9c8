"""``python -m lakefs_repro.embedded --root DIR``: the engine in the foreground."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lakefs_repro.embedded.serve import serve
from lakefs_repro.errors import LakefsReproError

if TYPE_CHECKING:
    from lakefs_repro.embedded.serve import State

_USAGE_ERROR = 2


def _announce(state: State) -> None:
    sys.stdout.write(f"lakeFS-compatible engine on {state.endpoint} (pid {state.pid})\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lakefs_repro.embedded", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the folder that holds everything")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--allow-remote", action="store_true", help="listen on an address that others can reach")
    parser.add_argument("--no-presign", action="store_true", help="make no presigned URLs, as lakeFS on a local folder")
    parser.add_argument(
        "--allow-import",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="let files below DIR be imported, and read afterwards; may be given again",
    )
    options = parser.parse_args(arguments)
    try:
        serve(
            options.root,
            host=options.host,
            port=options.port,
            allow_remote=options.allow_remote,
            presign=not options.no_presign,
            import_from=options.allow_import,
            announce=_announce,
        )
    except LakefsReproError as error:
        sys.stderr.write(f"{error}\n")
        return _USAGE_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
