import hashlib
import re

import yaml

from support.commands import Airouter


def test_a_new_key_comes_with_its_digest_and_its_secret(airouter: Airouter) -> None:
    text = airouter("keys", "new", "--name", "team-a").output
    secret = yaml.safe_load(text)
    key = secret["stringData"]["api-key"]
    assert re.fullmatch("sk-air-[0-9a-f]{48}", key)
    assert hashlib.sha256(key.encode()).hexdigest() in text
    assert secret["metadata"] == {"name": "team-a-key"}


def test_no_two_keys_are_the_same(airouter: Airouter) -> None:
    assert airouter("keys", "new").output != airouter("keys", "new").output


def test_a_router_key_with_its_secret_is_served_from_a_file(airouter: Airouter) -> None:
    config = (
        "apiVersion: airouter.dev/v1alpha1\nkind: RouterConfig\nmetadata: {name: default}\nspec:\n"
        "  credentials: [{name: m, type: Mock}]\n"
        "  models: [{name: m, backends: [{credential: m}]}]\n"
        "  auth: {grants: [{name: shop, namespaces: {names: [shop]}}]}\n---\n"
    )
    made = airouter("keys", "new", "--name", "checkout", "--form", "routerkey", "-n", "shop").output
    checked = airouter("check", "-", "--strict", stdin=config + made)
    assert checked.output == "0 errors, 0 warnings; serves 1 model, 1 credential, 1 client\n"


def test_a_name_that_no_secret_may_have_is_refused_with_what_may_be(airouter: Airouter) -> None:
    for option, value in (("--name", "bad name"), ("--name", "Team_A"), ("--router", "a: b")):
        result = airouter("keys", "new", option, value)
        assert result.exit_code == 2
        assert f"{option}: is not " in result.stderr
        assert "lower-case letters, digits" in result.stderr
        assert "sk-air-" not in result.output
