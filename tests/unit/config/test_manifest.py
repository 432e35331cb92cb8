import hashlib

import pytest

from airouter.config.findings import Finding
from airouter.config.manifest import ManifestFile, check_manifest, compile_manifest
from support.full_manifest import FULL_YAML
from support.manifests import ROUTER_YAML, from_text, lines

ROUTER, SECRET = ROUTER_YAML.split("---\n")


def test_a_manifest_becomes_a_snapshot() -> None:
    found = from_text(ROUTER_YAML)
    assert found.findings == ()
    assert found.snapshot is not None
    assert [m.name for m in found.snapshot.models] == ["echo"]


def test_documents_may_stand_in_several_files_in_any_order() -> None:
    texts = [ManifestFile("b.yaml", SECRET.encode()), ManifestFile("a.yaml", ROUTER.encode())]
    assert compile_manifest(texts, {}) == from_text(ROUTER_YAML)


def test_a_byte_order_mark_is_no_text() -> None:
    assert from_text("\ufeff" + ROUTER_YAML).findings == ()


def test_a_finding_has_the_line_of_its_field() -> None:
    text = ROUTER_YAML.replace("    type: Mock\n", "    type: Mock\n    weight: 5 kg\n")
    assert lines(from_text(text)) == [
        (
            "router.yaml:8: error: spec.credentials[name=mock].weight: is a string "
            "(fix: use a whole number)"
        ),
        (
            "router.yaml:11: error: spec.models[name=echo].backends: no usable backend: "
            "every request gets a 503"
        ),
        (
            "router.yaml:11: warning: spec.models[name=echo].backends[0].credential: "
            "credential mock was dropped"
        ),
    ]


def test_a_finding_about_what_is_not_there_has_the_line_around_it() -> None:
    found = from_text(ROUTER_YAML.replace("{name: keys, key: master}", "{}"))
    assert lines(found)[0] == (
        "router.yaml:12: error: spec.auth.masterKey.secretRef.name: is required "
        "(fix: add it: Name of the Secret)"
    )


def test_a_finding_of_compiling_has_a_line_too() -> None:
    found = from_text(ROUTER_YAML.replace("{name: keys, key: master}", "{name: keys, key: x}"))
    assert found.snapshot is None
    assert lines(found) == [
        (
            "router.yaml:12: error: spec.auth.masterKey.secretRef: Secret 'keys' has no usable "
            "key 'x' (fix: use one of: master)"
        )
    ]


def test_a_missing_variable_is_told_where_it_is_wanted() -> None:
    found = from_text(ROUTER_YAML.replace("sk-master", "${MASTER}"))
    assert lines(found)[1] == (
        "router.yaml:18: error: stringData.master: the environment has no variable 'MASTER' "
        "(fix: set MASTER where this runs, or use $${ for a literal ${)"
    )


def test_a_variable_that_is_there_is_used() -> None:
    text = ROUTER_YAML.replace("sk-master", "${MASTER}")
    assert from_text(text, {"MASTER": "sk-master"}) == from_text(ROUTER_YAML)


