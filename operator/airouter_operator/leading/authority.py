"""The operator's own certificate authority: how a pod knows that it polls the operator.

It is kept in a Secret of the operator's namespace. A successor is made well before an authority
ends, is trusted by every pod before it signs anything, and its predecessor is trusted until it has
ended. What the stream shows is signed anew more often, by whichever process serves it.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from airouter_operator.kube import Conflict, Kube, Object, ObjectKey, secret_at, secrets_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

logger = logging.getLogger("airouter.operator")

FILE = "authorities.json"
NAME = "airouter-operator-ca"

LIFETIME = timedelta(days=365)
RENEW_BEFORE = timedelta(days=120)
OVERLAP = timedelta(days=1)
"""How long a new authority is trusted before it signs: mounted Secrets take minutes to follow."""
SERVING_LIFETIME = timedelta(days=30)
SERVING_RENEW_BEFORE = timedelta(days=10)
BACKDATED = timedelta(minutes=5)
"""For clocks that are behind."""
TRIES = 5


class Authority(msgspec.Struct, frozen=True):
    """A certificate that signs, and its key; both as PEM."""

    certificate: str
    key: str

    def __repr__(self) -> str:
        return f"Authority(until={self.until:%Y-%m-%d})"

    @property
    def x509(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate.encode())

    @property
    def private_key(self) -> ec.EllipticCurvePrivateKey:
        """Raises `ValueError`, or `TypeError` for a key of another kind."""
        key = serialization.load_pem_private_key(self.key.encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the key is of another kind")
        return key

    @property
    def is_whole(self) -> bool:
        """Whether its parts can be read and belong together."""
        try:
            dated = self.since < self.until
            return dated and self.private_key.public_key() == self.x509.public_key()
        except Exception:  # noqa: BLE001 - what is broken is found broken in many ways
            return False

    @property
    def since(self) -> datetime:
        return self.x509.not_valid_before_utc + BACKDATED

    @property
    def until(self) -> datetime:
        return self.x509.not_valid_after_utc


def new_authority(now: datetime) -> Authority:
    """An authority that can be trusted from now on."""
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
    return Authority(pem(certificate), key_pem(key))


def serving_certificate(signer: Authority, names: Sequence[str], now: datetime) -> tuple[str, str]:
    """A certificate for the stream, and its key, both as PEM."""
    issuer_key = signer.private_key
    key = ec.generate_private_key(ec.SECP256R1())
    issuer_id = x509.SubjectKeyIdentifier.from_public_key(issuer_key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(common_name("airouter operator"))
        .issuer_name(signer.x509.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(min(now + SERVING_LIFETIME, signer.until))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(list(map(san, names))), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_id),
            critical=False,
        )
        .add_extension(key_usage(signs_certificates=False), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    return pem(certificate), key_pem(key)


def living(authorities: Sequence[Authority], now: datetime) -> list[Authority]:
    """Those that have not ended, oldest first."""
    return sorted((a for a in authorities if a.until > now), key=lambda a: a.since)


def renewed(authorities: Sequence[Authority], now: datetime) -> list[Authority]:
    """The authorities as they should be: without what has ended, with a successor in time."""
    alive = living(authorities, now)
    if not alive or alive[-1].until - now < RENEW_BEFORE:
        alive.append(new_authority(now))
    return alive


def signer_of(authorities: Sequence[Authority], now: datetime) -> Authority:
    """The newest that every pod has had the time to hear of, or else the oldest."""
    heard_of = [a for a in authorities if a.since + OVERLAP <= now]
    return heard_of[-1] if heard_of else authorities[0]


class AuthorityKeeper:
    """Keeps the authorities in their Secret, and the stream's TLS context up to date."""

    def __init__(
        self,
        kube: Kube,
        namespace: str,
        names: Sequence[str],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`names` are what pods call the stream's host."""
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._kube = kube
        self._key = ObjectKey(namespace, NAME)
        self._names = names
        self._clock = clock
        self._authorities: list[Authority] = []
        self._signer: Authority | None = None
        self._serves_until = datetime.min.replace(tzinfo=UTC)

    @property
    def bundle(self) -> str:
        """All that pods are to trust, as PEM."""
        return "".join(authority.certificate for authority in self._authorities)

    async def refresh(self) -> None:
        """Read, renew and sign what is due. Raises `KubeError`."""
        for _ in range(TRIES):
            try:
                self._authorities = await self._renew()
                break
            except Conflict:
                logger.info("another replica renewed the certificate authority first")
        if self._authorities:
            await asyncio.to_thread(self._sign)

    async def _renew(self) -> list[Authority]:
        now = self._clock()
        parent = secrets_in(self._key.namespace)
        body = await self._kube.find(self._key, parent)
        if body is None:
            authorities = renewed([], now)
            await self._kube.create(parent, self._body(authorities, {}))
            return authorities
        known = authorities_in(body)
        authorities = renewed(known, now)
        if authorities != known:
            metadata = {"resourceVersion": body["metadata"]["resourceVersion"]}
            await self._kube.apply(secret_at(self._key), self._body(authorities, metadata))
            logger.info("the certificate authority was renewed")
        return authorities

    def _body(self, authorities: Sequence[Authority], metadata: Object) -> Object:
        content = base64.b64encode(msgspec.json.encode(authorities)).decode()
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self._key.name, "namespace": self._key.namespace, **metadata},
            "data": {FILE: content},
        }

    def _sign(self) -> None:
        """Show a fresh certificate to whoever connects from now on, if it is time."""
        now = self._clock()
        signer = signer_of(self._authorities, now)
        if signer == self._signer and self._serves_until - now > SERVING_RENEW_BEFORE:
            return
        certificate, key = serving_certificate(signer, self._names, now)
        with tempfile.TemporaryDirectory() as folder:  # OpenSSL reads keys from files only
            path = Path(folder, "serving.pem")
            path.touch(mode=0o600)
            path.write_text(key + certificate)
            self.tls.load_cert_chain(path)
        self._signer = signer
        self._serves_until = min(now + SERVING_LIFETIME, signer.until)


def authorities_in(body: Object) -> list[Authority]:
    """What the Secret holds; nothing where it is not as we would have written it."""
    try:
        content = base64.b64decode(body["data"][FILE], validate=True)
        found = msgspec.json.decode(content, type=list[Authority])
    except (KeyError, TypeError, ValueError):
        found = []
    whole = [authority for authority in found if authority.is_whole]
    if not whole:
        logger.warning("Secret %s held no certificate authority, a new one is made", NAME)
    return whole


def common_name(text: str) -> x509.Name:
    """A subject that says who it is, for people."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def san(name: str) -> x509.GeneralName:
    """A host by its name or its address."""
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """What a key may be used for."""
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


def pem(certificate: x509.Certificate) -> str:
    """A certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """A key as text."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
