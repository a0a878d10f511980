"""Certificates that a block names, and when they expire."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from servers.certificates import Certificates

from polystore.config import BackendConfig
from polystore.config.sections import TlsFiles
from polystore.health.certificates import SOON, expiring, not_after

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


class Block(BackendConfig):
    tls: TlsFiles | None = None


@pytest.fixture
def block(tmp_path: Path) -> Block:
    made = Certificates.create(tmp_path, host="localhost", client="app")
    names = {"root_cert": "ca.pem", "cert": "client.pem", "key": "client.key"}
    files = {key: made.path(name) for key, name in names.items()}
    return Block(tls=TlsFiles.model_validate(files))


def ends(block: Block) -> datetime:
    assert block.tls is not None
    assert block.tls.cert is not None
    return x509.load_pem_x509_certificate(block.tls.cert.read_bytes()).not_valid_after_utc


def test_the_end_is_read_as_others_read_it(block: Block) -> None:
    assert block.tls is not None
    for path in (block.tls.root_cert, block.tls.cert):
        assert path is not None
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        der = certificate.public_bytes(Encoding.DER)
        assert not_after(der) == certificate.not_valid_after_utc


def test_far_from_the_end_nothing_is_told(block: Block) -> None:
    assert expiring("main", block, ends(block) - SOON - timedelta(days=1)) == []


def test_near_the_end_it_is_a_warning_and_then_an_error(block: Block) -> None:
    soon = expiring("main", block, ends(block) - timedelta(days=3, hours=1))
    assert {(f.check, f.severity) for f in soon} == {("certificate", "warning")}
    assert all("expires in" in f.message and f.action for f in soon)
    assert any(f.message.startswith("tls.cert: ") for f in soon)
    over = expiring("main", block, ends(block) + timedelta(days=1))
    assert "error" in {f.severity for f in over}
    assert any("has expired" in f.message for f in over)


def test_a_file_that_was_taken_away_is_not_passed_over(block: Block) -> None:
    assert block.tls is not None
    assert block.tls.cert is not None
    early = ends(block) - SOON - timedelta(days=1)
    block.tls.cert.unlink()
    (found,) = expiring("main", block, early)
    assert (found.severity, "tls.cert" in found.message) == ("error", True)


def test_a_block_without_files() -> None:
    assert expiring("main", Block()) == []
