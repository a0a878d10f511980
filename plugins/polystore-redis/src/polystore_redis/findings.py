"""What doctor sees in a server: version, memory, whether writes last, replicas, encryption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from polystore.types.reports import Finding
from polystore_redis.errors import DRIVER_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polystore.types.reports import Severity
    from polystore_redis.connection import Server

NEWEST_TESTED: Final = {"redis": 7, "valkey": 9}
_FULL: Final = 0.9
_LOOPBACK: Final = ("localhost", "127.", "::1")


async def find(server: Server) -> list[Finding]:
    """Return everything worth knowing, good news included."""
    findings = [_version(server), _encryption(server)]
    for node, info in await _infos(server):
        findings += [_eviction(server.name, node, info), _memory(server.name, node, info)]
        findings += [_persistence(server, node, info), *_replication(server.name, node, info)]
    return findings


async def _infos(server: Server) -> list[tuple[str, dict[str, Any]]]:
    """Return what each primary tells of itself, with a name for it where there are many."""
    client = server.client
    if not server.facts.cluster:
        return [("", await _info(server, client))]
    nodes = client.get_primaries()
    return [(f"{n.name}: ", await _info(server, client, target_nodes=n)) for n in nodes]


async def _info(server: Server, client: Any, **where: Any) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = await client.info(**where)
    except DRIVER_ERRORS as error:
        raise server.translator.error(error) from error
    return answer


def _version(server: Server) -> Finding:
    facts = server.facts
    newest = NEWEST_TESTED[facts.engine]
    text = f"{facts.engine.capitalize()} {facts.version}"
    if int(facts.version.split(".")[0]) <= newest:
        return Finding(server.name, "version", "ok", text)
    return Finding(
        server.name, "version", "info", f"{text} is newer than {newest}, the newest tested"
    )


def _eviction(backend: str, node: str, info: dict[str, Any]) -> Finding:
    policy = str(info.get("maxmemory_policy", "unknown"))
    text = f"{node}maxmemory-policy is {policy}"
    if policy.startswith("allkeys-"):
        return Finding(
            backend,
            "eviction",
            "error",
            f"{text}: under pressure the server throws acknowledged data away",
            action="CONFIG SET maxmemory-policy noeviction, and in its configuration file",
        )
    if policy.startswith("volatile-"):
        return Finding(
            backend,
            "eviction",
            "warning",
            f"{text}: under pressure entries go before their time to live is over",
            action="CONFIG SET maxmemory-policy noeviction, unless that is what you want",
        )
    return Finding(backend, "eviction", "ok" if policy == "noeviction" else "info", text)


def _memory(backend: str, node: str, info: dict[str, Any]) -> Finding:
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    text = f"{node}{used / 2**20:.0f} MiB used"
    if not most:
        return Finding(backend, "memory", "info", f"{text}, no maxmemory is set")
    full = used > _FULL * most
    return Finding(
        backend,
        "memory",
        "warning" if full else "ok",
        f"{text} of {most / 2**20:.0f} MiB",
        action="Raise maxmemory, or delete data: writes are refused when it is full"
        if full
        else None,
    )


def _persistence(server: Server, node: str, info: dict[str, Any]) -> Finding:
    def told(severity: Severity, text: str, action: str | None = None) -> Finding:
        return Finding(server.name, "persistence", severity, f"{node}{text}", action=action)

    if info.get("aof_last_write_status", "ok") != "ok":
        return told("error", "the append-only file cannot be written", "See its log and disk")
    if not info.get("aof_enabled"):
        return told(
            "warning",
            "appendonly is off: a crash of the server loses what was written since its last "
            "snapshot, or everything",
            "CONFIG SET appendonly yes, and in its configuration file",
        )
    if server.facts.fsync == "always":
        return told("ok", "appendonly is on, each write is on the disk before its answer")
    how = "up to a second of" if server.facts.fsync == "everysec" else "some of"
    return told(
        "info",
        f"appendonly is on with appendfsync {server.facts.fsync}: a crash of the machine, not of "
        f"the server, may lose {how} the last acknowledged writes",
    )


def _replication(backend: str, node: str, info: dict[str, Any]) -> Iterator[Finding]:
    role = str(info.get("role", "unknown"))
    if role not in {"master", "primary"}:
        yield Finding(
            backend,
            "replication",
            "error",
            f"{node}the server is a replica: writes will be refused",
            action="Connect to the primary, or use `sentinel:` to find it",
        )
        return
    count = int(info.get("connected_slaves", 0))
    yield Finding(backend, "replication", "ok", f"{node}primary with {count} replicas")


def _encryption(server: Server) -> Finding:
    config = server.config
    if config.embedded is not False:
        return Finding(server.name, "encryption", "ok", "a Unix socket of this machine")
    url = "" if config.url is None else config.url.get_secret_value()
    if config.tls is not None or url.startswith("rediss:"):
        return Finding(server.name, "encryption", "ok", "connections use TLS")
    hosts = [*(config.cluster or ()), *(config.sentinel.hosts if config.sentinel else ())]
    hosts += [url.split("@")[-1].removeprefix("redis://")] if url.startswith("redis:") else []
    if all(host.startswith(_LOOPBACK) for host in hosts):
        return Finding(server.name, "encryption", "ok", "connections stay on this machine")
    return Finding(
        server.name,
        "encryption",
        "warning",
        "connections are not encrypted",
        action="Use rediss:// or `tls:`, unless the network is your own",
    )
