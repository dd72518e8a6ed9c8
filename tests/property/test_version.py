from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from lakefs_repro.model import names
from lakefs_repro.model.version import Version, VersionRange

identifier = st.from_regex(
    re.compile(r"(0|[1-9][0-9]{0,3}|[0-9]{0,2}[A-Za-z-][0-9A-Za-z-]{0,4})", re.ASCII), fullmatch=True
)
number = st.integers(0, 99)
versions = st.builds(
    lambda core, prerelease, build: Version(
        ".".join(map(str, core))
        + ("-" + ".".join(prerelease) if prerelease else "")
        + ("+" + ".".join(build) if build else "")
    ),
    st.tuples(number, number, number),
    st.lists(identifier, max_size=3),
    st.lists(identifier, max_size=3),
)
datasets = st.from_regex(re.compile(r"[a-z][a-z0-9-]{0,20}", re.ASCII), fullmatch=True).filter(names.is_dataset_name)


@given(datasets, versions)
def test_tags_and_pins_name_one_version(dataset, version):
    assert names.parse_tag(names.tag_name(dataset, version)) == (dataset, version)
    pin = names.pin_branch(dataset, version)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", pin)
    assert names.parse_pin_branch(pin) == (dataset, version)


@given(versions, versions, versions)
def test_versions_are_totally_ordered(one, two, three):
    assert (one < two) + (one == two) + (one > two) == 1
    assert not (one < two < three) or one < three


@given(versions, st.sampled_from(["major", "minor", "patch"]))
def test_a_bump_is_higher_and_a_release(version, part):
    assert version.bump(part) > Version(version.text.partition("+")[0])
    assert not version.bump(part).is_prerelease


@given(st.lists(versions), st.sampled_from(["latest", "^1", "1.x", ">=0,<50", "~2.1"]))
def test_the_best_is_the_highest_that_matches(found, text):
    chosen = VersionRange(text)
    best = chosen.best(found)
    matching = [version for version in found if chosen.matches(version) and not version.is_prerelease]
    if matching:
        assert best == max(matching)
    elif text != "latest":
        assert best is None
