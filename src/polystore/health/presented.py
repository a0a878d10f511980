"""The certificates that servers really present, which need not be those in any file."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from polystore.health.certificates import SOON, not_after
from polystore.types.reports import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.types.addresses import TlsAddress

_TIMEOUT: Final = 5.0


async def presented(
    backend: str, addresses: Sequence[TlsAddress], now: datetime | None = None
) -> list[Finding]:
    """Return a finding for the certificate of each server that speaks TLS.

    They are read and not trusted: an expired one could not be told of otherwise.

    Args:
        backend: Its name.
        addresses: Where its servers are.
        now: What time it is.
    """
    now = now or datetime.now(UTC)
    asked = [_finding(backend, address, now) for address in addresses]
    return [finding for finding in await asyncio.gather(*asked) if finding is not None]


async def _finding(backend: str, address: TlsAddress, now: datetime) -> Finding | None:
    where = f"the server at {address.host}:{address.port}"
    try:
        certificate = await asyncio.to_thread(read_certificate, address)
    except OSError as error:  # those of TLS are of this kind, too
        text = f"{where} shows no certificate: {error}"
        return Finding(backend, "server_certificate", "info", text)
    if certificate is None:
        return None
    end = not_after(certificate)
    text = f"{where} presents a certificate that"
    action = "Renew it on the server, before clients that check it are refused"
    if end <= now:
        text = f"{text} has expired on {end:%Y-%m-%d}"
        return Finding(backend, "server_certificate", "error", text, action=action)
    text = f"{text} expires on {end:%Y-%m-%d}, in {(end - now).days} days"
    if end - now < SOON:
        return Finding(backend, "server_certificate", "warning", text, action=action)
    return Finding(backend, "server_certificate", "ok", text)


def read_certificate(address: TlsAddress) -> bytes | None:
    """Return the certificate (DER) that a server presents; None if it does not speak TLS.

    Raises:
        OSError: It cannot be reached, or ends the conversation before it shows one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if address.cert is not None:
        password = address.key_password or ""  # never ask on the terminal
        context.load_cert_chain(address.cert, address.key, password=password)
    with socket.create_connection((address.host, address.port), timeout=_TIMEOUT) as wire:
        if address.question:
            wire.sendall(address.question)
            if wire.recv(len(address.consent)) != address.consent:
                return None
        name = address.server_name or address.host
        with context.wrap_socket(wire, server_hostname=name) as secure:
            return secure.getpeercert(binary_form=True)