def test_a_key_given_twice_drops_what_it_stands_in() -> None:
    text = ROUTER_YAML.replace("    type: Mock\n", "    type: Mock\n    type: OpenAI\n")
    found = from_text(text)
    assert found.snapshot is not None
    assert found.snapshot.credentials == ()
    assert lines(found)[0] == (
        "router.yaml:8: error: spec.credentials[name=mock].type: is given twice "
        "(fix: give each key once)"
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n---\n", SECRET])
def test_there_must_be_a_router_config(text: str) -> None:
    found = from_text(text)
    assert found.snapshot is None
    assert lines(found) == [
        (
            "error: there is no RouterConfig in what was given (fix: add a document with "
            "apiVersion: airouter.dev/v1alpha1 and kind: RouterConfig)"
        )
    ]


def test_there_is_one_router_config() -> None:
    found = from_text(f"{ROUTER_YAML}---\n{ROUTER}")
    assert found.snapshot is None
    assert lines(found) == [
        "router.yaml:20: error: is another RouterConfig (fix: keep one in all files together)"
    ]


def test_of_two_secrets_with_one_name_the_first_counts() -> None:
    found = from_text(f"{ROUTER_YAML}---\n{SECRET.replace('sk-master', 'sk-other')}")
    first = from_text(ROUTER_YAML)
    assert found.snapshot == first.snapshot
    assert lines(found) == [
        (
            "router.yaml:22: error: metadata.name: is the name of another Secret "
            "(fix: use a unique name)"
        )
    ]


def test_a_secret_of_the_wrong_form_is_told_and_not_used() -> None:
    found = from_text(ROUTER_YAML.replace("stringData", "stringdata"))
    assert lines(found) == [
        ("router.yaml:12: error: spec.auth.masterKey.secretRef: there is no usable Secret 'keys'"),
        "router.yaml:17: error: stringdata: is not a known field (fix: use stringData)",
    ]


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        (
            "airouter.dev/v1alpha1",
            "airouter.dev/v1",
            "router.yaml:1: error: apiVersion: is not a known value (fix: use one of: airouter.dev",
        ),
        (
            "kind: RouterConfig",
            "kind: RouterConfg",
            "router.yaml:2: error: kind: is not a known value (fix: use one of: RouterConfig)",
        ),
        (
            "metadata: {name: default}",
            "metadata: {}",
            "router.yaml:3: error: metadata.name: is required (fix: add it: Name of the object)",
        ),
    ],
)
def test_a_router_config_of_the_wrong_form_is_told_apart(old: str, new: str, finding: str) -> None:
    found = from_text(ROUTER_YAML.replace(old, new))
    assert found.snapshot is None
    assert lines(found)[0].startswith(finding)


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("v1", "Namespace"),
        ("v1", "Service"),
        ("v1", "ServiceAccount"),
        ("v1", "ResourceQuota"),
        ("apps/v1", "Deployment"),
        ("external-secrets.io/v1", "ExternalSecret"),
        ("bitnami.com/v1alpha1", "SealedSecret"),
    ],
)
def test_other_kinds_are_left_alone(version: str, kind: str) -> None:
    found = from_text(f"{ROUTER_YAML}---\napiVersion: {version}\nkind: {kind}\n")
    assert found.snapshot is not None
    assert lines(found) == []


@pytest.mark.parametrize(
    ("kind", "meant"),
    [("secret", "Secret"), ("Secrets", "Secret"), ("RouterConfg", "RouterConfig")],
)
def test_a_kind_that_resembles_ours_is_told(kind: str, meant: str) -> None:
    found = from_text(f"{ROUTER_YAML}---\napiVersion: v1\nkind: {kind}\n")
    assert lines(found) == [
        f"router.yaml:21: warning: kind: '{kind}' is ignored (fix: use {meant})"
    ]


ROUTER_KEY = """\
---
apiVersion: airouter.dev/v1alpha1
kind: RouterKey
metadata: {name: checkout, namespace: team-a}
spec:
  router: {name: default}
"""
GRANTED = ROUTER_YAML.replace(
    "auth:\n", "auth:\n    grants: [{name: teams, namespaces: {names: [team-a]}}]\n"
)
ISSUED = """\
---
apiVersion: v1
kind: Secret
metadata: {name: checkout}
stringData: {OPENAI_API_KEY: sk-checkout}
"""


def test_a_router_key_is_no_second_router_config() -> None:
    found = from_text(GRANTED + ROUTER_KEY)
    assert found.findings == ()
    assert found.snapshot is not None
    assert found.snapshot.auth.clients == ()


def test_a_router_key_whose_secret_is_in_the_file_is_served() -> None:
    found = from_text(GRANTED + ROUTER_KEY + ISSUED)
    assert found.findings == ()
    assert found.snapshot is not None
    assert [client.name for client in found.snapshot.auth.clients] == ["team-a/checkout"]


