from hashlib import sha256

from airouter.config.builtin import MASTER_KEY, compile_builtin


def test_the_built_in_manifest_has_nothing_to_complain_about() -> None:
    found = compile_builtin()
    assert found.findings == ()
    assert found.snapshot is not None
    assert found.snapshot.auth.master_sha256 == sha256(MASTER_KEY.encode()).hexdigest()


def test_every_built_in_model_answers_without_a_network() -> None:
    snapshot = compile_builtin().snapshot
    assert snapshot is not None
    assert {credential.type for credential in snapshot.credentials} == {"Mock"}
    assert all(model.tiers for model in snapshot.models)
