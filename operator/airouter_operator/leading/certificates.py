"""Certificates of the operator's stream: an authority that signs, and what it signs.

Pure: `authority.py` keeps authorities in their Secret and decides when each of them signs.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

LIFETIME = timedelta(days=365)
SERVING_LIFETIME = timedelta(days=30)
BACKDATED = timedelta(minutes=5)
"""For clocks that are behind."""


class Authority(msgspec.Struct, frozen=True):
    """A certificate that signs, and its key; both as PEM."""

    certificate: str
    key: str

    def __repr__(self) -> str:
        return f"Authority(until={self.until:%Y-%m-%d})"

    @property
    def x509(self) -> x509.Certificate:
        """The certificate, parsed. Raises `ValueError`."""
        return x509.load_pem_x509_certificate(self.certificate.encode())

    @property
    def private_key(self) -> ec.EllipticCurvePrivateKey:
        """The key, parsed. Raises `ValueError`, or `TypeError` for a key of another kind."""
        key = serialization.load_pem_private_key(self.key.encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the key is of another kind")
        return key

    @property
    def is_whole(self) -> bool:
        """True if the parts can be read and belong together."""
        try:
            dated = self.since < self.until
            return dated and self.private_key.public_key() == self.x509.public_key()
        except Exception:  # noqa: BLE001 - what is broken is found broken in many ways
            return False

    @property
    def since(self) -> datetime:
        """The time when it was made."""
        return self.x509.not_valid_before_utc + BACKDATED

    @property
    def until(self) -> datetime:
        """The time when it ends."""
        return self.x509.not_valid_after_utc


def new_authority(now: datetime) -> Authority:
    """Make an authority that can be trusted from now on."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = common_name(f"airouter operator {now:%Y-%m-%d}")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(key_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate_pem(certificate), key_pem(key))


def serving_certificate(signer: Authority, names: Sequence[str], now: datetime) -> tuple[str, str]:
    """Make a certificate for hosts of the stream; return it and its key, both as PEM."""
    issuer_key = signer.private_key
    key = ec.generate_private_key(ec.SECP256R1())
    issuer_id = x509.SubjectKeyIdentifier.from_public_key(issuer_key.public_key())
    hosts = x509.SubjectAlternativeName(list(map(general_name, names)))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(common_name("airouter operator"))
        .issuer_name(signer.x509.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(serving_end(signer, now))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(hosts, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_id),
            critical=False,
        )
        .add_extension(key_usage(signs_certificates=False), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    return certificate_pem(certificate), key_pem(key)


def serving_end(signer: Authority, now: datetime) -> datetime:
    """Return the time when a certificate ends that is signed now."""
    return min(now + SERVING_LIFETIME, signer.until)


def common_name(text: str) -> x509.Name:
    """Return a subject for people to read."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def general_name(host: str) -> x509.GeneralName:
    """Return a host as a certificate names it: by its address, or by its DNS name."""
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Return the uses of a key: signatures, and certificates if it is an authority's."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def certificate_pem(certificate: x509.Certificate) -> str:
    """Return a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """Return a key as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
