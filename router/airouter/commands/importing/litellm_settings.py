"""LiteLLM's settings: of the router, of the library and of the server, where they have a meaning.

https://docs.litellm.ai/docs/proxy/config_settings lists them.
"""

from collections.abc import Iterator
from typing import Any

from airouter.commands.importing.reading import (
    Values,
    duration_text,
    foreign_text,
    items_in,
    mapping_in,
    number_in,
    of_environ,
)
from airouter.commands.importing.translated import ROUTER_SECRET, Translated

MOST_RETRIES = 5
MOST_FALLBACKS = 8
MOST_ALIASES = 16
FALLBACKS = {
    "fallbacks": "",
    "context_window_fallbacks": "context",
    "content_policy_fallbacks": "contentFilter",
}
"""Lists of fallbacks, and the only failure that they are for; empty for any."""
CARRIED = frozenset(
    {
        *("num_retries", "timeout", "request_timeout", "allowed_fails", "cooldown_time"),
        *("model_group_alias", "redis_host", "redis_port", "redis_password", "redis_url"),
        *("master_key", "default_fallbacks", *FALLBACKS),
    }
)
REASONS = {
    "include": "import each of the other files, too",
    "guardrails": "what is said is not looked into",
    "mcp_servers": "servers of MCP are not called",
    "pass_through_endpoints": "paths that are known are served, and no others",
    "retry_policy": "one number for all failures: resilience.retries.attempts",
    "allowed_fails_policy": "a rule for each status or code: resilience.fail2ban.rules",
    "drop_params": "parameters that a provider does not know are left out by themselves",
    "set_verbose": "AIROUTER_LOG_LEVEL=debug",
    "json_logs": "logs are JSON",
    "routing_strategy": "backends are drawn by weight, of two the less busy: docs/operations.md",
    "success_callback": "traces and metrics: docs/observability.md",
    "failure_callback": "traces and metrics: docs/observability.md",
    "callbacks": "traces and metrics: docs/observability.md",
    "max_budget": "budgets of clients and groups: docs/budgets.md",
    "budget_duration": "budgets of clients and groups: docs/budgets.md",
    "provider_budget_config": "budgets of clients and groups: docs/budgets.md",
    "cache": "answers are not cached",
    "database_url": "there is no database; virtual keys become RouterKeys: docs/keys.md",
    "store_model_in_db": "models are declared",
    "alerting": "alerts on metrics: docs/observability.md",
    "enable_pre_call_checks": "limits are always checked first",
}
"""Settings that nothing is made of, and what there is in their place."""


def translate_settings(document: Values, translated: Translated) -> None:
    """Translate all but `model_list`."""
    library, router, server = (
        mapping_in(document, name)
        for name in ("litellm_settings", "router_settings", "general_settings")
    )
    both = {**library, **router}
    translate_aliases(router, translated)
    translate_fallbacks(both, translated)
    translate_resilience(both, translated)
    translate_redis_settings(router, translated)
    translate_master_key(server, translated)
    variables = mapping_in(document, "environment_variables")
    if variables:
        what = f"environment_variables {', '.join(sorted(variables))}"
        translated.report.changed(what, "set them where the router runs")
    groups = {
        "litellm_settings": library,
        "router_settings": router,
        "general_settings": server,
    }
    for group, settings in groups.items():
        for name in sorted(settings.keys() - CARRIED):
            why = REASONS.get(name, "not known here")
            translated.report.left_out(f"{group}.{name}", why)
    known = {"model_list", "credential_list", "environment_variables", *groups}
    for name in sorted(document.keys() - known):
        translated.report.left_out(name, REASONS.get(name, "not known here"))


def translate_master_key(server: Values, translated: Translated) -> None:
    """Translate the key for everything; without one, LiteLLM lets everybody in."""
    key = foreign_text(server, "master_key")
    if key:
        reference = translated.secret(ROUTER_SECRET, "master", of_environ(key))
        translated.set("auth.masterKey.secretRef", reference)
        translated.report.carried("general_settings.master_key as auth.masterKey")
    else:
        translated.secret(ROUTER_SECRET, "master", "${ROUTER_MASTER_KEY}")
        reference = {"name": ROUTER_SECRET, "key": "master"}
        translated.set("auth.masterKey.secretRef", reference)
        what = "auth.masterKey of the variable ROUTER_MASTER_KEY; without a key, nobody is let in"
        translated.report.changed("general_settings without master_key", what)


