"""What Python says of a RouterConfig's values (grammars, rules), as the CRD says it.

These tables are what cannot be read off a pydantic model. The tests feed the same values to both
sides of an entry; rules between fields are tried by a real API server with the samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from airouter.config.providers import PROVIDER_TYPES, owners_of
from airouter.config.resource import Backend, Credential, Spec
from airouter.config.resource import fields as grammar
from airouter.config.resource.bans import (
    BanRule,
    ErrorCode,
    Fail2ban,
    Fail2banOverride,
    StatusOrClass,
)
from airouter.config.resource.budget import TimeZone, Usd
from airouter.config.resource.credential import BLOCKS, Timeouts, check_reply, check_type
from airouter.config.resource.http import OWN_HEADERS, BaseURL, HeaderName, HeaderValue, ServicePath
from airouter.config.resource.identities import AccountGlob, Audience, ClaimName, Issuer
from airouter.config.resource.model import ROUTED, check_drop, check_fields
from airouter.config.resource.namespaces import Namespaces
from airouter.config.resource.policies import Backoff, Origin, RedactedPath, RequestHeader
from airouter.config.resource.price import check_order
from airouter.config.resource.routerkey import (
    Lifetime,
    Moment,
    Overlap,
    Rotation,
    RouterKeySpec,
)
from support.crd.schema import INT_OR_STRING, PRESERVE, RULES, Schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Validator = AfterValidator | BeforeValidator

NAME = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
LABEL = "[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
OBJECT_NAME = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
MODEL_NAME = "[A-Za-z0-9@][A-Za-z0-9/._:@-]{0,252}"
UPSTREAM_NAME = r"[^\x00-\x20\x7f-\xa0](?:[^\x00-\x1f\x7f-\x9f]{0,251}[^\x00-\x20\x7f-\xa0])?"
URL = r"[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
PATH = '(/[!-"$->@-~]*)?'
CALL = r"tool:[^!-~]*[A-Za-z0-9_-]{1,64} [^!-~]*\{[\s\S]*\}[^!-~]*"
ANSWER = rf"(echo|text:[\s\S]*|{CALL}|tokens:[0-9]{{1,6}})"
REPLY = rf"(reasoning:[^\n]*\n?|(reasoning:[^\n]*\n)?{ANSWER})"
LATIN = r"([!-~\xa1-\xac\xae-\xff]([ -~\xa1-\xac\xae-\xff]*[!-~\xa1-\xac\xae-\xff])?)?"
ORIGIN = r"(\*|[a-z][a-z0-9+.-]*://[a-z0-9._~-]+(:[0-9]{1,5})?)"
REDACTED_PATH = r"\$((\.\.?([A-Za-z_][A-Za-z0-9_]*|\*))|\[(\*|[0-9]{1,4})\])+"
DURATION = "([0-9]{1,5}(h|m|s|ms)){1,4}"
LABEL_KEY = r"([a-z0-9.-]{1,253}/)?[^\\W_]([\\w.-]{0,61}[^\\W_])?"


def flat(metadata: Iterable[Any]) -> Iterator[Any]:
    """Bounds and validators, those inside a nested `Field()` too."""
    for each in metadata:
        yield from flat(each.metadata) if isinstance(each, FieldInfo) else (each,)


def text(pattern: str, most: int, *rules: str) -> Schema:
    """A string that matches a pattern as a whole, and how long such a string can be."""
    schema: Schema = {"pattern": f"^{pattern}$", "maxLength": most}
    return {**schema, RULES: ruled(*rules)} if rules else schema


def duration(least: str, most: str) -> Schema:
    """A duration within bounds."""
    rule = f"self >= duration('{least}') && self <= duration('{most}')"
    return {"type": "string", "format": "duration", **text(DURATION, 28, rule)}


def ruled(*rules: str) -> list[dict[str, str]]:
    """Rules as they stand in a schema, as far as they are compared."""
    return [{"rule": rule} for rule in rules]


def either(names: Iterable[str]) -> str:
    """Names as a list of CEL."""
    return "[" + ", ".join(f"'{name}'" for name in names) + "]"


def validator(annotation: Any) -> Validator:
    """The first validator of an annotated type, by which the tables know it."""
    return next(each for each in flat(annotation.__metadata__) if isinstance(each, Validator))


WITHOUT_DEFAULT_URL = [row.name for row in PROVIDER_TYPES.values() if row.needs_url]
WITH_SERVICE = [row.name for row in PROVIDER_TYPES.values() if row.takes_service]
WITH_FIXED_API = [row.name for row in PROVIDER_TYPES.values() if row.api_is_fixed]
RESERVED = (*sorted(ROUTED), "stream_options")
FREE_FIELDS: Schema = {
    PRESERVE: True,
    RULES: ruled(" && ".join(f"!has(self.{name})" for name in RESERVED)),
    "properties": {
        "model": {"type": "string", "maxLength": 1024},
        "stream": {"type": "boolean"},
        "stream_options": {"type": "object", "maxProperties": 64, PRESERVE: True},
    },
}
"""CEL sees only fields that are declared, so that those which are refused have to be."""

PORT = (
    "!isURL(self) || url(self).getPort() == '' || url(self).getPort().size() <= 5 && "
    "int(url(self).getPort()) >= 1 && int(url(self).getPort()) <= 65535"
)
COUNT = "int(self.substring(self.lastIndexOf(':') + 1))"
TOKENS = (
    r"!self.matches('^(reasoning:[^\\n]*\\n)?tokens:[0-9]{1,6}$') || "
    f"{COUNT} >= 1 && {COUNT} <= 100000"
)
OWN_HEADER = f"!(self.lowerAscii() in {either(sorted(OWN_HEADERS))})"

SCALARS: dict[Validator, Schema] = {
    validator(grammar.Name): text(NAME, 63),
    validator(grammar.ObjectName): text(OBJECT_NAME, 253),
    validator(grammar.DataKey): text("[A-Za-z0-9._-]{1,253}", 253),
    validator(grammar.ModelName): text(MODEL_NAME, 253),
    validator(grammar.ModelGlob): text(r"[A-Za-z0-9/._:@*?\[\]!-]{1,253}", 253),
    validator(grammar.UpstreamName): text(UPSTREAM_NAME, 253),
    validator(grammar.Line): text(r"[^\x00-\x1f\x7f-\x9f]{1,253}", 253),
    validator(grammar.LabelValue): text(f"({LABEL})?", 63),
    validator(grammar.Price): text(r"[0-9]{1,7}(\.[0-9]{1,6})?", 14),
    validator(Usd): text(r"([1-9][0-9]{0,5}(\.[0-9]{1,6})?|0\.0{0,5}[1-9][0-9]{0,3})", 13),
    validator(TimeZone): text("[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}", 96),
    validator(grammar.Ratio): text(r"(0(\.[0-9]{1,6})?|1(\.0{1,6})?)", 8),
    validator(grammar.Timeout): duration("1ms", "24h"),
    validator(grammar.Pause): duration("0s", "1h"),
    validator(grammar.Period): duration("1s", "720h"),
    validator(grammar.Lapse): duration("0s", "720h"),
    validator(Lifetime): duration("1h", "8760h"),
    validator(Overlap): duration("0s", "8760h"),
    validator(Moment): {"type": "string", "format": "date-time", "maxLength": 64},
    validator(BaseURL): text(URL + PATH, 2048, PORT),
    validator(ServicePath): text(PATH.removesuffix("?").strip("()"), 253),
    validator(HeaderName): text("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", 64, OWN_HEADER),
    validator(HeaderValue): text(LATIN, 1024),
    validator(AccountGlob): text(r"[a-z0-9.*?\[\]!-]{1,253}", 253),
    validator(Audience): text("[!-~]{1,253}", 253),
    validator(Issuer): text("[!-~]{1,512}", 512),
    validator(ClaimName): text("[!-~]{1,128}", 128),
    validator(Origin): text(ORIGIN, 253),
    validator(RedactedPath): text(REDACTED_PATH, 253),
    validator(ErrorCode): text("[A-Za-z0-9._-]{1,64}", 64),
    validator(StatusOrClass): {
        INT_OR_STRING: True,
        "minimum": 400,
        "maximum": 599,
        **text("[45]xx", 3),
    },
    validator(RequestHeader): text("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", 64),
    BeforeValidator(check_type): {"enum": list(PROVIDER_TYPES)},
    AfterValidator(check_reply): text(REPLY, 4096, TOKENS),
    AfterValidator(check_fields): FREE_FIELDS,
    AfterValidator(check_drop): {
        RULES: ruled(" && ".join(f"!('{name}' in self)" for name in sorted(ROUTED)))
    },
    AfterValidator(check_order): {RULES: ruled("self.map(tier, tier.aboveTokens).isSorted()")},
}
"""What a validator's grammar is as a schema."""

