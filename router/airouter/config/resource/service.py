"""`spec.credentials[].service` and `inferencePool`: model servers that run in the cluster."""

from typing import Annotated, Literal

from pydantic import Field

from airouter.config.resource.fields import Name, Part
from airouter.config.resource.http import ServicePath

Port = Annotated[int, Field(ge=1, le=65535)]


class Service(Part):
    """A Service of Kubernetes, whose pods are asked."""

    name: Name = Field(description="Name of the Service.")
    namespace: Name | None = Field(
        None, description="Its namespace. Default: that of the RouterConfig."
    )
    port: Port = Field(description="Port of the Service, by its number.")
    scheme: Literal["http", "https"] | None = Field(
        None,
        description="https for TLS. Default: by the appProtocol of the port, else http.",
    )
    path: ServicePath = Field("/v1", description="Root of the API. Default /v1.")


class InferencePool(Part):
    """An InferencePool (`inference.networking.k8s.io/v1`), whose pods are asked by HTTP, at /v1."""

    name: Name = Field(description="Name of the InferencePool.")
    namespace: Name | None = Field(
        None, description="Its namespace. Default: that of the RouterConfig."
    )
