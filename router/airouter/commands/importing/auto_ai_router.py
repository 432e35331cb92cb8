"""Auto AI Router, the one in Go: its credentials, its models bound to them, and its fail2ban.

Its documentation: https://mixaill76.github.io/auto_ai_router/.
"""

import re
from typing import Any

from airouter.commands.importing.reading import (
    ENVIRON,
    Values,
    foreign_text,
    items_in,
    limits_in,
    mapping_in,
    number_in,
    of_environ,
)
from airouter.commands.importing.translated import ROUTER_SECRET, Translated

TYPES = {
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "cometapi": "Anthropic",
    "gemini": "Gemini",
    "vertex-ai": "VertexAI",
    "bedrock": "Bedrock",
    "air": "Router",
    "proxy": "Router",
    "vllm": "OpenAICompatible",
}
OWN_ADDRESSES = frozenset({"", "https://api.openai.com", "https://api.openai.com/v1"})
REGION = re.compile(r"bedrock-runtime\.([a-z0-9-]+)\.")
FALLBACK_PRIORITY = 100
LONGEST_BAN = "720h"
SETTINGS = {
    "port": "AIROUTER_PORT",
    "max_body_size_mb": "AIROUTER_MAX_BODY_BYTES, in bytes",
    "request_timeout": "AIROUTER_REQUEST_TIMEOUT, in seconds",
    "idle_timeout": "AIROUTER_KEEP_ALIVE, in seconds",
    "logging_level": "AIROUTER_LOG_LEVEL",
}
"""Fields of `server` that are settings of the process here."""
ALIASES = ("model_alias", "public_model_alias", "accepted_model_alias")
ELSEWHERE = {
    "otel": "OTEL_EXPORTER_OTLP_ENDPOINT and its siblings: docs/observability.md",
    "monitoring": "/metrics is always there; the log has the errors",
    "health_service": "replicas tell each other of bans by themselves",
    "litellm_db": "there is no database; keys become clients or RouterKeys: docs/keys.md",
    "organization_policies": "models and limits of clients: docs/limits.md",
    "client_model_ids": "clients[].models",
}


def translate_auto_ai_router(document: Values) -> Translated:
    """Translate a configuration of Auto AI Router."""
    translated = Translated()
    names: dict[str, str] = {}
    for credential in items_in(document, "credentials"):
        name = translate_credential(credential, document, translated)
        if name is not None:
            names[foreign_text(credential, "name")] = name
    for model in items_in(document, "models"):
        translate_model(model, names, translated)
    if not translated.spec["models"]:
        why = "there the providers are asked for their models; declare each under spec.models here"
        translated.report.left_out("models", why)
    for group in ALIASES:
        for alias, name in mapping_in(document, group).items():
            translate_alias(alias, str(name), group, translated)
    translate_server(mapping_in(document, "server"), translated)
    translate_bans(mapping_in(document, "fail2ban"), translated)
    translate_redis_block(mapping_in(document, "redis"), translated)
    known = {"credentials", "models", "server", "fail2ban", "redis", *ALIASES}
    for name in sorted(document.keys() - known):
        translated.report.left_out(name, ELSEWHERE.get(name, "not known here"))
    return translated


def translate_credential(given: Values, document: Values, translated: Translated) -> str | None:
    """Translate a credential; returns its name here, None where its type is not known."""
    report, theirs = translated.report, foreign_text(given, "name")
    what = f"credentials[name={theirs}]"
    type_ = TYPES.get(foreign_text(given, "type"))
    if type_ is None:
        report.left_out(what, f"type {foreign_text(given, 'type') or 'absent'} is not known here")
        return None
    fields = fields_of_place(given, type_, what, translated)
    if limits := limits_in(given):
        fields["limits"] = limits
    fields |= order_of(given)
    bans = mapping_in(mapping_in(mapping_in(document, "fail2ban"), "credential_overrides"), theirs)
    if bans:
        fields["fail2ban"] = bans_of(bans)
    key = foreign_text(given, "api_key") or foreign_text(given, "credentials_json")
    if path := foreign_text(given, "credentials_file"):
        why = f"put it into the Secret: its key is {theirs}, its value the content of {path}"
        report.changed(f"{what}.credentials_file", why)
        key = "os.environ/GOOGLE_CREDENTIALS_JSON"
    for name in ("proxy_url", "request_headers", "auth_type"):
        if given.get(name):
            report.left_out(f"{what}.{name}", LEFT_OUT[name])
    name = translated.credential(theirs, fields, of_environ(key) if key else "")
    report.carried(f"{what} as credential {name} of type {fields['type']}")
    return name


LEFT_OUT = {
    "proxy_url": "proxies come from HTTPS_PROXY and NO_PROXY of the environment",
    "request_headers": "credentials[].headers, without secrets",
    "auth_type": "Anthropic is sent x-api-key; what wants a Bearer may be OpenAICompatible",
}


def fields_of_place(given: Values, type_: str, what: str, translated: Translated) -> dict[str, Any]:
    """Return the fields that say where a credential is used."""
    base = foreign_text(given, "base_url").rstrip("/")
    if ENVIRON.fullmatch(base):
        report = translated.report
        report.changed(f"{what}.base_url", "a baseURL is written out: replace REPLACE-ME")
        base = "https://REPLACE-ME.example.com"
    if type_ == "VertexAI":
        gcp = {"location": foreign_text(given, "location") or "global"}
        project = foreign_text(given, "project_id")
        return {"type": type_, "gcp": gcp | ({"project": project} if project else {})}
    if type_ == "Bedrock":
        region = REGION.search(base)
        return {"type": type_, "aws": {"region": region[1] if region else "us-east-1"}}
    if type_ == "Gemini" or (type_ == "OpenAI" and base in OWN_ADDRESSES):
        return {"type": type_}
    if type_ == "Anthropic":
        root = base.removesuffix("/v1")
        return {"type": type_} | ({"baseURL": root} if root else {})
    if ".openai.azure.com" in base:
        return {"type": "AzureOpenAI", "baseURL": base.partition("/openai")[0]}
    type_ = "OpenAICompatible" if type_ == "OpenAI" else type_
    return {"type": type_, "baseURL": base if base.endswith("/v1") else f"{base}/v1"}


