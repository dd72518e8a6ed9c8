"""Hypothesis profiles of these tests."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, settings

# pytest --hypothesis-profile=long tests/property/test_ingest_state.py
settings.register_profile(
    "long",
    max_examples=400,
    stateful_step_count=40,
    deadline=timedelta(minutes=1),
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
