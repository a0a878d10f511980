"""Where a server speaks TLS, and how to get it to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class TlsAddress:
    """A server that presents a certificate.

    Attributes:
        host: Its name or address.
        port: Where it listens.
        server_name: What it is asked for, where that is not the host.
        question: What has to be sent before TLS begins; b"" where it begins at once.
        consent: What is answered to that if the server speaks TLS.
        cert: The client's own certificate, which some servers insist on.
        key: Its private key.
        key_password: The key's password.
    """

    host: str
    port: int
    server_name: str | None = None
    question: bytes = b""
    consent: bytes = b""
    cert: Path | None = None
    key: Path | None = None
    key_password: str | None = field(default=None, repr=False)
