"""Upgrade, uninstall, install again; and an operator that asks for one namespace only."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.site import CHART, RELEASE, Site, models


async def test_routerconfigs_outlive_a_release(site: Site) -> None:
    await site.helm("uninstall", RELEASE, "--wait")
    names = await site.kubectl("get", "rcfg", "-o", "name")
    assert "routerconfig.airouter.dev/default" in names.split()
    await site.install()
    await site.until_ready()
    await site.until_programmed()
    assert await models(await site.url()) == ["echo", "slow"]


async def test_an_upgrade_brings_a_changed_crd(site: Site, tmp_path: Path) -> None:
    changed = tmp_path / CHART.name
    shutil.copytree(CHART, changed)
    crd = changed / "files" / "crds" / "routerconfigs.airouter.dev.yaml"
    crd.write_text(crd.read_text().replace('bundle-version: "0.1.0"', 'bundle-version: "9.9.9"'))
    await site.install(changed)
    assert await bundle_version(site) == "9.9.9"
    await site.until_programmed()
    await site.install()
    assert await bundle_version(site) == "0.1.0"


async def bundle_version(site: Site) -> str:
    """Of the CRD that the cluster has."""
    found = await site.get("crd/routerconfigs.airouter.dev")
    return str(found["metadata"]["annotations"]["airouter.dev/bundle-version"])


async def test_no_right_in_the_cluster_is_given_to_a_release_by_default(site: Site) -> None:
    selector = f"app.kubernetes.io/instance={RELEASE}"
    assert await site.kubectl("get", "clusterrolebindings", "-l", selector, "-o", "name") == ""
    found = (await site.kubectl("get", "clusterroles", "-l", selector, "-o", "name")).split()
    # What Kubernetes' own roles have added to them, for people; nobody is bound to these.
    assert {name.rpartition(":")[2] for name in found} == {"edit", "view"}
    roles = (await site.kubectl("get", "roles", "-l", selector, "-o", "name")).split()
    assert len(roles) == 1
