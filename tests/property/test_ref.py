from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.ref import Ref, parse_ref

texts = (
    st.text()
    | st.text(st.sampled_from("flights@#=/.^~<>|x*v-0123456789abcdef:sha256lakefs "))
    | st.builds("release:{}".format, st.text(st.sampled_from("q3./-v#=_")))
)
pairs = st.tuples(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(st.characters(exclude_categories=["Cs"]))
)


@given(texts)
def test_any_text_is_parsed_for_good_or_refused(text):
    with contextlib.suppress(InvalidError):
        ref = parse_ref(text)
        assert parse_ref(str(ref)) == ref


@given(st.lists(pairs.filter(lambda pair: "=" not in pair[0]), max_size=4))
def test_partitions_are_written_back(partition):
    ref = Ref("version", "1.2.0", "flights", tuple(partition))
    assert parse_ref(str(ref)) == ref
