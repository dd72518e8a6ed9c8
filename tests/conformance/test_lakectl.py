"""lakeFS' own command line can't tell the engine from lakeFS."""

from __future__ import annotations

import shutil

import pytest
from ecosystem import lakectl

from lakefs_repro.testing import running_lakefs

ABSENT = ("refs-dump",)  # 501 here


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("lakectl") is None, reason="no lakectl on the PATH")
def test_a_day_with_lakectl_is_the_same(lakefs_engine):
    if lakefs_engine.namespace_prefix != "local://":
        pytest.skip("the day is one on a local store")
    # `lakectl local` goes by whole seconds: a busy machine may see it differ on one server alone, once.
    for _ in range(3):
        with running_lakefs(presign=False) as server:
            here = lakectl.said(server.endpoint, (server.access_key_id, server.secret_access_key))
        there = lakectl.said(lakefs_engine.endpoint, (lakefs_engine.access_key_id, lakefs_engine.secret_access_key))
        offered = [pair for pair in zip(here, there, strict=True) if not any(word in pair[0][0] for word in ABSENT)]
        assert len(offered) > 80
        different = [pair for pair in offered if pair[0] != pair[1]]
        if not all(pair[0][0].startswith("local ") for pair in different) or not different:
            break
    assert different == []
