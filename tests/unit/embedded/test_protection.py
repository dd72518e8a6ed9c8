from __future__ import annotations

import pytest

from lakefs_repro.embedded.errors import ApiError
from lakefs_repro.embedded.store.protection import _compiled


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("main", "main", True),
        ("main", "main2", False),
        ("pin-*", "pin-a-v1_0_0", True),
        ("pin-*", "pi", False),
        ("b?", "b1", True),
        ("b?", "b", False),
        ("[ab]x", "bx", True),
        ("[!ab]x", "bx", False),
        ("{one,two}-x", "two-x", True),
        ("a\\*", "a*", True),
        ("a.c", "abc", False),
    ],
)
def test_pattern(pattern, name, matches):
    assert bool(_compiled(pattern).fullmatch(name)) is matches


def test_bad_pattern_breaks_writes_as_in_lakefs():
    with pytest.raises(ApiError) as caught:
        _compiled("x[")
    assert caught.value.status == 500
