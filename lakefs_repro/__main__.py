"""``python -m lakefs_repro``: the command line."""

from __future__ import annotations

from lakefs_repro.cli.main import main

if __name__ == "__main__":
    main()
