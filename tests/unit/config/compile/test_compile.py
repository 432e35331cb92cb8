"""Compiling as a whole."""

import copy
import time

import msgspec

from airouter.config.compile import compile_config
from airouter.config.loader import load_config
from airouter.config.snapshot import Snapshot
from support.manifests import SECRETS, client, compiled, credential, document, model, snapshot


def test_the_same_input_has_the_same_version() -> None:
    assert snapshot().version == snapshot().version
    assert len(snapshot().version) == 64


def test_the_order_of_keys_is_no_change() -> None:
    given = {"defaults": {"a": 1, "b": {"c": 1, "d": 2}}}
    turned = {"defaults": {"b": {"d": 2, "c": 1}, "a": 1}}
    first = snapshot(models=[model(parameters=given)])
    assert first.version == snapshot(models=[model(parameters=turned)]).version


def test_another_secret_is_another_version() -> None:
    credentials = [credential(secretRef={"name": "keys"})]
    first = snapshot(credentials=credentials)
    second = snapshot({("keys", "api-key"): "sk-other"}, credentials=credentials)
    assert first.version != second.version


def test_everything_that_can_be_declared_survives_being_written_down() -> None:
    found = snapshot(
        credentials=[credential(secretRef={"name": "keys"}, labels={"a": "b"})],
        auth={"clients": [client()]},
        resilience={"fail2ban": {"rules": [{"statusCode": 429}]}},
    )
    assert msgspec.json.decode(msgspec.json.encode(found), type=Snapshot) == found


def test_compiling_changes_nothing_in_its_input() -> None:
    config, secrets = load_config(document()).config, dict(SECRETS)
    assert config is not None
    before = copy.deepcopy(config)
    compile_config(config, secrets)
    assert (config, secrets) == (before, SECRETS)


def test_findings_come_in_a_stable_order() -> None:
    credentials = [credential("b"), credential("a"), credential()]
    assert [f.field for f in compiled(credentials=credentials).findings] == [
        "spec.credentials[name=a]",
        "spec.credentials[name=b]",
    ]


def test_a_thousand_models_on_a_hundred_credentials_compile_in_no_time() -> None:
    credentials = [credential(f"c{i}", labels={"tier": f"t{i % 4}"}) for i in range(100)]
    models = [
        model(
            f"m{i}",
            f"c{i % 100}",
            aliases=[f"a{i}"],
            fallbacks=[f"m{(i + 1) % 1000}"],
        )
        for i in range(1000)
    ]
    for each in models:
        each["backends"].append({"credentialSelector": {"matchLabels": {"tier": "t1"}}})
    config = load_config(document(credentials=credentials, models=models)).config
    assert config is not None
    started = time.process_time()
    assert compile_config(config, {}).snapshot is not None
    assert time.process_time() - started < 5  # 0.2 s, but for a loaded machine
