# SPDX-License-Identifier: MIT
"""A Debian as small as it comes, of the release that runs here; for who may make one."""
import os
import shutil
import tempfile

from outside import Failed, Missing, need, read

RELEASE = "/etc/os-release"
HELPER = "/usr/lib/apt/apt-helper"
SECONDS = 400  # for all packages, from a slow mirror


def _codename():
    lines = read(RELEASE).splitlines() if os.path.exists(RELEASE) else []
    said = dict(line.split("=", 1) for line in lines if "=" in line)
    if said.get("ID") != "debian" or not said.get("VERSION_CODENAME"):
        raise Missing("this is no Debian")
    return said["VERSION_CODENAME"]


def _mirror(place, codename):
    """The one that apt uses here, if it answers."""
    text = place.run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)",
                     "Identifier: Packages", "Origin: Debian", "Component: main",
                     "Codename: " + codename)
    mirrors = [line.split()[0] for line in text.splitlines() if line.split()[1:] == [codename]]
    if not mirrors:
        raise Missing("apt has no mirror of %s, or was never updated" % codename)
    try:
        place.run(HELPER, "-o", "Acquire::Retries=2", "download-file",
                  "%s/dists/%s/InRelease" % (mirrors[0].rstrip("/"), codename),
                  place.path("InRelease"), timeout=60)
    except Exception as why:
        raise Missing("%s does not answer" % mirrors[0]) from why
    return mirrors[0]


def alone(place, *argv, **how):
    """In namespaces of its own: what it mounts is gone with it, and so are its processes."""
    return place.run("unshare", "-mpf", "--kill-child", *argv, **how)


def _make(place, codename, tarball):
    mirror = _mirror(place, codename)
    where = tempfile.mkdtemp(prefix="making-", dir=os.path.dirname(tarball))
    try:
        root = os.path.join(where, "root")
        alone(place, "debootstrap", "--variant=minbase", codename, root, mirror, timeout=SECONDS)
        run_in(place, root, "apt-get -q update; apt-get clean", timeout=SECONDS)
        place.run("tar", "-C", root, "-cf", where + ".tar", ".", timeout=SECONDS)
        os.rename(where + ".tar", tarball)
    finally:
        shutil.rmtree(where, ignore_errors=True)


def minbase(place):
    """A fresh copy, in the place; the model is kept in the build directory."""
    if os.geteuid() != 0:
        raise Missing("only root may make a chroot")
    need("debootstrap", "unshare", "tar")
    codename = _codename()
    cache = os.path.join(place.build, "chroot")
    tarball = os.path.join(cache, codename + ".tar")
    os.makedirs(cache, exist_ok=True)
    try:
        place.run("unshare", "-mpf", "true")
    except Failed as why:
        raise Missing("no namespaces here") from why
    if os.path.exists(tarball):
        _mirror(place, codename)  # what is to be installed there comes from it
    else:
        _make(place, codename, tarball)
    root = place.path("chroot")
    os.mkdir(root)
    place.run("tar", "-C", root, "-xpf", tarball)
    shutil.copy("/etc/resolv.conf", root + "/etc/resolv.conf")
    return root


def run_in(place, root, script, **how):
    return alone(place, "sh", "-ec", 'mount -t proc proc "$0/proc"; '
                 'exec chroot "$0" env -u TMPDIR DEBIAN_FRONTEND=noninteractive sh -ec "$1"',
                 root, script, **how)
