"""Certificates for tests: an authority, and what it signs for servers and for users."""

import datetime
import itertools
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates and keeps them, with their keys, beside its own."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._numbers = itertools.count(1)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, file.stem)])
        constraint = x509.BasicConstraints(ca=True, path_length=0)
        signed = self._draft(self._name, self._key, 0, 30).add_extension(constraint, critical=True)
        self._write(file, signed)

    def server(self, *names: str, expired: bool = False) -> tuple[Path, Path]:
        """(certificate, key) of a server of these names; none: localhost."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        first, last = (-20, -10) if expired else (0, 30)
        known = x509.SubjectAlternativeName([x509.DNSName(name) for name in names or ("localhost",)])
        return self._keep("server", key, self._draft(subject, key, first, last).add_extension(known, critical=False))

    def user(self, name: str) -> tuple[Path, Path]:
        """(certificate, key) of a user of a database."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return self._keep("user", key, self._draft(subject, key, 0, 30))

    def _draft(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, first: int, last: int
    ) -> x509.CertificateBuilder:
        """Valid from so many days after yesterday to so many."""
        yesterday = datetime.datetime.now(datetime.UTC) - _DAY
        draft = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
        valid = draft.not_valid_before(yesterday + first * _DAY).not_valid_after(yesterday + last * _DAY)
        return valid.serial_number(x509.random_serial_number())

    def _keep(self, kind: str, key: ec.EllipticCurvePrivateKey, draft: x509.CertificateBuilder) -> tuple[Path, Path]:
        file = self.file.with_name(f"{self.file.stem}-{kind}-{next(self._numbers)}.pem")
        self._write(file, draft)
        written = file.with_suffix(".key")
        plain = serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        written.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
        written.chmod(0o600)
        return file, written

    def _write(self, file: Path, draft: x509.CertificateBuilder) -> None:
        file.write_bytes(draft.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