def order_of(given: Values) -> dict[str, int]:
    """Return weight and priority; a fallback comes after all others."""
    found: dict[str, int] = {}
    if (weight := number_in(given, "weight")) is not None:
        found["weight"] = min(int(weight), 1000)
    if (priority := number_in(given, "priority")) is not None:
        found["priority"] = int(priority)
    if given.get("is_fallback") is True:
        found["priority"] = FALLBACK_PRIORITY + int(number_in(given, "fallback_priority") or 0)
    return found


def translate_model(given: Values, names: dict[str, str], translated: Translated) -> None:
    """Translate a model that is bound to a credential, or to all of them."""
    name, bound = foreign_text(given, "name"), foreign_text(given, "credential")
    what = f"models[name={name}]"
    if bound and bound not in names:
        translated.report.left_out(what, f"there is no credential {bound}")
        return
    backend: dict[str, Any] = {}
    if (upstream := foreign_text(given, "model")) and upstream != name:
        backend["upstreamName"] = upstream
    if (weight := number_in(given, "weight")) is not None:
        backend["weight"] = min(int(weight), 1000)
    if limits := limits_in(given):
        backend["limits"] = limits
    model = translated.model(name)
    for credential in [names[bound]] if bound else names.values():
        model["backends"].append({"credential": credential, **backend})
    if not bound:
        translated.report.changed(what, "a backend for each credential; leave out those without it")
    translated.report.carried(f"{what} as a model of that name")


def translate_alias(alias: str, name: str, group: str, translated: Translated) -> None:
    """Translate another name of a model."""
    what = f"{group}.{alias}"
    if alias == name:
        return
    if not translated.has_model(name) or translated.has_model(alias):
        translated.report.left_out(what, f"there is no model {name}, or one has this name already")
        return
    aliases = translated.model(name).setdefault("aliases", [])
    if alias not in aliases:
        aliases.append(alias)
    translated.report.carried(f"{what} as an alias of {name}")


def translate_server(server: Values, translated: Translated) -> None:
    """Translate the master key; the rest of it are settings of the process."""
    key = foreign_text(server, "master_key") or "os.environ/ROUTER_MASTER_KEY"
    reference = translated.secret(ROUTER_SECRET, "master", of_environ(key))
    translated.set("auth.masterKey.secretRef", reference)
    translated.report.carried("server.master_key as auth.masterKey")
    rpm = number_in(server, "default_models_rpm")
    if rpm:
        for model in translated.spec["models"]:
            model.setdefault("limits", {}).setdefault("rpm", int(rpm))
        translated.report.carried("server.default_models_rpm as limits.rpm of each model")
    for name in sorted(server.keys() - {"master_key", "default_models_rpm"}):
        if name in SETTINGS:
            translated.report.changed(f"server.{name}", SETTINGS[name])
        else:
            translated.report.left_out(f"server.{name}", "has no counterpart")


def translate_bans(bans: Values, translated: Translated) -> None:
    """Translate fail2ban."""
    if not bans:
        return
    translated.set("resilience.fail2ban", bans_of(bans))
    translated.report.carried("fail2ban as resilience.fail2ban")
    if foreign_text(bans, "ban_duration") == "permanent":
        what = f"{LONGEST_BAN}, the longest; a request tries the backend after that"
        translated.report.changed("fail2ban.ban_duration permanent", what)


def bans_of(bans: Values) -> dict[str, Any]:
    """Return a policy for bans."""
    found = threshold_of(bans)
    codes = bans.get("error_codes")
    if isinstance(codes, list):
        found["statusCodes"] = [code for code in codes if isinstance(code, int) and code >= 400]
    rules = [
        {"statusCode": rule["code"], **threshold_of(rule)}
        for rule in items_in(bans, "error_code_rules")
        if isinstance(rule.get("code"), int)
    ]
    return found | ({"rules": rules} if rules else {})


def threshold_of(given: Values) -> dict[str, Any]:
    """Return failures and the length of a ban."""
    found: dict[str, Any] = {}
    if attempts := number_in(given, "max_attempts"):
        found["maxAttempts"] = int(attempts)
    if length := foreign_text(given, "ban_duration"):
        found["banDuration"] = LONGEST_BAN if length == "permanent" else length
    return found


def translate_redis_block(redis: Values, translated: Translated) -> None:
    """Translate the Redis that replicas share, of several addresses the first."""
    if redis.get("enabled") is not True:
        return
    addresses = redis.get("addresses")
    address = str(addresses[0]) if isinstance(addresses, list) and addresses else "localhost:6379"
    password, user = foreign_text(redis, "password"), foreign_text(redis, "username")
    secret = f"{of_environ(user)}:{of_environ(password)}@" if password else ""
    scheme = "rediss" if redis.get("tls_enabled") is True else "redis"
    database = int(number_in(redis, "select_db") or 0)
    url = f"{scheme}://{secret}{of_environ(address)}/{database}"
    reference = translated.secret(ROUTER_SECRET, "redis", url)
    translated.set("redis.urlSecretRef", reference)
    translated.report.carried("redis as redis.urlSecretRef; limits are shared as there")
