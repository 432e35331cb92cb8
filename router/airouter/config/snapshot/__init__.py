"""The frozen contract between what people declare and what a router serves.

`compile.py` makes a snapshot of a `RouterConfig` and the secrets it names; the operator delivers
it, `store.py` holds the current one. It knows nothing of pydantic, Kubernetes or HTTP. References
are resolved here: a backend names a credential that exists, a tier is a list in the order in which
it is tried, durations are seconds, and a client's key is only its SHA-256.

A snapshot holds provider keys. It is written to a Secret alone; every `repr` leaves secrets out.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from airouter.config.budget import PeriodBudget
from airouter.config.snapshot.part import Limits, Part
from airouter.config.snapshot.token_clients import JwtClients, ServiceAccountClients, TokenIssuer

__all__ = ["Limits", "Part"]  # beside all that is defined here

SCHEMA_VERSION = 1
"""Raised when an older router could not read what this module writes."""


class Timeouts(Part, frozen=True):
    """Seconds that one attempt may take to connect, between bytes, in all.

    A stream has to begin within `first_byte`, and to say something within `first_token`, unless
    that is 0.0.
    """

    connect: float = 5.0
    first_byte: float = 60.0
    idle: float = 120.0
    total: float = 600.0
    first_token: float = 0.0


class TLS(Part, frozen=True):
    """Verification of the provider's certificate."""

    ca_pem: str | None = None
    server_name: str | None = None


class Mock(Part, frozen=True):
    """The answers of a Mock credential; see `providers/mock/`."""

    reply: str = "echo"
    tokens_per_second: float | None = None
    latency: float = 0.0
    error_percent: float = 0.0
    error_status: int = 500


class BanThreshold(Part, frozen=True):
    """The failures inside a window that lead to a ban, and its duration (seconds)."""

    max_attempts: int
    ban_duration: float


class Fail2ban(Part, frozen=True):
    """The policy for backends that keep failing; a status below 10 is a class: 5 is `5xx`."""

    default: BanThreshold = BanThreshold(max_attempts=3, ban_duration=60.0)
    window: float = 60.0
    status_codes: tuple[int, ...] = (401, 403, 429, 500, 502, 503, 504, 529)
    rules: tuple[tuple[int, BanThreshold], ...] = ()
    """By status."""
    error_rules: tuple[tuple[str, BanThreshold], ...] = ()
    """By the code of an error."""
    longest: float = 3600.0
    """Seconds up to which bans double."""
    whole_credential: bool = False
    """True where a ban is of all models of a credential."""
    bans_auth_failures: bool = True
    """True where a refused key is a ban at once."""


class AWS(Part, frozen=True):
    """The region in which Bedrock is called, and the role to assume."""

    region: str
    role_arn: str | None = None


class GCP(Part, frozen=True):
    """The location and project in which Vertex AI is called."""

    location: str
    project: str | None = None


class Credential(Part, frozen=True):
    """An account at a provider."""

    name: str
    type: str
    base_url: str | None = None
    addresses: tuple[str, ...] | None = None
    """Ready pods of its Service, as `10.0.0.7:8000`, whose name stays in `Host` and certificate;
    None where `base_url` says where it is."""
    secret: str | None = None
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    tls: TLS = TLS()
    api: tuple[str, ...] = ()
    aws: AWS | None = None
    gcp: GCP | None = None
    azure_api_version: str | None = None
    mock: Mock | None = None
    fail2ban: Fail2ban | None = None
    """None where the policy of all credentials holds."""

    def __repr__(self) -> str:
        return f"Credential(name={self.name!r}, type={self.type!r})"


class Backend(Part, frozen=True):
    """A credential that can answer for a model, and the model's name there."""

    credential: str
    upstream_name: str
    weight: int = 1
    limits: Limits = Limits()
    price: str = ""
    """The version of its price in `Snapshot.prices`; empty where that is not known."""


class Parameters(Part, frozen=True):
    """Changes to a request's own fields: set if absent, set always, taken out."""

    defaults: dict[str, Any] = msgspec.field(default_factory=dict)
    override: dict[str, Any] = msgspec.field(default_factory=dict)
    drop: tuple[str, ...] = ()


