"""The API server's question to a webhook, and the answer: `AdmissionReview` (v1).

By kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec

from airouter_operator.injecting.admitted_pod import AdmittedPod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter_operator.injecting.patch import Addition
    from airouter_operator.kube.objects import Object


class AdmissionRequest(msgspec.Struct, frozen=True):
    """A request to create a pod."""

    uid: str
    namespace: str
    object: AdmittedPod


class AdmissionReview(msgspec.Struct, frozen=True):
    """The document that the API server posts."""

    request: AdmissionRequest


def allow(
    request: AdmissionRequest, additions: Sequence[Addition], warnings: Sequence[str]
) -> Object:
    """Return the answer: the pod may be created, with what is added to it."""
    response: Object = {"uid": request.uid, "allowed": True}
    if warnings:
        response["warnings"] = list(warnings)
    if additions:
        patch = msgspec.json.encode([addition.operation for addition in additions])
        response |= {"patchType": "JSONPatch", "patch": base64.b64encode(patch).decode()}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
