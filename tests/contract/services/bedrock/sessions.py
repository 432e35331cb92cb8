"""Where temporary access keys come from: STS, and the agent of EKS Pod Identity.

Source: botocore's service model of `sts`, and its `ContainerProvider`.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiohttp import web

from contract.services.bedrock.refusals import refusal

if TYPE_CHECKING:
    from contract.services.bedrock.signing import Access

ACCOUNT = "123456789012"
VERSION = "2011-06-15"
ROLE_ARN = re.compile(r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]{1,512}")
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")
SHORTEST, LONGEST = 900, 43_200
"""Seconds for which a role may be asked."""
NEEDED = {
    "GetCallerIdentity": (),
    "AssumeRole": ("RoleArn", "RoleSessionName"),
    "AssumeRoleWithWebIdentity": ("RoleArn", "RoleSessionName", "WebIdentityToken"),
}
"""What each action must be told."""


@dataclass
class Sessions:
    """Gives out keys to `access`."""

    access: Access
    life: float = 3600.0
    """Seconds that the next keys live, whatever was asked for: a test cannot wait 15 minutes."""
    web_identity: str = "web-identity-token-0123456789"
    """The token of the workload, which STS believes."""
    pod_token: str = "pod-token-0123456789"
    """The authorization that the agent of Pod Identity believes."""
    calls: Counter[str] = field(default_factory=Counter)
    """How often each action was asked for; `credentials` is that of the agent."""
    issued: int = 0

    def issue(self) -> dict[str, str]:
        """New keys."""
        self.issued += 1
        key, secret, token = (
            f"{kind}-{self.issued:04d}" for kind in ("ASIASESSION", "secret", "token")
        )
        end = time.time() + self.life
        self.access.keys[key] = (secret, token)
        self.access.ends[key] = end
        written = datetime.fromtimestamp(end, UTC).isoformat(timespec="milliseconds")
        return {
            "AccessKeyId": key,
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": written.replace("+00:00", "Z"),
        }

    def answer_query(self, request: web.Request, form: dict[str, str], data: bytes) -> web.Response:
        """STS. Raises `Refusal`."""
        action = form.get("Action", "")
        if form.get("Version") != VERSION or action not in NEEDED:
            raise refusal(400, "InvalidAction", f"Could not find operation {action}")
        self.calls[action] += 1
        check_form(action, form)
        if action == "AssumeRoleWithWebIdentity":
            if form["WebIdentityToken"] != self.web_identity:
                raise refusal(400, "InvalidIdentityToken", "No valid token was given.")
        else:
            self.access.check(request, data, "sts")
        if action == "GetCallerIdentity":
            return xml(action, identity())
        return xml(action, session(form, self.issue()))

    def answer_pod(self, request: web.Request) -> web.Response:
        """The agent of Pod Identity, or ECS."""
        self.calls["credentials"] += 1
        if request.headers.get("authorization") != self.pod_token:
            raise refusal(401, "InvalidToken", "The authorization token is not valid.")
        keys = self.issue()
        return web.json_response({**keys, "Token": keys.pop("SessionToken")})


def check_form(action: str, form: dict[str, str]) -> None:
    """Raises `Refusal` for what the service model of STS does not allow."""
    missing = [name for name in NEEDED[action] if not form.get(name)]
    wrong = [
        name
        for name, pattern in (("RoleArn", ROLE_ARN), ("RoleSessionName", SESSION_NAME))
        if name in form and not pattern.fullmatch(form[name])
    ]
    seconds = form.get("DurationSeconds", str(SHORTEST))
    if not (seconds.isdigit() and SHORTEST <= int(seconds) <= LONGEST):
        wrong.append("DurationSeconds")
    if missing or wrong:
        named = ", ".join(missing + wrong)
        raise refusal(400, "ValidationError", f"1 validation error detected: {named}")


def identity() -> str:
    arn = f"arn:aws:iam::{ACCOUNT}:user/router"
    return f"<Arn>{arn}</Arn><UserId>AIDAROUTER</UserId><Account>{ACCOUNT}</Account>"


def session(form: dict[str, str], keys: dict[str, str]) -> str:
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in keys.items())
    role, name = form["RoleArn"].rpartition("/")[2], form["RoleSessionName"]
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"
    user = f"<AssumedRoleId>AROAROUTER:{name}</AssumedRoleId><Arn>{arn}</Arn>"
    return f"<Credentials>{fields}</Credentials><AssumedRoleUser>{user}</AssumedRoleUser>"


def xml(action: str, result: str) -> web.Response:
    """An answer of the query API."""
    space = f"https://sts.amazonaws.com/doc/{VERSION}/"
    text = (
        f'<{action}Response xmlns="{space}"><{action}Result>{result}</{action}Result>'
        f"<ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></{action}Response>"
    )
    return web.Response(content_type="text/xml", text=text)