class TokenPrices(Part, frozen=True):
    """USD per million tokens, as decimals with at most six digits after the point.

    `costs.py` says what stands for one that is None.
    """

    input: str | None = None
    cached_input: str | None = None
    cache_write: str | None = None
    cache_write_1h: str | None = None
    output: str | None = None


class PriceTier(TokenPrices, frozen=True):
    """Prices of a request whose whole input has more tokens than `above_tokens`."""

    above_tokens: int = 0


class Price(TokenPrices, frozen=True):
    """The price of a backend; that of `image` is USD for each image."""

    audio_input: str | None = None
    audio_output: str | None = None
    image_input: str | None = None
    image_output: str | None = None
    image: str | None = None
    tiers: tuple[PriceTier, ...] = ()
    """By `above_tokens`, the lowest first. What a tier leaves out is as it is below it."""


class ModelMetadata(Part, frozen=True):
    """Facts about a model that do not decide how it is reached."""

    context_window: int | None = None
    max_output_tokens: int | None = None
    owned_by: str | None = None


class Compaction(Part, frozen=True):
    """Instructions by which a model summarises conversations; None means the router's own."""

    instructions: str | None = None


class Model(Part, frozen=True):
    """A name that clients may ask for."""

    name: str
    aliases: tuple[str, ...] = ()
    tiers: tuple[tuple[Backend, ...], ...] = ()
    """Backends of equal priority, best tier first; drained backends are left out."""
    fallbacks: tuple[str, ...] = ()
    limits: Limits = Limits()
    parameters: Parameters = Parameters()
    metadata: ModelMetadata = ModelMetadata()
    compaction: Compaction = Compaction()


class ModelLimits(Part, frozen=True):
    """Limits of one client's use of all models that a pattern matches."""

    models: str
    limits: Limits


class Group(Part, frozen=True):
    """Clients that have limits in common."""

    name: str
    limits: Limits
    budget: PeriodBudget | None = None


class BatchQueue(Part, frozen=True):
    """The number of requests that may wait for room, and the longest wait (seconds)."""

    length: int = 100
    max_wait: float = 60.0


class KeyGrant(Part, frozen=True):
    """A permission for RouterKeys: the models that they may use, and their limits together."""

    name: str
    models: tuple[str, ...] = ("*",)
    """Patterns of model names; a key has patterns of its own, and may use what both allow."""
    limits: Limits = Limits()  # of all keys of this grant together, as the budget
    budget: PeriodBudget | None = None


class FormerKey(Part, frozen=True):
    """The SHA-256 (hex) of a key that was replaced, and the Unix time until which it is good."""

    key_sha256: str
    expires_at: float

    def __repr__(self) -> str:
        return f"FormerKey(expires_at={self.expires_at!r})"


def tenant_of(client: str) -> str:
    """Return the owner of what a client stores and uses, which no built-in principal is."""
    return f"client/{client}"


class ClientKey(Part, frozen=True):
    """A client and the SHA-256 (hex) of its key."""

    name: str
    """`team-a` of a client that the RouterConfig names, `namespace/name` of a RouterKey."""
    key_sha256: str
    models: tuple[str, ...] = ("*",)
    limits: Limits = Limits()
    """Of a RouterKey: the lower of its own and its grant's."""
    model_limits: tuple[ModelLimits, ...] = ()
    groups: tuple[str, ...] = ()
    is_batch: bool = False  # whether its requests wait for room, and leave the last to others
    grant: str | None = None  # by which a RouterKey is good
    expires_at: float | None = None
    """Unix time at which the client ends, whichever key it uses; None for never."""
    former: FormerKey | None = None
    budgets: tuple[PeriodBudget, ...] = ()  # each for another period

    @property
    def tenant(self) -> str:
        """The owner of what it stores and uses."""
        return tenant_of(self.name)

    def __repr__(self) -> str:
        return f"ClientKey(name={self.name!r})"


