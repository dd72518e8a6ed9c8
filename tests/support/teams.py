"""Answers of teams that nobody thought of."""

from __future__ import annotations

from hypothesis import strategies as st

from lakefs_repro.advice.questions import Question


def words(question: Question) -> st.SearchStrategy[str]:
    """Anything that may be typed as an answer."""
    known = [word for word, _ in question.choices]
    if question.kind == "one":
        return st.sampled_from(known)
    if question.kind == "several":
        some = st.lists(st.sampled_from([w for w in known if w != "none"]), min_size=1, unique=True).map(",".join)
        return st.one_of(some, st.just("none")) if "none" in known else some
    if question.kind == "days":
        return st.integers(1, 36_500).map("{}d".format)
    return st.one_of(st.integers(1, 10**12), st.integers(1, 100)).map(str)