KEYS = {validator(grammar.LabelKey): f"self.all(key, key.matches('^{LABEL_KEY}$'))"}
"""What the grammar of a mapping's keys is as a rule."""

PARTS: dict[type[BaseModel], tuple[str, ...]] = {
    Spec: (
        "!has(self.responses) || !has(self.responses.storage) || "
        "self.responses.storage.type != 'Redis' || has(self.redis)",
        "!has(self.ledger) || !has(self.ledger.type) || self.ledger.type != 'Redis' || "
        "has(self.redis)",
    ),
    Credential: (
        *(
            f"!has(self.{block}) || self.type == '{owner}'"
            for block in BLOCKS
            for owner in owners_of(block, PROVIDER_TYPES)
        ),
        "has(self.baseURL) || has(self.service) || has(self.inferencePool) || "
        f"!(self.type in {either(WITHOUT_DEFAULT_URL)})",
        "!has(self.service) || !has(self.baseURL)",
        f"!has(self.service) || self.type in {either(WITH_SERVICE)}",
        "!has(self.inferencePool) || !has(self.baseURL) && !has(self.service)",
        f"!has(self.inferencePool) || self.type in {either(WITH_SERVICE)}",
        f"!has(self.api) || !(self.type in {either(WITH_FIXED_API)})",
        "!has(self.tls) || !(has(self.tls.caSecretRef) || has(self.tls.serverName)) || "
        "(!has(self.baseURL) || !self.baseURL.lowerAscii().startsWith('http://')) && "
        "(!has(self.service) || !has(self.service.scheme) || self.service.scheme == 'https') && "
        "!has(self.inferencePool)",
    ),
    Timeouts: (
        "(has(self.connect) ? self.connect : duration('5s')) <= "
        "(has(self.total) ? self.total : duration('600s'))",
    ),
    Backend: (
        "!(has(self.credential) && has(self.credentialSelector))",
        "has(self.credential) || has(self.credentialSelector)",
    ),
    BanRule: (
        "has(self.statusCode) || has(self.errorCode)",
        "!(has(self.statusCode) && has(self.errorCode))",
    ),
    Fail2ban: ("!has(self.maxBanDuration) || self.banDuration <= self.maxBanDuration",),
    Fail2banOverride: (
        "!has(self.maxBanDuration) || !has(self.banDuration) || "
        "self.banDuration <= self.maxBanDuration",
    ),
    Namespaces: (
        "!(has(self.names) && has(self.matchLabels))",
        "has(self.names) || has(self.matchLabels)",
    ),
    RouterKeySpec: (
        "has(self.secretName) == has(oldSelf.secretName) && "
        "(!has(self.secretName) || self.secretName == oldSelf.secretName)",
    ),
    Rotation: ("!has(self.overlap) || self.overlap <= self.every",),
    Backoff: ("self.initial <= self.max",),
}
"""The rules between the fields of a part."""
