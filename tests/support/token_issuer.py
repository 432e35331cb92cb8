"""An issuer of tokens (JWT), with keys of its own."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk_of(private: Private, kid: str) -> dict[str, Any]:
    """The public half of a key."""
    public = private.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        jwk = jwt.algorithms.ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        jwk = jwt.algorithms.OKPAlgorithm.to_jwk(public, as_dict=True)
    return {**jwk, "kid": kid, "use": "sig"}


class Issuer:
    """Signs what a test wants signed."""

    def __init__(self, url: str, private: Private | None = None, algorithm: str = "RS256") -> None:
        self.url = url
        self.private = private or rsa_key()
        self.algorithm = algorithm

    @property
    def jwks(self) -> str:
        """Its public keys."""
        return json.dumps({"keys": [jwk_of(self.private, "one")]})

    def token(self, *, kid: str = "one", lifetime: float = 600.0, **claims: Any) -> bytes:
        """A token for `airouter`, unless the claims say otherwise."""
        now = time.time()
        content = {"iss": self.url, "aud": ["airouter"], "iat": now, "exp": int(now + lifetime)}
        headers = {"kid": kid}
        signed = jwt.encode({**content, **claims}, self.private, self.algorithm, headers)
        return signed.encode()
