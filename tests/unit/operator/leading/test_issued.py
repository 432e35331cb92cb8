"""Certificates that somebody else issues into a folder."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from airouter_operator.leading.issued import IssuedCertificate
from airouter_operator.leading.stream_tls import NotIssued


def issue(folder: Path, authority: trustme.CA) -> None:
    """Write what cert-manager writes into its Secret."""
    issued = authority.issue_cert("operator.ai.svc")
    folder.mkdir(exist_ok=True)
    issued.private_key_pem.write_to_path(folder / "tls.key")
    (folder / "tls.crt").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    authority.cert_pem.write_to_path(folder / "ca.crt")


async def served_by(subject: IssuedCertificate) -> bytes:
    """The certificate that a client sees; it trusts what the operator tells pods to."""
    listener = await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", 0, ssl=subject.tls)
    port = listener.sockets[0].getsockname()[1]
    try:
        trusting = ssl.create_default_context(cadata=subject.bundle())
        async with asyncio.timeout(60):
            _, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=trusting, server_hostname="operator.ai.svc"
            )
        found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
    finally:
        listener.close()
    return found


async def test_a_certificate_is_served_and_its_authority_is_told_to_pods(tmp_path: Path) -> None:
    issue(tmp_path, trustme.CA())
    subject = IssuedCertificate(tmp_path)
    await subject.refresh()
    assert await served_by(subject)


async def test_a_renewed_one_is_served_without_a_restart_and_pods_hear_of_its_authority(
    tmp_path: Path,
) -> None:
    issue(tmp_path, trustme.CA())
    subject = IssuedCertificate(tmp_path, refresh=0.01)
    await subject.refresh()
    before, bundle = await served_by(subject), subject.bundle()
    changed = asyncio.Event()
    looking = asyncio.create_task(subject.run(changed.set))
    try:
        issue(tmp_path, trustme.CA())
        async with asyncio.timeout(60):
            await changed.wait()
    finally:
        looking.cancel()
    await subject.refresh()
    assert subject.bundle() != bundle
    assert await served_by(subject) != before


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("tls.crt", None, "has no tls.crt .fix: see the Certificate"),
        ("ca.crt", None, "has no ca.crt .fix: an issuer with an authority of its own"),
        ("ca.crt", "nothing", "cannot be used"),
        ("tls.key", "nothing", "cannot be used"),
    ],
)
async def test_what_is_missing_is_said_with_its_remedy(
    tmp_path: Path, file: str, content: str | None, message: str
) -> None:
    issue(tmp_path, trustme.CA())
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(content)
    with pytest.raises(NotIssued, match=message):
        await IssuedCertificate(tmp_path).refresh()
