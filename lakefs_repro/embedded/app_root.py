"""Where the API begins."""

from __future__ import annotations

API_ROOT = "/api/v1/"
