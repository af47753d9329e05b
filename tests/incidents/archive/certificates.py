"""An authority of the tests' own and certificates that it signs."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _name(said: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, said)])


class Authority:
    """Its certificate is ``folder/NAME.pem``."""

    def __init__(self, folder: Path, name: str) -> None:
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _name(name)
        self.file = folder / f"{name}.pem"
        own = self._begun(name, self._key).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        usage = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
                              data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False)
        own = own.add_extension(usage, critical=True).add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _begun(self, name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        at = datetime.now(UTC)
        return (x509.CertificateBuilder().subject_name(_name(name)).issuer_name(self._name).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(at - timedelta(hours=1)).not_valid_after(at + timedelta(days=2)))

    def issue(self, folder: Path, address: str) -> None:
        """``folder/http.key`` and ``folder/http.crt`` of a server at ``address`` (IP)."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        signed = self._begun("server", key).add_extension(names, critical=False).add_extension(signer, critical=False).sign(self._key, hashes.SHA256())
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "http.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        (folder / "http.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
