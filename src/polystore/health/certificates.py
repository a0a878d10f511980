"""When the certificates that a backend's block names expire."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from polystore.types.reports import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polystore.types.reports import Severity

SOON: Final = timedelta(days=30)
"""How long before its end a certificate is worth a warning."""
_KEYS: Final = ("root_cert", "cert")
"""What sections of TLS call the files of certificates."""
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_VERSION, _UTC_TIME = 0xA0, 0x17
_LONG_FORM = 0x80
_CENTURY_FROM: Final = 50
"""A year of two digits from here on is of the last century, as X.509 says."""


def expiring(backend: str, config: BaseModel, now: datetime | None = None) -> list[Finding]:
    """Return a finding for each configured certificate that has expired or soon will.

    Args:
        backend: Its name.
        config: Its block.
        now: What time it is.
    """
    now = now or datetime.now(UTC)
    found: list[Finding] = []
    for key, path in _files(config, ""):
        try:
            text = path.read_text(encoding="ascii", errors="replace")
        except OSError as error:
            message = f"{key}: {path} cannot be read: {error.strerror}"
            found.append(Finding(backend, "certificate", "error", message, action="Put it back"))
            continue
        ends = [not_after(der) for der in _certificates(text)]
        if ends:
            found += _told(backend, f"{key}: {path}", min(ends), now)
    return found


def _told(backend: str, what: str, end: datetime, now: datetime) -> Iterator[Finding]:
    severity: Severity
    if end <= now:
        severity, words = "error", f"has expired on {end:%Y-%m-%d}"
    elif end - now < SOON:
        severity, words = "warning", f"expires in {(end - now).days} days, on {end:%Y-%m-%d}"
    else:
        return
    action = "Replace the file, and open the clients anew"
    yield Finding(backend, "certificate", severity, f"{what} {words}", action=action)


def _files(config: BaseModel, prefix: str) -> Iterator[tuple[str, Path]]:
    """Yield the key and path of every file of certificates that a block and its sections name."""
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            yield from _files(value, f"{prefix}{name}.")
        elif name in _KEYS and isinstance(value, Path):
            yield f"{prefix}{name}", value


def _certificates(text: str) -> Iterator[bytes]:
    """Yield the certificates of a PEM file, which may hold keys and other things, too."""
    for part in text.split(_BEGIN)[1:]:
        body, end, _ = part.partition(_END)
        if end:
            yield ssl.PEM_cert_to_DER_cert(f"{_BEGIN}{body}{_END}\n")


def not_after(der: bytes) -> datetime:
    """Return the moment at which a certificate (X.509, DER) expires.

    The standard library tells it of connections only, and a parser of certificates is more than
    the core should need for one field.
    """
    certificate = _inside(der)
    rest = _inside(certificate)  # what is signed
    if rest[0] == _VERSION:
        _, rest = _element(rest)
    for _ in ("serial number", "algorithm", "issuer"):
        _, rest = _element(rest)
    validity, _ = _element(rest)
    _, after_begin = _element(_inside(validity))
    end, _ = _element(after_begin)
    text = _inside(end).decode("ascii")
    if end[0] == _UTC_TIME:
        text = ("19" if int(text[:2]) >= _CENTURY_FROM else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _element(data: bytes) -> tuple[bytes, bytes]:
    """Return the first element of DER, whole, and what follows it."""
    head, length = _header(data)
    return data[: head + length], data[head + length :]


def _inside(data: bytes) -> bytes:
    """Return what the first element of DER holds."""
    head, length = _header(data)
    return data[head : head + length]


def _header(data: bytes) -> tuple[int, int]:
    first = data[1]
    if first < _LONG_FORM:
        return 2, first
    more = first - _LONG_FORM
    return 2 + more, int.from_bytes(data[2 : 2 + more])
