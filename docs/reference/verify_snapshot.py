"""Verify a snapshot of lakefs-repro with nothing but Python's standard library (3.9 or later).

Prints the folder's digest and compares it with a DIGEST or a manifest, naming what differs: exit 0 when
equal, 1 when not, 2 when that can't be told. CHUNKS is a folder such as _lakefs_repro/DATASET/manifest.
"""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r"})


def scan(top: str) -> dict[str, tuple[int, str]]:
    """Read every file of a folder: path -> (size, SHA-256)."""
    found, failed = {}, []
    for base, folders, files in os.walk(top, onerror=failed.append):
        for full in [Path(base, name) for name in folders + files]:
            path, digest = full.relative_to(top).as_posix(), hashlib.sha256()
            if full.is_file():
                with full.open("rb") as stream:
                    while block := stream.read(1 << 20):
                        digest.update(block)
                    found[path] = stream.tell(), digest.hexdigest()
            elif full.is_symlink() or not full.is_dir():
                failed.append(f"{path!r} is neither a file nor a folder, nor a link to a file")
    if failed:
        raise ValueError(failed[0])
    return found


def root_of(files: dict[str, tuple[int, str]]) -> str:
    """Compute the digest of these files."""
    level, items = 0, [(path, 1, *files[path]) for path in sorted(files, key=str.encode)]
    while True:
        header = f"lakefs-repro manifest 1 node {level}\n" if level else "lakefs-repro manifest 1 leaf\n"
        chunks, lines, entries, total = [], [header], 0, 0
        for number, (path, count, size, name) in enumerate(items, 1):
            lines.append(f"{name} {f'{count} ' if level else ''}{size} {path.translate(ESCAPES)}\n")
            entries, total = entries + count, total + size
            hashed = hashlib.sha256(b"lakefs-repro boundary 1 %d\n" % level + path.encode()).digest()
            if int.from_bytes(hashed[:4], "big") < 2**32 // 512 or number == len(items):
                chunks.append((path, entries, total, hashlib.sha256("".join(lines).encode()).hexdigest()))
                lines, entries, total = [header], 0, 0
        if len(chunks) < 2:
            return chunks[0][3] if chunks else hashlib.sha256(header.encode()).hexdigest()
        level, items = level + 1, chunks


def read(folder: str, name: str) -> dict[str, tuple[int, str]]:
    """Read the files that the chunks below a root list; JSON has the same escapes."""
    data = Path(folder, name).read_bytes()
    if hashlib.sha256(data).hexdigest() != name:
        raise ValueError(f"the chunk {name} is damaged")
    header, *lines = data.decode("utf-8").replace('"', '\\"').split("\n")[:-1]
    if " node " in header:
        return {path: file for line in lines for path, file in read(folder, line[:64]).items()}
    rows = (json.loads(f'"{line}"', strict=False).split(" ", 2) for line in lines)
    return {path: (int(size), digest) for digest, size, path in rows}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("digest", metavar="DIGEST", nargs="?")
    parser.add_argument("--manifest", metavar=("CHUNKS", "ROOT"), nargs=2)
    options = parser.parse_args()
    try:
        found, root = scan(options.folder), (options.manifest or [None])[-1]
        expected = read(*options.manifest) if root else found
        print(digest := root_of(found))
    except (OSError, ValueError) as problem:
        parser.error(str(problem))
    for path in sorted(path for path in {**expected, **found} if expected.get(path) != found.get(path)):
        state = "missing" if path not in found else "changed" if path in expected else "new"
        print(f"{state}: {path.translate(ESCAPES)}")
    sys.exit({digest} != {options.digest or digest, root or digest})
