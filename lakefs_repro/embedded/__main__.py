"""``python -m lakefs_repro.embedded``: a server that speaks lakeFS' API, in the foreground."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lakefs_repro.embedded.auth import Credentials, load_or_create
from lakefs_repro.embedded.closing import end_on_sigterm, stop_with_stdin
from lakefs_repro.embedded.serve import CREDENTIALS_FILE, serve
from lakefs_repro.errors import InvalidError, LakefsReproError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lakefs_repro.embedded.serve import State

_USAGE_ERROR = 2
_PORTS = 2**16
# The names by which lakeFS takes the keys of its first user.
_KEY = "LAKEFS_INSTALLATION_ACCESS_KEY_ID"
_SECRET = "LAKEFS_INSTALLATION_SECRET_ACCESS_KEY"  # noqa: S105  the variable's name
_EPILOG = f"""
The keys are made at random with the folder and kept in its file {CREDENTIALS_FILE}. A new folder takes others from
{_KEY} and {_SECRET}. Ctrl-C stops the server.
"""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    end_on_sigterm()
    try:
        with _folder(options) as root:
            serve(
                root,
                host=options.host,
                port=options.port,
                allow_remote=options.allow_remote,
                presign=not options.no_presign,
                import_from=options.allow_import,
                credentials=_given_credentials(),
                announce=lambda state: _announce(options, root, state),
            )
    except LakefsReproError as error:
        sys.stderr.write(f"{error}\n")
        return _USAGE_ERROR
    except KeyboardInterrupt:  # the server has finished what was under way
        pass
    return 0


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number < _PORTS:
        raise argparse.ArgumentTypeError(f"not a port: {text}")
    return number


def _parser() -> argparse.ArgumentParser:
    about = "A server that speaks lakeFS' API, in the foreground."
    parser = argparse.ArgumentParser(prog="python -m lakefs_repro.embedded", description=about, epilog=_EPILOG)
    folder = parser.add_mutually_exclusive_group(required=True)
    folder.add_argument("--root", type=Path, metavar="DIR", help="the folder that holds everything; made if missing")
    folder.add_argument("--ephemeral", action="store_true", help="a temporary folder, removed at the end")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=0, help="port to listen on (default: a free one)")
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
    parser.add_argument("--json", action="store_true", help="say where it is in one line of JSON, with the keys")
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when the standard input is closed")
    return parser


@contextmanager
def _folder(options: argparse.Namespace) -> Iterator[Path]:
    if not options.ephemeral:
        yield options.root
        return
    with tempfile.TemporaryDirectory(prefix="lakefs-ephemeral-") as folder:
        yield Path(folder)


def _given_credentials() -> Credentials | None:
    key, secret = os.environ.get(_KEY), os.environ.get(_SECRET)
    if not key and not secret:
        return None
    if not key or not secret:
        raise InvalidError(f"{_KEY} and {_SECRET} go together: one of them is missing.")
    return Credentials(key, secret)


def _announce(options: argparse.Namespace, root: Path, state: State) -> None:
    if options.exit_with_stdin:
        stop_with_stdin()
    keys = root.resolve() / CREDENTIALS_FILE
    if options.json:
        known = load_or_create(keys)
        said = {
            "access_key_id": known.access_key_id,
            "endpoint": state.endpoint,
            "pid": state.pid,
            "root": str(root.resolve()),
            "secret_access_key": known.secret_access_key,
        }
        sys.stdout.write(json.dumps(said) + "\n")
    else:
        sys.stdout.write(f"lakeFS-compatible engine on {state.endpoint} (pid {state.pid})\nkeys: {keys}\n")
        if sys.stdin is not None and sys.stdin.isatty():
            sys.stdout.write("Ctrl-C stops it\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