def test_router_keys_of_one_name_have_the_secrets_of_their_own_namespaces() -> None:
    granted = GRANTED.replace("names: [team-a]", "names: [team-a, team-b]")
    in_a = ROUTER_KEY + ISSUED.replace("checkout}", "checkout, namespace: team-a}", 1)
    found = from_text(granted + in_a + in_a.replace("team-a", "team-b").replace("sk-", "sk-b-"))
    assert found.findings == ()
    assert found.snapshot is not None
    digests = {client.name: client.key_sha256 for client in found.snapshot.auth.clients}
    assert digests == {
        "team-a/checkout": hashlib.sha256(b"sk-checkout").hexdigest(),
        "team-b/checkout": hashlib.sha256(b"sk-b-checkout").hexdigest(),
    }


def test_a_router_key_does_not_take_the_secret_of_another_namespace() -> None:
    issued = ISSUED.replace("checkout}", "checkout, namespace: team-b}", 1)
    found = from_text(GRANTED + ROUTER_KEY + issued)
    assert found.snapshot is not None
    assert found.snapshot.auth.clients == ()


def test_a_router_config_takes_the_secret_of_its_own_namespace() -> None:
    placed = ROUTER.replace("name: default}", "name: default, namespace: ai}")
    other = SECRET.replace("name: keys}", "name: keys, namespace: team-a}")
    own = SECRET.replace("name: keys}", "name: keys, namespace: ai}")
    found = from_text("---\n".join([placed, other.replace("sk-master", "sk-other"), own]))
    assert found.findings == ()
    assert found.snapshot == from_text(f"{placed}---\n{own}").snapshot


def test_a_router_key_that_no_grant_covers_is_told() -> None:
    (line,) = lines(from_text(ROUTER_YAML + ROUTER_KEY))
    assert line.startswith("router.yaml:23: error: spec: no grant of RouterConfig team-a/default")


def test_models_that_a_router_key_asks_for_in_vain_are_named_and_it_is_served() -> None:
    key = ROUTER_KEY + '  models: ["*", claude-x]\n'
    found = from_text(GRANTED + key + ISSUED)
    assert lines(found) == [
        "router.yaml:26: warning: spec.models: grant teams allows no model for claude-x "
        "(fix: take it out of spec.models, or ask the owner of the router for it)"
    ]
    assert found.snapshot is not None
    assert [client.name for client in found.snapshot.auth.clients] == ["team-a/checkout"]


@pytest.mark.parametrize("ending", ["-ledger", "-snapshot"])
def test_a_router_key_whose_secret_the_operator_would_not_write_is_told(ending: str) -> None:
    key = ROUTER_KEY + f"  secretName: default{ending}\n"
    issued = ISSUED.replace("checkout}", f"default{ending}}}", 1)
    found = from_text(GRANTED + key + issued)
    why = "a Secret whose name ends in -snapshot or -ledger is the operator's"
    fix = "give the key a secretName that ends otherwise"
    assert lines(found) == [f"router.yaml:26: error: spec.secretName: {why} (fix: {fix})"]
    assert found.snapshot is not None
    assert found.snapshot.auth.clients == ()
    named = ROUTER_KEY.replace("name: checkout", f"name: default{ending}")
    (line,) = lines(from_text(GRANTED + named))
    assert line == f"router.yaml:23: error: metadata.name: {why} (fix: {fix})"


def test_of_two_router_keys_with_one_name_the_first_counts() -> None:
    (line,) = lines(from_text(GRANTED + ROUTER_KEY + ROUTER_KEY))
    assert "metadata.name: is the name of another RouterKey (fix: use a unique name)" in line


def test_a_broken_router_key_is_told() -> None:
    told = lines(from_text(GRANTED + ROUTER_KEY.replace("router:", "rooter:")))
    assert "router.yaml:25: error: spec.rooter: is not a known field (fix: use router)" in told


