"""Compiles `fail2ban`: the policy of all credentials, and those of single ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from airouter.config import snapshot
from airouter.config.resource import Fail2ban

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airouter.config.resource import Credential

LONGEST_BAN = 3600.0
"""Seconds up to which bans double where nothing is declared."""


def compile_fail2ban(declared: Fail2ban | None) -> snapshot.Fail2ban | None:
    """Compile `spec.resilience.fail2ban`."""
    if declared is None:
        return None
    thresholds = [
        (rule, snapshot.BanThreshold(rule.max_attempts, rule.ban_duration))
        for rule in declared.rules
    ]
    return snapshot.Fail2ban(
        default=snapshot.BanThreshold(declared.max_attempts, declared.ban_duration),
        window=declared.window,
        status_codes=tuple(declared.status_codes),
        rules=tuple((rule.status_code, each) for rule, each in thresholds if rule.status_code),
        error_rules=tuple((rule.error_code, each) for rule, each in thresholds if rule.error_code),
        longest=max(declared.max_ban_duration or LONGEST_BAN, declared.ban_duration),
        whole_credential=declared.scope == "Credential",
        bans_auth_failures=declared.on_auth_failure == "Ban",
    )


def with_own_bans(
    credentials: Mapping[str, snapshot.Credential],
    declared: Iterable[Credential],
    shared: Fail2ban | None,
) -> dict[str, snapshot.Credential]:
    """Return the credentials with the policies of those that have one of their own.

    What such a policy leaves open is as in `shared`, or at its default where there is none.
    """
    found = dict(credentials)
    for each in declared:
        if each.fail2ban is not None and each.name in found:
            given = {name: getattr(each.fail2ban, name) for name in each.fail2ban.model_fields_set}
            policy = compile_fail2ban((shared or Fail2ban()).model_copy(update=given))
            found[each.name] = replace(found[each.name], fail2ban=policy)
    return found
