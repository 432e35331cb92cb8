"""Tokens in place of keys: which are good, for whom, and for how long."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from airouter.auth import tokens as room
from airouter.auth.keyring import Keyring
from airouter.auth.principal import Principal
from airouter.auth.tokens import LEEWAY
from airouter.config.jwks import public_keys
from airouter.config.snapshot import Auth, ClientKey, Limits
from airouter.config.snapshot.token_clients import (
    JwtClients,
    ServiceAccountClients,
    TokenIssuer,
)
from airouter.failures import Failure
from support.token_issuer import Issuer

CLUSTER = Issuer("https://kubernetes.default.svc")
CORP = Issuer("https://login.example.com")
BATCH = ServiceAccountClients("batch", ("team-b",), ("batch-*",), models=("gpt-*",))
SUBJECT = "system:serviceaccount:team-b:batch-1"


def known(issuer: Issuer) -> TokenIssuer:
    return TokenIssuer(issuer.url, public_keys(issuer.jwks))


def an_auth(**fields: Any) -> Auth:
    return Auth(
        cluster=known(CLUSTER),
        service_accounts=(BATCH,),
        jwt=(JwtClients("corp", known(CORP), ("airouter", "other"), "client_id"),),
        **fields,
    )


def owner(token: bytes, auth: Auth | None = None) -> Principal:
    return Keyring(auth or an_auth()).authenticate({b"authorization": b"Bearer " + token})


def is_refused(token: bytes, auth: Auth | None = None) -> bool:
    with pytest.raises(Failure) as failed:
        owner(token, auth)
    assert token.decode() not in str(failed.value)
    return failed.value.status == 401


def test_a_service_account_is_a_client_of_its_own() -> None:
    found = owner(CLUSTER.token(sub=SUBJECT))
    assert found.name == SUBJECT
    assert found.tenant == f"client/{SUBJECT}"
    assert not found.is_master
    assert found.may_use("gpt-5")
    assert not found.may_use("claude")


def test_a_token_may_come_where_the_sdk_of_anthropic_puts_its_key() -> None:
    token = CLUSTER.token(sub=SUBJECT)
    assert Keyring(an_auth()).authenticate({b"x-api-key": token}).name == SUBJECT


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "system:serviceaccount:team-c:batch-1"},
        {"sub": "system:serviceaccount:team-b:web"},
        {"sub": "batch-1"},
        {"sub": SUBJECT, "aud": ["https://kubernetes.default.svc"]},
        {"sub": SUBJECT, "aud": "other"},
        {"sub": SUBJECT, "iss": "https://another.cluster"},
        {"sub": SUBJECT, "iss": CORP.url},
        {"sub": SUBJECT, "nbf": time.time() + 3600},
        {"sub": SUBJECT, "exp": None},
        {"sub": SUBJECT, "exp": "soon"},
        {"sub": SUBJECT, "exp": []},
        {"sub": SUBJECT, "exp": float("inf")},
        {"sub": SUBJECT, "nbf": {}},
    ],
)
def test_a_token_that_meets_no_rule_is_refused(claims: dict[str, Any]) -> None:
    assert is_refused(CLUSTER.token(**claims))


def test_a_token_that_has_ended_is_refused() -> None:
    assert is_refused(CLUSTER.token(sub=SUBJECT, lifetime=-LEEWAY - 5))


def test_a_token_of_another_cluster_with_the_same_issuer_is_refused() -> None:
    assert is_refused(Issuer(CLUSTER.url).token(sub=SUBJECT))


def test_a_key_that_is_not_known_is_refused() -> None:
    assert is_refused(CLUSTER.token(sub=SUBJECT, kid="two"))


def encoded(part: Any) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")


def forged(header: dict[str, Any], key: bytes | None) -> bytes:
    """A token that is signed with nothing, or with a shared secret."""
    claims = {"iss": CLUSTER.url, "aud": "airouter", "exp": int(time.time()) + 60, "sub": SUBJECT}
    content = encoded({**header, "kid": "one"}) + b"." + encoded(claims)
    signature = b"" if key is None else hmac.digest(key, content, hashlib.sha256)
    return content + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")


def test_a_token_that_is_not_signed_is_refused() -> None:
    for alg in ("none", "None", "NONE", ""):
        assert is_refused(forged({"alg": alg}, None))


def test_a_public_key_is_no_shared_secret() -> None:
    public = CLUSTER.private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for key in (pem, pem.strip(), CLUSTER.jwks.encode()):
        assert is_refused(forged({"alg": "HS256"}, key))


def test_a_token_brings_no_key_of_its_own() -> None:
    other = Issuer(CLUSTER.url)
    claims = {"iss": CLUSTER.url, "aud": "airouter", "exp": int(time.time()) + 60, "sub": SUBJECT}
    headers = {"kid": "one", "jwk": json.loads(other.jwks)["keys"][0], "jku": "http://127.0.0.1:9"}
    token = jwt.encode(claims, other.private, "RS256", headers)
    assert is_refused(token.encode())


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [
        (None, "RS512"),
        (None, "PS256"),
        (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    ],
)
def test_keys_of_every_kind_verify(private: Any, algorithm: str) -> None:
    issuer = Issuer("https://x", private, algorithm)
    auth = Auth(jwt=(JwtClients("x", known(issuer), ("airouter",)),))
    assert owner(issuer.token(sub="me"), auth).name == "jwt/x/me"


def test_the_claim_that_is_asked_for_is_the_client() -> None:
    found = owner(CORP.token(client_id="shop", aud="other"))
    assert (found.name, found.tenant) == ("jwt/corp/shop", "client/jwt/corp/shop")
    assert is_refused(CORP.token(sub="shop"))
    assert is_refused(CORP.token(client_id=["shop"]))
    assert is_refused(CORP.token(client_id="a\nline"))
    assert is_refused(CORP.token(client_id="x" * 254))


def test_a_claim_that_no_ledger_can_be_told_of_is_no_client() -> None:
    assert is_refused(CORP.token(aud="other", client_id="half a pair: \ud800"))


def test_the_first_rule_that_a_token_meets_counts() -> None:
    rules = (
        JwtClients("a", known(CORP), ("other",)),
        JwtClients("b", known(CORP), ("airouter",)),
        JwtClients("c", known(CORP), ("airouter",)),
    )
    assert owner(CORP.token(sub="me"), Auth(jwt=rules)).name == "jwt/b/me"


def test_keys_of_an_issuer_are_replaced_by_those_of_the_next_snapshot() -> None:
    later = Issuer(CLUSTER.url)
    both = json.dumps(
        {
            "keys": json.loads(CLUSTER.jwks)["keys"]
            + [{**json.loads(later.jwks)["keys"][0], "kid": "two"}]
        }
    )
    old, new = CLUSTER.token(sub=SUBJECT), later.token(sub=SUBJECT, kid="two")
    auth = an_auth()
    rotated = Auth(cluster=TokenIssuer(CLUSTER.url, public_keys(both)), service_accounts=(BATCH,))
    assert is_refused(new, auth)
    assert {owner(token, rotated).name for token in (old, new)} == {SUBJECT}


@pytest.mark.parametrize(
    "token",
    [
        b"..",
        b"a.b.c",
        b"ey.ey.ey",
        b"x" * 200_000,
        b"a." * 9_000,
        b"\xff.\xff.\xff",
        b".".join([encoded({"alg": "RS256", "kid": {"a": 1}}), encoded({"iss": ["x"]}), b"AA"]),
        encoded([]) + b"." + b"[" * 9_000 + b".x",
    ],
)
def test_what_is_no_token_is_refused(token: bytes) -> None:
    with pytest.raises(Failure):
        owner(token)


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def test_a_token_is_verified_once_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, met = Clock(), list[tuple[str, str, Limits]]()
    auth = an_auth()

    def meet(client: ClientKey, rule: str) -> None:
        met.append((client.name, rule, client.limits))

    ring = Keyring(auth, clock, meet)
    headers = {b"authorization": b"Bearer " + CLUSTER.token(sub=SUBJECT, lifetime=60)}
    first = ring.authenticate(headers)
    assert ring.authenticate(headers) is first
    assert met == [(SUBJECT, "serviceAccounts/batch", Limits())]
    clock.now += 61 + LEEWAY
    monkeypatch.setattr(room, "LEEWAY", -600.0)  # as if it were later
    with pytest.raises(Failure):
        ring.authenticate(headers)


def test_no_more_tokens_are_remembered_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "MOST_SEEN", 2)
    met: list[str] = []
    ring = Keyring(an_auth(), meet=lambda client, _: met.append(client.name))
    tokens = [CLUSTER.token(sub=f"system:serviceaccount:team-b:batch-{n}") for n in range(3)]
    for token in (*tokens, tokens[2], tokens[0]):
        ring.authenticate({b"authorization": b"Bearer " + token})
    assert len(met) == 4


def test_where_anonymous_requests_are_allowed_a_bad_token_is_one() -> None:
    assert owner(CLUSTER.token(sub="x"), an_auth(anonymous=True)).name == "anonymous"
