"""Bodies that are not as long as they were said to be."""

from __future__ import annotations

import socket
from base64 import b64encode
from urllib.parse import urlsplit

import pytest


def send(engine, head: str, *pieces: bytes) -> bytes:
    """One request on a connection of its own; the head of the answer."""
    parts = urlsplit(engine.endpoint)
    pair = b64encode(f"{engine.access_key_id}:{engine.secret_access_key}".encode()).decode()
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        head += f"Host: {parts.netloc}\r\nAuthorization: Basic {pair}\r\n\r\n"
        connection.sendall(head.encode() + pieces[0])
        for piece in pieces[1:]:
            connection.sendall(piece)
        answer = b""
        while b"\r\n\r\n" not in answer and (chunk := connection.recv(65536)):
            answer += chunk
        return answer


def upload(repo, *framing: str) -> str:
    lines = [
        f"POST /api/v1/repositories/{repo.name}/branches/main/objects?path=a HTTP/1.1",
        "Content-Type: application/octet-stream",
        *framing,
    ]
    return "\r\n".join(lines) + "\r\n"


@pytest.mark.parametrize("length", [0, 3])
def test_what_is_longer_than_announced_is_cut_off(repo, length):
    answer = send(repo.engine, upload(repo, f"Content-Length: {length}"), b"abcdef")
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert repo.get("a").data == b"abc"[:length]


def test_a_client_that_sends_much_more_than_announced_still_gets_its_answer(embedded_repo):
    megabytes = [b"\0" * 1024 * 1024] * 16
    for _ in range(3):
        answer = send(embedded_repo.engine, upload(embedded_repo, "Content-Length: 3"), b"abcdef", *megabytes)
        assert answer.startswith(b"HTTP/1.1 201 ")


def test_what_is_no_request_at_all_is_a_bad_one(engine):
    assert send(engine, "\0\0\0\r\n", b"").startswith(b"HTTP/1.1 400 ")


def test_bad_chunks_are_no_upload(repo):
    answer = send(repo.engine, upload(repo, "Transfer-Encoding: chunked"), b"3\r\nabc\r\nnot a length\r\n")
    assert not answer.startswith(b"HTTP/1.1 2")
    assert repo.get("a").status == 404
