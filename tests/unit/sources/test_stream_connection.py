"""Polls of a server that speaks real TLS and writes what it is told."""

import asyncio
import contextlib
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from airouter.config.delivery import MAX_PACKED, VERSION_HEADER, Stream, pack_snapshot
from airouter.config.snapshot import Snapshot
from airouter.http import kept
from airouter.sources import stream_connection
from airouter.sources.stream_connection import News, PollFailed, StreamConnection
from airouter_operator.leading.certificates import (
    certificate_pem,
    common_name,
    key_pem,
    new_authority,
)

PACKED = pack_snapshot(Snapshot())
HEAD = f"HTTP/1.1 200 OK\r\n{VERSION_HEADER}: v1\r\n"
WHOLE = f"{HEAD}content-length: {len(PACKED)}\r\n\r\n".encode() + PACKED
NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"


class Operator:
    """Answers each poll with the next answer, in pieces; hangs up after the last."""

    def __init__(self, *answers: bytes, piece: int = 1 << 30) -> None:
        self.answers = list(answers)
        self.piece = piece
        self.polls: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.polls.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0)
                for start in range(0, len(answer), self.piece):
                    writer.write(answer[start : start + self.piece])
                    await asyncio.sleep(0)
                if not self.answers:
                    break
        writer.close()


@contextlib.asynccontextmanager
async def asked(operator: Operator) -> AsyncIterator[Callable[[], Awaitable[News | None]]]:
    """A poll of a connection to that operator."""
    ca = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    server = await asyncio.start_server(operator.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    stream = Stream(f"https://127.0.0.1:{port}/v1/x", ca.cert_pem.bytes().decode(), "secret")
    subject = StreamConnection(stream)
    async with server:
        yield lambda: subject.poll(b"{}")
        subject.hang_up()


async def test_a_poll_shows_its_token_and_its_words() -> None:
    operator = Operator(WHOLE)
    async with asked(operator) as poll:
        await poll()
    (said,) = operator.polls
    assert said.startswith(b"POST /v1/x HTTP/1.1\r\n")
    assert b"\r\nauthorization: Bearer secret\r\n" in said
    assert said.endswith(b"\r\n\r\n{}")


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        f"{HEAD}transfer-encoding: chunked\r\n\r\n{len(PACKED):x}\r\n".encode()
        + PACKED
        + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE,
    ],
)
async def test_a_snapshot_comes_with_its_version(answer: bytes) -> None:
    async with asked(Operator(answer)) as poll:
        assert await poll() == News("v1", Snapshot())


async def test_an_answer_may_come_in_any_pieces() -> None:
    async with asked(Operator(b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE, piece=1)) as poll:
        assert await poll() == News("v1", Snapshot())


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """An address that accepts connections and says nothing on them."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def resolve_to(monkeypatch: pytest.MonkeyPatch, *sockets: socket.socket) -> None:
    """Put addresses before the one that a name has."""

    async def resolve(host: str, port: int, **_: int) -> list[tuple[object, ...]]:
        found = [each.getsockname() for each in sockets]
        return [(socket.AF_INET, 0, 0, "", where) for where in (*found, (host, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)


async def test_an_address_that_keeps_silent_does_not_hold_up_the_next(
    monkeypatch: pytest.MonkeyPatch, silent: socket.socket
) -> None:
    monkeypatch.setattr(kept, "CONNECT_TIMEOUT", 3600.0)
    async with asked(Operator(NOTHING)) as poll, asyncio.timeout(60):
        resolve_to(monkeypatch, silent, silent)
        assert await poll() is None


async def test_an_operator_of_which_every_address_keeps_silent_is_lost(
    monkeypatch: pytest.MonkeyPatch, silent: socket.socket
) -> None:
    monkeypatch.setattr(kept, "CONNECT_TIMEOUT", 0.05)
    port = silent.getsockname()[1]
    ca = trustme.CA().cert_pem.bytes().decode()
    subject = StreamConnection(Stream(f"https://127.0.0.1:{port}/", ca, "secret"))
    with pytest.raises(PollFailed, match="TimeoutError"):
        await subject.poll(b"{}")


async def test_an_operator_that_does_not_answer_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_connection, "POLL_TIMEOUT", 0.05)
    operator = Operator(b"", NOTHING)
    async with asked(operator) as poll:
        with pytest.raises(PollFailed, match="TimeoutError"):
            await poll()
        monkeypatch.undo()
        operator.answers = [NOTHING]
        assert await poll() is None
    assert operator.connections == 2


async def test_polls_share_a_connection_until_an_answer_closes_it() -> None:
    last = NOTHING.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    operator = Operator(NOTHING, last, NOTHING)
    async with asked(operator) as poll:
        assert [await poll() for _ in range(3)] == [None, None, None]
    assert operator.connections == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", "answered 503"),
        (WHOLE[:-1], "closed early"),
        (b"HTTP/1.1 101 Hi\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "not HTTP"),
        (b"SSH-2.0\r\n\r\n", "not HTTP"),
        (f"{HEAD}content-length: 9\r\nx: {'y' * 2 * MAX_PACKED}".encode(), "header exceeds"),
        (f"{HEAD}\r\n".encode() + b"x" * 2 * MAX_PACKED, "body is larger"),
    ],
)
async def test_what_is_no_answer_is_lost_and_the_next_poll_connects_anew(
    answer: bytes, reason: str
) -> None:
    operator = Operator(answer, NOTHING)
    async with asked(operator) as poll:
        if reason == "closed early":
            operator.answers.pop()
        with pytest.raises(PollFailed, match=reason):
            await poll()
        operator.answers = operator.answers or [NOTHING]
        assert await poll() is None
    assert operator.connections == 2


@pytest.mark.parametrize(("seconds", "elsewhere"), [(b"0", True), (b"5", False)])
async def test_a_replica_that_does_not_lead_is_told_from_one_that_is_busy(
    seconds: bytes, elsewhere: bool
) -> None:
    head = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n"
    async with asked(Operator(head + b"retry-after: " + seconds + b"\r\n\r\n")) as poll:
        with pytest.raises(PollFailed) as failed:
            await poll()
        assert failed.value.elsewhere is elsewhere


async def test_an_answer_counts_though_more_is_said_unasked_and_the_next_poll_connects_anew() -> (
    None
):
    operator = Operator(NOTHING + WHOLE, NOTHING)
    async with asked(operator) as poll:
        assert [await poll(), await poll()] == [None, None]
    assert operator.connections == 2


async def test_a_certificate_whose_subject_alone_names_the_host_is_refused() -> None:
    now = datetime.now(UTC)
    signer = new_authority(now)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(common_name("localhost"))
        .issuer_name(signer.x509.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.private_key.public_key()),
            critical=False,
        )
        .sign(signer.private_key, hashes.SHA256())
    )
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.NamedTemporaryFile() as file:
        file.write((key_pem(key) + certificate_pem(certificate)).encode())
        file.flush()
        tls.load_cert_chain(file.name)
    server = await asyncio.start_server(Operator(WHOLE).serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    stream = Stream(f"https://localhost:{port}/v1/x", signer.certificate, "secret")
    async with server:
        with pytest.raises(PollFailed, match="subject alternative name"):
            await StreamConnection(stream).poll(b"{}")
