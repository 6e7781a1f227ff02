"""Fits ops/nginx/nginx.conf to this machine. `python -m dev.nginx` has nginx check it, and drills serve through it."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dev import services

ROOT = Path(__file__).resolve().parent.parent
# On Debian nginx is outside the PATH of ordinary users.
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


def configuration(folder: Path, *, app: int, quick: int, http: int, https: int) -> Path:
    """Write the configuration with this machine's ports, and a certificate, into `folder`. The rest is as in
    production."""
    make_certificate(folder)
    text = (ROOT / "ops" / "nginx" / "nginx.conf").read_text()
    for there, here in {
        " /tmp/": f" {folder}/",
        "/etc/nginx/tls/": f"{folder}/",
        "app:8080": f"127.0.0.1:{app}",
        "quick:8080": f"127.0.0.1:{quick}",
        "listen 127.0.0.1:8081": f"listen unix:{folder}/health",
        "listen 8080": f"listen 127.0.0.1:{http}",
        "listen 8443": f"listen 127.0.0.1:{https}",
    }.items():
        if there not in text:
            raise SystemExit(f"nginx.conf has no {there!r} any more")
        text = text.replace(there, here)
    path = folder / "nginx.conf"
    path.write_text(text)
    return path


def make_certificate(folder: Path) -> None:
    """Write fullchain.pem and privkey.pem for localhost, self-signed and valid for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "privkey.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))


def main() -> int:
    """nginx's exit code. Without nginx it is 0, and in CI 1."""
    if NGINX is None:
        print("ops/nginx/nginx.conf is not checked: nginx is not installed")
        return 1 if os.environ.get("CI") else 0
    with services.temporary_folder() as folder:
        path = configuration(folder, app=1, quick=1, http=services.free_port(), https=services.free_port())
        return subprocess.run([NGINX, "-t", "-q", "-c", str(path)]).returncode


if __name__ == "__main__":
    sys.exit(main())
