"""A pod that is about to be created, of which no more is read than an injection depends on."""

from __future__ import annotations

import msgspec


class Named(msgspec.Struct, frozen=True):
    """A variable or a volume."""

    name: str = ""


class ContainerPort(msgspec.Struct, frozen=True, rename="camel"):
    """A port that a container says it listens on."""

    container_port: int = 0
    protocol: str = "TCP"


class PodContainer(msgspec.Struct, frozen=True):
    """A container of a pod."""

    name: str = ""
    env: tuple[Named, ...] = ()
    ports: tuple[ContainerPort, ...] = ()


class OperatingSystem(msgspec.Struct, frozen=True):
    """The operating system that a pod is for."""

    name: str = "linux"


class PodSpec(msgspec.Struct, frozen=True, rename="camel"):
    """The specification of a pod."""

    containers: tuple[PodContainer, ...] = ()
    init_containers: tuple[PodContainer, ...] = ()
    volumes: tuple[Named, ...] = ()
    host_network: bool = False
    share_process_namespace: bool = False
    os: OperatingSystem = OperatingSystem()


class PodMetadata(msgspec.Struct, frozen=True):
    """The metadata of a pod."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class AdmittedPod(msgspec.Struct, frozen=True):
    """A pod that is about to be created."""

    metadata: PodMetadata = PodMetadata()
    spec: PodSpec = PodSpec()
