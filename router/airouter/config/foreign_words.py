"""Words of other routers for what a RouterConfig calls otherwise, for those who come from there.

Most are LiteLLM's. A name that resembles one of them would often be a wrong guess: `api_base` is
not `api`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

FOREIGN_WORDS = {
    "apikey": "secretRef: {name: SECRET, key: KEY}",
    "key": "secretRef: {name: SECRET, key: KEY}",
    "apibase": "baseURL",
    "endpoint": "baseURL",
    "url": "baseURL",
    "apiversion": "azure: {apiVersion: ...}",
    "awsregionname": "aws: {region: ...}",
    "awsrolename": "aws: {roleARN: ...}",
    "vertexproject": "gcp: {project: ...}",
    "vertexlocation": "gcp: {location: ...}",
    "vertexcredentials": "secretRef: {name: SECRET, key: KEY}",
    "provider": "type",
    "customllmprovider": "type",
    "timeout": "timeouts: {total: ...}",
    "streamtimeout": "timeouts: {firstByte: ...}",
    "maxparallelrequests": "limits: {maxConcurrent: ...}",
    "rpm": "limits: {rpm: ...}",
    "tpm": "limits: {tpm: ...}",
    "order": "priority",
    "extraheaders": "headers",
    "modellist": "models",
    "modelname": "name",
    "model": "upstreamName",
    "litellmparams": "backends: [{credential: ...}]",
    "modelinfo": "metadata",
    "inputcostpertoken": "price: {input: ...}, in USD per million tokens",
    "outputcostpertoken": "price: {output: ...}, in USD per million tokens",
    "maxtokens": "maxOutputTokens",
    "maxinputtokens": "contextWindow",
    "generalsettings": "auth",
    "masterkey": "auth: {masterKey: {secretRef: ...}}",
    "routersettings": "resilience",
    "litellmsettings": "resilience",
    "numretries": "retries: {attempts: ...}",
    "allowedfails": "fail2ban: {maxAttempts: ...}",
    "cooldowntime": "fail2ban: {banDuration: ...}",
    "virtualkeys": "clients",
}
"""By the word in lower case, without hyphens and underscores."""

FOREIGN_DOCUMENTS = {
    "LiteLLM": frozenset({"model_list"}),
    "Auto AI Router (Go)": frozenset({"server", "credentials"}),
}
"""Configurations of other routers, and the fields by which they are known."""


def own_word(word: str, known: Collection[str]) -> str:
    """Return what stands for a word of another router, if it begins with a known field.

    Empty where nothing does. A known field in another spelling comes first.
    """
    plain = plain_word(word)
    for name in known:
        if plain_word(name) == plain:
            return name
    own = FOREIGN_WORDS.get(plain, "")
    return own if own.split(":", 1)[0] in known else ""


def plain_word(word: str) -> str:
    """Return a word without its case, hyphens and underscores."""
    return word.lower().replace("_", "").replace("-", "")


def foreign_document(document: Mapping[str, object]) -> str:
    """Return the name of the router that a document configures; empty if none is known."""
    for name, fields in FOREIGN_DOCUMENTS.items():
        if fields <= document.keys():
            return name
    return ""