LIST = """\
apiVersion: v1
kind: List
items:
- apiVersion: airouter.dev/v1alpha1
  kind: RouterConfig
  metadata: {name: default}
  spec:
    credentials: [{name: main, type: OpenAI, secretRef: {name: keys, key: openai}}]
    models: [{name: m, backends: [{credential: main}]}]
    auth: {anonymous: Allow}
- {apiVersion: v1, kind: Secret, metadata: {name: keys}, stringData: {openai: sk}}
"""


def test_a_list_as_kubectl_prints_it_is_its_items() -> None:
    found = from_text(LIST)
    assert lines(found) == []
    assert found.snapshot is not None
    assert [model.name for model in found.snapshot.models] == ["m"]


def test_a_mistake_in_a_list_is_told_at_its_line() -> None:
    told = lines(from_text(LIST.replace("name: m,", "name: m, name: m,")))
    twice = "spec.models[name=m].name: is given twice (fix: give each key once)"
    assert f"router.yaml:9: error: {twice}" in told


def test_a_configuration_of_litellm_is_recognised() -> None:
    assert (
        "router.yaml:1: error: is a configuration of LiteLLM, not a RouterConfig "
        "(fix: translate it: airouter import FILE)"
    ) in lines(from_text("model_list: []\n"))


def test_several_router_configs_can_be_checked_together() -> None:
    other = ROUTER.replace("name: default", "name: other")
    texts = [ManifestFile("a.yaml", f"{ROUTER_YAML}---\n{other}".encode())]
    checked = check_manifest(texts, {})
    assert checked.findings == ()
    assert [name for name, _ in checked.configs] == ["default", "other"]
    assert all(compiled.snapshot is not None for _, compiled in checked.configs)


def test_secrets_can_be_left_aside() -> None:
    texts = [ManifestFile("a.yaml", FULL_YAML.encode())]
    checked = check_manifest(texts, {}, ignore_secrets=True)
    assert [str(f) for f in checked.findings if f.severity == "error"] == []
    assert checked.configs[0][1].snapshot is not None


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("hello", "router.yaml:20: error: is not a mapping (fix: use a RouterConfig or a Secret)"),
        ("a: 1", "router.yaml:20: error: kind: is required (fix: use RouterConfig or Secret)"),
        ("kind: 1", "router.yaml:20: error: kind: is required (fix: use RouterConfig or Secret)"),
    ],
)
def test_what_is_no_object_is_an_error_and_the_rest_is_served(text: str, finding: str) -> None:
    found = from_text(f"{ROUTER_YAML}---\n{text}\n")
    assert found.snapshot is not None
    assert lines(found) == [finding]


def test_a_text_that_is_not_yaml_rejects_everything_and_hides_nothing() -> None:
    text = ROUTER_YAML.replace("type: Mock", "type: Mok")
    texts = [ManifestFile("a.yaml", text.encode()), ManifestFile("b.yaml", b"a: [")]
    found = compile_manifest(texts, {})
    assert found.snapshot is None
    assert [finding.place for finding in found.findings] == ["a.yaml:7", "b.yaml:1"]


def test_a_text_that_is_not_utf8_is_refused_with_its_line() -> None:
    found = compile_manifest([ManifestFile("a.yaml", b"a: 1\nb: \xff\n")], {})
    assert lines(found) == ["a.yaml:2: error: is not text in UTF-8"]


def test_what_could_not_be_brought_rejects_everything() -> None:
    known = [Finding("error", (), "cannot be read", file="b.yaml")]
    found = compile_manifest([ManifestFile("a.yaml", ROUTER_YAML.encode())], {}, known)
    assert found.snapshot is None
    assert lines(found) == ["b.yaml: error: cannot be read"]


def test_no_finding_repeats_a_secret() -> None:
    text = ROUTER_YAML.replace("sk-master", "sk-master  sk-master")
    assert "sk-master" not in "".join(lines(from_text(text)))


def test_a_text_does_not_show_its_content() -> None:
    assert repr(ManifestFile("a.yaml", b"sk-1")) == "ManifestFile(name='a.yaml')"
