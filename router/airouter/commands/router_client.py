"""A running router, asked as its clients ask it; what goes wrong is told with a remedy."""

import json
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

CONNECT, SILENCE = 5.0, 120.0
"""Seconds to connect, and between two pieces of an answer."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
EVENT = "data: "
END = "[DONE]"
LONGEST_ERROR = 65_536
OWN_METRIC = "airouter_build_info"
NO_ROUTER = "what answers there is no router"
NAME_ONE = " (fix: name the root of a router: --url)"


class RouterError(Exception):
    """A router that cannot be asked, or refuses: what and, where known, the remedy."""

    def __init__(self, what: str, status: int = 0) -> None:
        """`status` is that of a refusal; 0 for anything else."""
        super().__init__(what)
        self.status = status


class RouterClient:
    """A connection to a router; to be entered, so that it is closed."""

    def __init__(self, url: str, key: str | None = None) -> None:
        """`url` is the root of the router, without /v1; `key` one of its keys."""
        self._url = url.rstrip("/").removesuffix("/v1")
        self._client = httpx.Client(
            headers={"authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(SILENCE, connect=CONNECT),
            trust_env=urlsplit(self._url).hostname not in LOOPBACK,  # no proxy leads there
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def text(self, path: str, accept: str = "*/*") -> str:
        """Return a page of any status, such as /metrics. Raises `RouterError`."""
        try:
            return self._client.get(f"{self._url}{path}", headers={"accept": accept}).text
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None

    def metrics(self) -> str:
        """Return the page of its metrics. Raises `RouterError`, also for what is no router."""
        page = self.text("/metrics")
        if OWN_METRIC not in page:
            raise RouterError(f"{self._url}: {NO_ROUTER}{NAME_ONE}")
        return page

    def models(self) -> list[str]:
        """Return the models that the key may use. Raises `RouterError`."""
        try:
            answer = self._client.get(f"{self._url}/v1/models")
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None
        if answer.status_code != 200:
            raise self._refused(answer.status_code, answer.content)
        try:
            return [str(model["id"]) for model in answer.json()["data"]]
        except (ValueError, LookupError, TypeError):
            raise self._foreign(answer.status_code) from None

    def chat(self, model: str, messages: list[dict[str, str]]) -> Iterator[str]:
        """Yield an answer as it comes. Raises `RouterError`, also in its middle."""
        body = {"model": model, "messages": messages, "stream": True}
        try:
            with self._client.stream(
                "POST", f"{self._url}/v1/chat/completions", json=body
            ) as answer:
                if answer.status_code != 200:
                    raise self._refused(answer.status_code, answer.read())
                for line in answer.iter_lines():
                    if line.startswith(EVENT) and line != EVENT + END:
                        yield from pieces_in(line.removeprefix(EVENT))
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None

    def _refused(self, status: int, body: bytes) -> RouterError:
        text = error_text(status, body)
        return RouterError(text, status) if text else self._foreign(status)

    def _foreign(self, status: int) -> RouterError:
        return RouterError(f"{self._url}: {NO_ROUTER}: status {status}{NAME_ONE}")

    def _unreachable(self, error: httpx.HTTPError) -> RouterError:
        if isinstance(error, httpx.ConnectError):
            what = f"no router answers at {self._url}"
            return RouterError(f"{what} (fix: start one, airouter serve, or name another: --url)")
        return RouterError(f"{self._url}: {error or type(error).__name__}")


def pieces_in(event: str) -> Iterator[str]:
    """Yield the text in an event of a chat's stream. Raises `RouterError` for an error in it."""
    said: dict[str, Any] = json.loads(event)
    if "error" in said:
        raise RouterError(str(said["error"].get("message")))
    for choice in said.get("choices", ()):
        yield choice.get("delta", {}).get("content") or ""


def error_text(status: int, body: bytes) -> str:
    """Return an error of a router in a line, with the remedy for a key that it does not know.

    Empty for a body that is none of a router.
    """
    try:
        message = json.loads(body[:LONGEST_ERROR])["error"]["message"]
    except (ValueError, LookupError, TypeError):
        return ""
    fix = " (fix: give a key of the router, --key or AIROUTER_KEY)" if status == 401 else ""
    return f"{status}: {message}{fix}"
