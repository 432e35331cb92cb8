"""Failed requests to the API server, and what a person does about them.

No error repeats what the API server said of a request's content: it may quote a Secret.
"""

from __future__ import annotations

OWN_KINDS = ("routerconfigs", "routerkeys")
REFUSALS = (400, 403, 413, 422, 500)
"""Statuses of a write that is not taken; the last is that of a webhook that cannot be asked."""


class KubeError(Exception):
    """A request failed; `status` is 0 when the API server was not reached."""

    def __init__(self, what: str, status: int = 0) -> None:
        super().__init__(what)
        self.status = status


class TimedOut(KubeError):
    """No answer came in time. The request may have been carried out all the same."""


class NotFound(KubeError):
    """There is no such object, or no such resource."""


class Conflict(KubeError):
    """The object was changed by somebody else since it was read."""


def error_for_status(method: str, path: str, status: int) -> KubeError:
    """Return the error that an HTTP status stands for."""
    kinds: dict[int, type[KubeError]] = {404: NotFound, 409: Conflict}
    return kinds.get(status, KubeError)(f"{method} {path}: status {status}", status)


def is_write_refusal(error: KubeError) -> bool:
    """Return whether a write was not taken, though the API server was reached.

    It waits for a webhook that does not answer for as long as the webhook's owner has it wait.
    """
    return error.status in REFUSALS or isinstance(error, TimedOut)


def explain_refusal(secret: str, error: KubeError) -> str:
    """Return why a Secret was not written, and what would help."""
    answer = f"status {error.status}" if error.status else "no answer in time"
    fix = "see the operator's rights, quotas, admission policies and webhooks"
    return f"the API server does not take Secret {secret}: {answer} (fix: {fix})"


def explain_failure(action: str, error: KubeError) -> str:
    """Return why an action failed, and what would help."""
    if error.status == 404 and any(plural in str(error) for plural in OWN_KINDS):
        return "a CustomResourceDefinition is not installed: kubectl apply -f manifests/crds"
    if error.status == 401:
        return f"the API server does not take the operator's token ({error})"
    if error.status == 403:
        return f"the ServiceAccount may not {action}: see manifests/install/rbac.yaml ({error})"
    return f"the API server does not do as it is asked: {error}"