def translate_aliases(router: Values, translated: Translated) -> None:
    """Translate other names of models."""
    for alias, meant in mapping_in(router, "model_group_alias").items():
        name = foreign_text(meant, "model") if isinstance(meant, dict) else str(meant)
        what = f"router_settings.model_group_alias.{alias}"
        if not translated.has_model(name):
            translated.report.left_out(what, f"there is no model {name}")
            continue
        aliases = translated.model(name).setdefault("aliases", [])
        if len(aliases) >= MOST_ALIASES or translated.has_model(alias):
            translated.report.left_out(what, "the model has too many, or the name is a model's")
            continue
        aliases.append(alias)
        translated.report.carried(f"{what} as an alias of {name}")


def translate_fallbacks(settings: Values, translated: Translated) -> None:
    """Translate the lists of fallbacks; here one list of a model is for all reasons that are on."""
    reasons = ["context", "unavailable", "rateLimit"]
    for field, reason in FALLBACKS.items():
        for name, others in fallbacks_in(settings, field):
            add_fallbacks(name, others, field, translated)
            if reason:
                what = f"tried after every failure of fallbackOn, not after {reason} alone"
                translated.report.changed(f"{field} of {name}", what)
            if reason == "contentFilter" and reason not in reasons:
                reasons.append(reason)
    if len(reasons) > 3:
        translated.set("resilience.fallbackOn", reasons)
    of_all = settings.get("default_fallbacks")
    if isinstance(of_all, list):
        for model in translated.spec["models"]:
            add_fallbacks(model["name"], list(map(str, of_all)), "default_fallbacks", translated)


def fallbacks_in(settings: Values, field: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the models of `[{model: [others]}]`, each with its fallbacks."""
    for item in items_in(settings, field):
        for name, others in item.items():
            if isinstance(others, list):
                yield name, [str(other) for other in others if not isinstance(other, dict)]


def add_fallbacks(name: str, others: list[str], field: str, translated: Translated) -> None:
    """Give a model fallbacks, as far as both are there."""
    if not translated.has_model(name):
        translated.report.left_out(f"{field} of {name}", "there is no such model")
        return
    fallbacks = translated.model(name).setdefault("fallbacks", [])
    for other in others:
        if other == name or other in fallbacks:
            continue
        if not translated.has_model(other) or len(fallbacks) >= MOST_FALLBACKS:
            translated.report.left_out(f"{field} {name}: {other}", "no such model, or too many")
            continue
        fallbacks.append(other)
        translated.report.carried(f"{field} {name}: {other}")
    if not fallbacks:
        del translated.model(name)["fallbacks"]


def translate_resilience(settings: Values, translated: Translated) -> None:
    """Translate retries, timeouts and the cooling down of deployments."""
    report = translated.report
    retries = number_in(settings, "num_retries")
    if retries is not None:
        translated.set("resilience.retries.attempts", min(int(retries), MOST_RETRIES))
        report.carried("num_retries as resilience.retries.attempts, at most 5")
    seconds = number_in(settings, "request_timeout") or number_in(settings, "timeout")
    if seconds:
        for credential in translated.spec["credentials"]:
            timeouts: dict[str, Any] = credential.setdefault("timeouts", {})
            timeouts.setdefault("total", duration_text(seconds))
            if seconds < 5:
                timeouts.setdefault("connect", duration_text(seconds))
        report.changed("timeout", "timeouts.total of each credential, which had none of its own")
    fails, pause = number_in(settings, "allowed_fails"), number_in(settings, "cooldown_time")
    if fails is not None or pause is not None:
        if fails is not None:
            translated.set("resilience.fail2ban.maxAttempts", int(fails) + 1)
        if pause:
            translated.set("resilience.fail2ban.banDuration", duration_text(max(1.0, pause)))
        report.changed("allowed_fails, cooldown_time", "resilience.fail2ban, whose bans double")


def translate_redis_settings(router: Values, translated: Translated) -> None:
    """Translate the Redis that replicas share."""
    url = foreign_text(router, "redis_url")
    host = foreign_text(router, "redis_host")
    if not url and not host:
        return
    if url:
        value = of_environ(url)
    else:
        password = foreign_text(router, "redis_password")
        port = of_environ(foreign_text(router, "redis_port") or "6379")
        secret = f":{of_environ(password)}@" if password else ""
        value = f"redis://{secret}{of_environ(host)}:{port}"
    reference = translated.secret(ROUTER_SECRET, "redis", value)
    translated.set("redis.urlSecretRef", reference)
    translated.report.carried("router_settings.redis_* as redis.urlSecretRef")
