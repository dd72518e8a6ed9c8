from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakefs_repro.embedded.errors import ApiError
from lakefs_repro.embedded.multipart import Part, boundary_of, content

BOUNDARY = b"xyz"


def body(*parts: tuple[bytes, bytes]) -> bytes:
    made = b"".join(b"--xyz\r\n" + headers + b"\r\n\r\n" + data + b"\r\n" for headers, data in parts)
    return made + b"--xyz--\r\n"


CONTENT = b'Content-Disposition: form-data; name="content"; filename="f"\r\nContent-Type: text/q'
OTHER = b'Content-Disposition: form-data; name="other"'


def read(raw: bytes, cuts: list[int]) -> tuple[bytes, Part]:
    async def chunks():
        edges = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
        for start, end in itertools.pairwise(edges):
            yield raw[start:end]

    async def collect():
        part = Part()
        return b"".join([piece async for piece in content(chunks(), BOUNDARY, part)]), part

    return asyncio.run(collect())


DATA = st.lists(st.sampled_from([b"\r\n", b"--", b"xyz", b"a", b"\r", b"--xy", b"\0"]), max_size=12).map(b"".join)


@given(DATA.filter(lambda data: b"\r\n--xyz" not in b"\r\n" + data), st.lists(st.integers(0, 10_000), max_size=8))
def test_the_wanted_part_comes_out_however_it_is_cut(data, cuts):
    found, part = read(body((OTHER, b"1"), (CONTENT, data), (OTHER, b"2")), cuts)
    assert found == data
    assert part.content_type == "text/q"


def test_missing_part_and_early_end():
    with pytest.raises(ApiError, match="missing key 'content'"):
        read(body((OTHER, b"1")), [])
    with pytest.raises(ApiError, match="unexpected EOF"):
        read(body((CONTENT, b"abc"))[:-12], [])


def test_boundary():
    assert boundary_of('multipart/form-data; boundary="a b"') == b"a b"
    with pytest.raises(ApiError):
        boundary_of("multipart/form-data")
