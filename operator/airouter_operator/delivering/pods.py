"""The pods that poll for a RouterConfig, and the version that each of them runs.

A poll that says "I run version V" is the acknowledgement of V. A pod is there while it polls, and
for a moment after, because it goes away between two polls to take a snapshot over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from airouter.config.delivery import Poll
    from airouter_operator.kube.objects import ObjectKey

REMOUNTED = 120.0
"""Seconds in which kubelet has put a new Secret into every pod that mounts it."""


class TooManyPods(Exception):
    """The RouterConfig has as many pods as it may have."""


class Rejection(NamedTuple):
    """A pod that cannot run a snapshot."""

    pod: str
    version: str
    reason: str


class Tally(NamedTuple):
    """The pods of one RouterConfig, with regard to one version."""

    connected: int = 0
    programmed: int = 0
    rejections: tuple[Rejection, ...] = ()
    missing: int = 0
    """Pods that serve, or served until lately, and are not connected."""

    @property
    def expected(self) -> int:
        """Pods that should run the version."""
        return self.connected + self.missing


class FormerPods(NamedTuple):
    """The pods of a RouterConfig that was deleted: its successor of that name may have them."""

    pods: int
    until: float


@dataclass
class Pod:
    """A pod's last poll, and when it was seen (seconds of the clock)."""

    poll: Poll
    seen: float
    polling: int = 0
    """Polls that are held open: two for a moment when one was cut unnoticed."""


class Pods:
    """The pods of all RouterConfigs."""

    def __init__(
        self, grace: float, most: int, clock: Callable[[], float], coming_back: float = 8.0
    ) -> None:
        """Take at most `most` pods for a RouterConfig; one is gone after `grace` without a poll.

        In `coming_back` seconds every pod of another operator has tried to connect to this one.
        """
        self.grace = grace
        self._coming_back = coming_back
        self._former: dict[ObjectKey, FormerPods] = {}
        self._most = most
        self._clock = clock
        self._pods: dict[ObjectKey, dict[str, Pod]] = {}
        self._since = clock()

    def begin(self, key: ObjectKey, poll: Poll) -> bool:
        """Begin a poll, and return whether it says something new. Raises `TooManyPods`."""
        pods = self._pods.setdefault(key, {})
        pod = pods.pop(poll.pod, None)
        if pod is None:
            self._make_room(pods)
            pod = Pod(poll, 0.0)
            news = True
        else:
            news = reported(poll) != reported(pod.poll)
        pods[poll.pod] = pod  # at the end: see `all_answer`
        pod.poll, pod.seen = poll, self._clock()
        pod.polling += 1
        return news

    def end(self, key: ObjectKey, name: str) -> None:
        """End a poll that was answered, or whose connection was lost."""
        pod = self._pods.get(key, {}).get(name)
        if pod is not None:
            pod.polling -= 1
            pod.seen = self._clock()

    def forget_gone(self, key: ObjectKey) -> bool:
        """Forget the pods that are gone, and return whether there were any."""
        pods = self._pods.get(key, {})
        gone = [name for name, pod in pods.items() if self._is_gone(pod)]
        for name in gone:
            del pods[name]
        if not pods:
            self._pods.pop(key, None)
        return bool(gone)

    def next_gone(self, key: ObjectKey) -> float | None:
        """Return the seconds until a pod is gone unless it polls; None where all of them do."""
        away = [pod.seen for pod in self._pods.get(key, {}).values() if pod.polling <= 0]
        return min(away) + self.grace - self._clock() if away else None

    def forget(self, key: ObjectKey) -> None:
        """Forget all pods of a RouterConfig that is gone, but how many there were."""
        now = self._clock()
        self._former = {k: former for k, former in self._former.items() if now < former.until}
        pods = self._pods.pop(key, None)
        if pods:
            self._former[key] = FormerPods(len(pods), now + REMOUNTED)

    def forget_all(self) -> None:
        """Forget all pods: those of another operator will come, or ours will go to another."""
        self._pods.clear()
        self._former.clear()
        self._since = self._clock()

    def may_come_back(self) -> bool:
        """Return whether pods may be connecting anew that another operator has known."""
        return self._clock() - self._since < self._coming_back

    def expected_back(self, key: ObjectKey, known: int) -> int:
        """Return how many pods are to be expected that were connected before.

        `known` is how many another operator has known.
        """
        former = self._former.get(key)
        if former is not None and self._clock() < former.until:
            return former.pods
        return known if self.may_come_back() else 0

    def tally(
        self, key: ObjectKey, version: str, serving: Collection[str] | None = (), known: int = 0
    ) -> Tally:
        """Count the pods that run a version, and list those that refuse it.

        `serving` are the names of all that should; where that is None, which is not known, `known`
        is how many another operator has known.
        """
        pods = self._pods.get(key, {})
        if serving is None:
            missing = max(0, self.expected_back(key, known) - len(pods))
        else:
            missing = sum(name not in pods for name in serving)
        return Tally(
            connected=len(pods),
            missing=missing,
            programmed=sum(pod.poll.version == version for pod in pods.values()),
            rejections=tuple(
                Rejection(name, version, pod.poll.reason)
                for name, pod in sorted(pods.items())
                if pod.poll.refused == version and pod.poll.version != version
            ),
        )

    def all_answer(self, key: ObjectKey, version: str) -> bool:
        """Return whether every pod runs a version or refuses it."""
        # This runs at every poll. The pods that polled longest ago come first, because they are
        # the ones that have not answered: so the first look is the last, usually.
        pods = self._pods.get(key, {})
        return all(version in (pod.poll.version, pod.poll.refused) for pod in pods.values())

    def count(self) -> int:
        """Return the number of pods of all RouterConfigs."""
        return sum(map(len, self._pods.values()))

    def _make_room(self, pods: dict[str, Pod]) -> None:
        if len(pods) >= self._most:
            for name in [name for name, pod in pods.items() if self._is_gone(pod)]:
                del pods[name]
        if len(pods) >= self._most:
            raise TooManyPods

    def _is_gone(self, pod: Pod) -> bool:
        return pod.polling <= 0 and self._clock() - pod.seen >= self.grace


def reported(poll: Poll) -> tuple[str, str]:
    """Return the version that a pod reports to run, and the one that it reports to refuse."""
    return poll.version, poll.refused
