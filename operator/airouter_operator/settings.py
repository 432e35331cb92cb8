"""Settings of the operator's process: where it watches, where it listens, how patient it is.

Each setting is read from the environment as `AIROUTER_OPERATOR_` and its name in capitals.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, Json, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from airouter import __version__
from airouter.config.trust import Trust

PREFIX = "AIROUTER_OPERATOR_"
LogLevel = Literal["debug", "info", "warning", "error"]
Resources = dict[str, dict[str, str | int | float]]
"""Requests and limits by the name of a resource, as in a pod."""
NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def own_namespace() -> str:
    """Return the namespace of the operator's pod; `default` outside of a cluster."""
    try:
        return NAMESPACE_FILE.read_text().strip()
    except OSError:
        return "default"


class OperatorSettings(BaseSettings):
    """Settings from the environment; times are seconds."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True
    )

    namespace: str = Field(
        default_factory=own_namespace,
        description="Namespace of the operator itself: of its lease and its certificate authority.",
    )
    pod_uid: str = Field(
        "",
        description="uid of the pod: a container that is restarted in it leads on at once.",
    )
    watch: str = Field(
        "",
        description="Namespaces to watch, separated by commas; * for the whole cluster. "
        "Default: the operator's own.",
    )
    kubeconfig: Path | None = Field(
        None,
        validation_alias=AliasChoices("AIROUTER_OPERATOR_KUBECONFIG", "KUBECONFIG"),
        description="Kubeconfig to use. Default: KUBECONFIG, or else the pod's ServiceAccount.",
    )
    stream_host: str = Field(
        "::", description="Address that pods poll; :: is every one of IPv4 and IPv6."
    )
    stream_port: int = Field(8443, ge=0, le=65535, description="Port that pods poll, TLS.")
    stream_url: str = Field(
        "",
        description="How pods reach that port. "
        "Default: https://<service>.<namespace>.svc:<stream_port>.",
    )
    tls_dir: Path | None = Field(
        None,
        description="Folder with tls.crt, tls.key and ca.crt, issued by somebody else for that "
        "host. Default: the operator has an authority of its own.",
    )
    router_url: str = Field(
        "http://auto-ai-router.{namespace}.svc",
        description="How clients reach a router that has no http.publicURL, for the Secrets of "
        "RouterKeys; {namespace} and {name} are those of its RouterConfig.",
    )
    service: str = Field("airouter-operator", description="Name of the operator's Service.")
    health_host: str = Field("::", description="Address of /healthz and /metrics; :: as above.")
    health_port: int = Field(8081, ge=0, le=65535, description="Port of /healthz and /metrics.")
    injector: bool = Field(
        False, description="Put routers into pods that ask for one (airouter.dev/inject)."
    )
    injector_host: str = Field(
        "::", description="Address at which the API server asks for that; :: as above."
    )
    injector_port: int = Field(9443, ge=0, le=65535, description="Port of the same, TLS.")
    injector_webhook: str = Field(
        "airouter-injector", description="Name of its MutatingWebhookConfiguration."
    )
    injector_image: str = Field(
        f"ghcr.io/airouter/auto-ai-router:{__version__}", description="Image of these routers."
    )
    injector_pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        "IfNotPresent", description="When that image is pulled."
    )
    injector_router_port: int = Field(
        14000, ge=1, le=65535, description="Port of these routers, on loopback in their pods."
    )
    injector_router_log_level: LogLevel = Field("info", description="What these routers log.")
    injector_run_as_user: Json[int | None] = Field(
        "65532",
        validate_default=True,
        description="User of these routers; null leaves it to the pod, the image or the cluster.",
    )
    injector_resources: Json[Resources] = Field(
        '{"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"memory": "256Mi"}}',
        validate_default=True,
        description="Requests and limits of these routers, as JSON.",
    )
    log_level: LogLevel = Field("info", description="The least severe message that is logged.")
    debounce: float = Field(0.01, ge=0, description="Quiet time before changes are compiled.")
    debounce_longest: float = Field(
        0.5, gt=0, description="After so long they are compiled though more come in."
    )
    concurrency: int = Field(8, ge=1, description="RouterConfigs that are reconciled at a time.")
    retry_first: float = Field(0.5, gt=0, description="Wait after a first failure; it doubles.")
    retry_longest: float = Field(60.0, gt=0, description="The longest wait after failures.")
    resync: float = Field(
        60.0, gt=0, description="How often all objects are listed, in case a watch missed some."
    )
    watch_patience: float = Field(
        90.0,
        gt=0,
        description="How long a watch that has missed a change may stay silent before /healthz "
        "fails.",
    )
    secret_grace: float = Field(
        300.0,
        ge=0,
        description="How long the last value of a Secret that is gone is used, in case it is being "
        "replaced.",
    )
    secrets_require_label: bool = Field(
        False,
        description="Read only Secrets with the label airouter.dev/allow=true for RouterConfigs.",
    )
    allowed_hosts: str = Field(
        "",
        description="Globs of hosts or URLs, separated by commas, at which a baseURL or a service "
        "may be. Default: all.",
    )
    poll_hold: float = Field(25.0, gt=0, le=50, description="How long a pod's poll is held open.")
    pod_grace: float = Field(
        5.0, gt=0, description="After so long without a poll a pod counts as gone."
    )
    pod_return: float = Field(
        8.0,
        gt=0,
        description="How long pods that another operator has known are waited for, where "
        "EndpointSlices do not tell which pods serve.",
    )
    max_pods: int = Field(2000, ge=1, description="Pods that one RouterConfig may have.")
    lease_duration: float = Field(
        3.0, ge=2, description="After so long without news another replica takes over."
    )

    @model_validator(mode="after")
    def _fits(self) -> OperatorSettings:
        if "*" in self.namespaces and self.namespaces != ("*",):
            raise ValueError("watch is either * or a list of namespaces")
        return self

    @field_validator("stream_url")
    @classmethod
    def _can_be_polled(cls, url: str) -> str:
        if url and not is_root(url):
            raise ValueError("pods poll an address like https://host:port")
        return url

    @field_validator("router_url")
    @classmethod
    def _can_be_filled_in(cls, url: str) -> str:
        try:
            filled = url.format(namespace="a", name="b")
        except (KeyError, IndexError, ValueError, AttributeError):
            raise ValueError("only {namespace} and {name} can be filled in") from None
        if not filled.startswith(("http://", "https://")):
            raise ValueError("clients ask an address like http://host:port")
        return url

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces to watch, or just `*`."""
        named = tuple(name.strip() for name in self.watch.split(",") if name.strip())
        return named or (self.namespace,)

    @property
    def trust(self) -> Trust:
        """The limits of what RouterConfigs may name."""
        hosts = tuple(glob.strip() for glob in self.allowed_hosts.split(",") if glob.strip())
        return Trust(self.secrets_require_label, hosts)

    @property
    def clusterwide(self) -> bool:
        """True if the whole cluster is watched."""
        return self.namespaces == ("*",)

    @property
    def scopes(self) -> list[str | None]:
        """The namespaces to watch, or None alone for the whole cluster."""
        return [None] if self.clusterwide else list(self.namespaces)

    @property
    def public_url(self) -> str:
        """The URL by which pods reach the stream, without a slash at the end."""
        own = f"https://{self.service_host}:{self.stream_port}"
        return (self.stream_url or own).rstrip("/")

    @property
    def hosts(self) -> list[str]:
        """The hosts that certificates are for: the one in that URL, and that of the Service."""
        public = urlsplit(self.public_url).hostname or "localhost"
        return list(dict.fromkeys([public, self.service_host]))

    @property
    def service_host(self) -> str:
        """The host by which the API server, and pods unless told otherwise, reach the operator."""
        return f"{self.service}.{self.namespace}.svc"


def is_root(url: str) -> bool:
    """Return whether paths can be requested over TLS below a URL."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
