"""Upgrade, uninstall, install again; and an operator that asks for one namespace only."""

from __future__ import annotations

from support.site import RELEASE, Site, models


async def test_routerconfigs_outlive_a_release(site: Site) -> None:
    await site.helm("uninstall", RELEASE, "--wait")
    names = await site.kubectl("get", "rcfg", "-o", "name")
    assert names.split() == ["routerconfig.airouter.dev/default"]
    await site.install()
    await site.until_ready()
    await site.until_programmed()
    assert await models(await site.url()) == ["echo", "slow"]


async def test_an_upgrade_brings_a_changed_crd(site: Site) -> None:
    crd = "crd/routerconfigs.airouter.dev"
    await site.kubectl("annotate", "--overwrite", crd, "airouter.dev/bundle-version=old")
    await site.install(router__podAnnotations={"another": "upgrade"})
    found = await site.get(crd)
    assert found["metadata"]["annotations"]["airouter.dev/bundle-version"] != "old"
    await site.until_programmed()


async def test_nothing_cluster_wide_is_asked_for_by_default(site: Site) -> None:
    selector = f"app.kubernetes.io/instance={RELEASE}"
    kinds = "clusterroles,clusterrolebindings"
    assert await site.kubectl("get", kinds, "-l", selector, "-o", "name") == ""
    roles = (await site.kubectl("get", "roles", "-l", selector, "-o", "name")).split()
    assert len(roles) == 1
