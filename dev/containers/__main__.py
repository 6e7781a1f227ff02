"""`make containers`: docs/deploy.md to the letter, with real Docker and Compose, on a machine made for it.

The machine is a Debian 13 in a folder, entered in namespaces of its own: its network leads nowhere, and all that runs
in it ends with this program. What it needs is fetched before: Debian's packages, the wheels of the lock, and the base
images, if a registry of images is reached (then skopeo fetches them); else stand-ins are made of packages
(stand_ins/Dockerfile). It takes the last commit, not the working tree. Root is needed, and Debian's mmdebstrap.

CONTAINERS names a folder that keeps what was fetched for the next run. The machine takes 7 GB where temporary files are
(TMPDIR=/dev/shm is quicker, if there is as much memory).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = "/srv/appmax-checkout"  # the operator's checkout, in the machine
IMAGES = ("python:3.13-slim", "postgres:16-alpine", "redis:7-alpine", "nginx:1.28-alpine")
OPERATOR = "docker.io,docker-cli,docker-compose,git,make,python3,openssl,procps,iproute2,iptables,ca-certificates"
STAND_INS = "python3-pip,python3-venv,nginx-light,redis-server,wget,util-linux"
LOOK_SECONDS = 20  # for a registry of images


def main() -> int:
    """The exit code of the run. Raises SystemExit with one line if something is missing."""
    if os.geteuid() or shutil.which("mmdebstrap") is None:
        raise SystemExit("make containers has to be run by root, and needs Debian's mmdebstrap and arch-test")
    with tempfile.TemporaryDirectory(prefix="appmax-containers-") as scratch:
        folder, machine = Path(os.environ.get("CONTAINERS") or scratch), Path(scratch) / "machine"
        debian, wheels = folder / "debian.tar", folder / "wheels"
        if not debian.exists():
            print("fetching Debian's packages", flush=True)
            command = ["mmdebstrap", "--quiet", "--variant=minbase", "--format=tar"]
            subprocess.run([*command, f"--include={OPERATOR},{STAND_INS}", "trixie", f"{debian}.part"], check=True)
            debian.with_name(f"{debian.name}.part").rename(debian)
        machine.mkdir()
        subprocess.run(["tar", "--extract", "--file", str(debian), "--directory", str(machine)], check=True)
        lock, fetched = ROOT / "requirements-run.txt", wheels / "requirements-run.txt"
        if not fetched.exists() or fetched.read_bytes() != lock.read_bytes():
            print("fetching the lock's wheels", flush=True)
            _fetch_wheels(machine, lock, wheels)
        _fill(machine, wheels)
        _fetch_images(machine / "srv" / "images")
        command = ["unshare", "--fork", "--pid", "--kill-child", "--mount", "--net", "--uts", "--ipc", "sh"]
        return subprocess.run([*command, str(Path(__file__).with_name("enter.sh")), str(machine), HERE]).returncode


def _fetch_wheels(machine: Path, lock: Path, wheels: Path) -> None:
    """Have the machine's own Python fetch them, which they have to fit; it uses this machine's way to PyPI."""
    for file in ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"):
        shutil.copy(file, machine / file[1:])
    (machine / "wheels").mkdir()
    shutil.copy(lock, machine / "wheels")
    own = {name: value for name, value in os.environ.items() if name in ("PIP_INDEX_URL", "PIP_CERT")}
    own["PATH"] = "/usr/sbin:/usr/bin:/bin"
    to_the_letter = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    pip = ["chroot", str(machine), "python3", "-m", "pip", "download", "--quiet", *to_the_letter]
    subprocess.run([*pip, "--dest", "/wheels", "-r", f"/wheels/{lock.name}"], env=own, check=True)
    shutil.rmtree(wheels, ignore_errors=True)
    shutil.move(machine / "wheels", wheels)


def _fill(machine: Path, wheels: Path) -> None:
    """Give the machine a checkout, and what the stand-ins are made of."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), f"{machine}{HERE}"], check=True)
    stand_ins = machine / "srv" / "stand_ins"
    shutil.copytree(ROOT / "dev" / "containers" / "stand_ins", stand_ins)
    shutil.copytree(wheels, stand_ins / "wheels")
    shutil.copytree(ROOT / "simulator", stand_ins / "simulator")


def _fetch_images(folder: Path) -> None:
    """Fetch the real images if their registry is reached."""
    folder.mkdir()
    look = ["skopeo", "inspect", "--raw", f"docker://docker.io/library/{IMAGES[0]}"]
    try:
        found = not subprocess.run(look, capture_output=True, timeout=LOOK_SECONDS).returncode
    except (FileNotFoundError, subprocess.TimeoutExpired):
        found = False
    print(f"base images: {'the real ones' if found else 'stand-ins, as skopeo reaches no registry'}", flush=True)
    for image in IMAGES if found else ():
        archive = f"docker-archive:{folder / image.replace(':', '-')}.tar:{image}"
        subprocess.run(["skopeo", "copy", "--quiet", f"docker://docker.io/library/{image}", archive], check=True)


if __name__ == "__main__":
    sys.exit(main())
