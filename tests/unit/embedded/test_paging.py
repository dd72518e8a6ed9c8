from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from lakefs_repro.embedded.store.order import successor
from lakefs_repro.embedded.store.paging import Window, page

TEXT = st.text(st.sampled_from("ab/\0\U0010ffff\ud7ff"), max_size=5)
PATHS = st.sets(TEXT.filter(bool), max_size=25)


@dataclass(frozen=True)
class Item:
    path: str


def folded(paths, prefix, delimiter):
    """What a listing shows, by the definition."""
    shown = []
    for path in sorted(paths):
        if not path.startswith(prefix):
            continue
        end = path.find(delimiter, len(prefix)) if delimiter else -1
        shown.append(path if end < 0 else path[: end + len(delimiter)])
    return sorted(set(shown))


@given(PATHS, TEXT, st.sampled_from(["", "/", "a"]), st.integers(1, 4))
def test_pages_together_are_the_whole_listing(paths, prefix, delimiter, amount):
    def source(start):
        return iter([Item(path) for path in sorted(paths) if path >= start])

    seen, after = [], ""
    while True:
        found = page(source, Window(prefix, after, delimiter, amount))
        seen += [item if isinstance(item, str) else item.path for item in found.items]
        assert len(found.items) <= amount
        if not found.has_more:
            assert found.next_offset == ""
            break
        after = found.next_offset
    assert seen == folded(paths, prefix, delimiter)


@given(TEXT, TEXT)
def test_successor_is_the_smallest_string_above_a_prefix(prefix, other):
    above = successor(prefix)
    assert above is None or not above.startswith(prefix)
    if other.startswith(prefix):
        assert above is None or other < above
    elif other > prefix:
        assert above is not None
        assert other >= above


@given(st.lists(st.text(max_size=4), max_size=10))
def test_order_is_that_of_utf8_bytes(texts):
    assert sorted(texts) == sorted(texts, key=str.encode)