class Auth(Part, frozen=True):
    """The keys that may ask. The master key may ask for everything."""

    master_sha256: str | None = None
    clients: tuple[ClientKey, ...] = ()
    """Each of another name. The grant that one names is in `grants`."""
    groups: tuple[Group, ...] = ()
    batch_queue: BatchQueue = BatchQueue()
    grants: tuple[KeyGrant, ...] = ()
    cluster: TokenIssuer | None = None
    """The issuer of the tokens of ServiceAccounts; None where no rule is for them."""
    service_accounts: tuple[ServiceAccountClients, ...] = ()
    jwt: tuple[JwtClients, ...] = ()
    anonymous: bool = False

    def __repr__(self) -> str:
        return f"Auth(clients={len(self.clients)}, anonymous={self.anonymous})"


class Hedge(Part, frozen=True):
    """The second attempts beside slow ones: after so many seconds, for a share of requests."""

    after: float
    percent: float = 5.0


class Retries(Part, frozen=True):
    """The policy for further attempts, all of them before the first byte."""

    attempts: int = 2
    """Times that backends which were tried are tried again."""
    on_status: tuple[int, ...] = (408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529)
    backoff_initial: float = 0.1
    backoff_max: float = 2.0
    budget_percent: float = 20.0
    """Such retries may be at most this share of a credential's requests."""
    max_retry_after: float = 10.0
    """The longest `Retry-After` that is waited for, in seconds."""
    fallback_on: tuple[str, ...] = ("context", "unavailable", "rateLimit")
    """Failures after which the fallbacks of a model are tried."""
    heartbeat: float = 15.0
    """The longest silence in a client's stream, in seconds; 0.0 for any."""
    hedge: Hedge | None = None
    joins_streams: bool = False
    """Whether another backend goes on with a stream that breaks in its middle."""


class Stickiness(Part, frozen=True):
    """Conversations that stay with their backend; one that moved stays there for `ttl` seconds."""

    enabled: bool = False
    ttl: float = 600.0


class ResponseStorage(Part, frozen=True):
    """The store of responses, their lifetime (seconds), and their number."""

    type: str = "Memory"
    ttl: float = 86400.0
    max_entries: int = 10_000


class Traces(Part, frozen=True):
    """Tracing; a ratio of None leaves it to OTEL_TRACES_SAMPLER, `redact` has paths of content."""

    sample_ratio: float | None = None
    capture_content: bool = False
    redact: tuple[str, ...] = ()


class Cors(Part, frozen=True):
    """Sites whose pages may ask; no `headers` means any, `max_age` is in seconds."""

    origins: tuple[str, ...]
    headers: tuple[str, ...] = ()
    max_age: float = 600.0


class Snapshot(Part, frozen=True):
    """The configuration that a router serves at one moment."""

    version: str = ""
    """SHA-256 (hex) of the content; set by `seal`."""
    serial: int = 0
    """Place among the snapshots of one resource, the greater the later; 0 for those of files."""
    credentials: tuple[Credential, ...] = ()
    models: tuple[Model, ...] = ()
    prices: dict[str, Price] = msgspec.field(default_factory=dict)
    """Prices by their versions, which tell where a price is from and a hash of it."""
    refuses_unpriced: bool = False
    """Whether backends without a price are left out."""
    auth: Auth = Auth()
    retries: Retries = Retries()
    fail2ban: Fail2ban | None = None
    stickiness: Stickiness = Stickiness()
    storage: ResponseStorage = ResponseStorage()
    sealing_keys: tuple[str, ...] = ()
    redis_url: str | None = None
    ledger: str = "Local"  # or Operator, Redis; or Auto: the operator, where one feeds the pod
    traces: Traces = Traces()
    answer_headers: bool = True
    """Whether clients are told which backend answered."""
    cors: Cors | None = None  # where no page of another site may ask

    def __repr__(self) -> str:
        return (
            f"Snapshot(version={self.version[:8]!r}, credentials={len(self.credentials)}, "
            f"models={len(self.models)})"
        )

    def seal(self, salt: str = "") -> Snapshot:
        """Return this snapshot with its version, which two equal contents share.

        A secret `salt` keeps a version that is shown to others from confirming a guess of the
        content.
        """
        # Without its serial, which counts publications: the same content has the same version.
        plain = msgspec.structs.replace(self, version="", serial=0)
        content = salt.encode() + msgspec.json.encode(plain, order="sorted")
        return msgspec.structs.replace(self, version=hashlib.sha256(content).hexdigest())
