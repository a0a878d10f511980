"""What doctor sees in a server: version, load state, indexes, encryption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from polystore.types.reports import Finding
from polystore_milvus import collections
from polystore_milvus.columns import VECTOR
from polystore_milvus.protocol import common_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from polystore.specdiff import StoredSpec
    from polystore_milvus.connection import Server
    from polystore_milvus.names import Names

NEWEST_TESTED: Final = (2, 3)
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_STATES: Final[dict[int, str]] = {
    common_pb2.LoadStateNotLoad: "is not loaded",
    common_pb2.LoadStateLoading: "is being loaded",
}


async def find(
    server: Server, names: Names, stored: Sequence[StoredSpec], known: Iterable[StoredSpec]
) -> list[Finding]:
    """Return everything worth knowing, good news included.

    Args:
        server: The server.
        names: The names.
        stored: The stores to look at.
        known: All that the catalogue has.
    """
    findings = [_version(server), _encryption(server), *await _leftovers(server, names, known)]
    for store in stored:
        findings += await _store(server, store.spec.name, names.store(store))
    return findings


def _version(server: Server) -> Finding:
    facts = server.facts
    if facts.lite:
        text = f"Milvus Lite {facts.version}: for development, a few searches a second"
        return Finding(server.name, "version", "ok", text)
    text = f"Milvus {facts.version}"
    if facts.numbers is not None and facts.numbers <= NEWEST_TESTED:
        return Finding(server.name, "version", "ok", text)
    newest = ".".join(map(str, NEWEST_TESTED))
    return Finding(
        server.name, "version", "info", f"{text} is newer than {newest}, which is tested"
    )


def _encryption(server: Server) -> Finding:
    uri = server.config.uri
    if uri is None:
        return Finding(server.name, "encryption", "ok", "a Unix socket of this machine")
    if server.config.secure:
        return Finding(server.name, "encryption", "ok", "connections use TLS")
    if urlsplit(uri).hostname in _LOOPBACK:
        return Finding(server.name, "encryption", "ok", "connections stay on this machine")
    return Finding(
        server.name,
        "encryption",
        "warning",
        "connections are not encrypted",
        action="Use https:// (and `tls:`), unless the network is your own",
    )


async def _leftovers(server: Server, names: Names, known: Iterable[StoredSpec]) -> list[Finding]:
    """Return collections of generations that no store has, as a drop that was cut off leaves them.

    Names that are of no known store may be those of another namespace.
    """
    there = await collections.names_of_all(server)
    found: list[Finding] = []
    for stored in known:
        theirs = {names.store(one) for one in stored.every_generation()}
        prefix = names.store(stored).removesuffix(str(stored.generation))
        found += [
            Finding(
                server.name,
                "leftover",
                "warning",
                f"the collection {name} is of no generation of this store",
                stored.spec.name,
                "If nobody is making it just now, drop it with Milvus' own client: a drop was cut "
                "off",
            )
            for name in there
            if name.startswith(prefix)
            and name.removeprefix(prefix).isdecimal()
            and name not in theirs
        ]
    return found


async def _store(server: Server, store: str, name: str) -> list[Finding]:
    state = await collections.load_state(server, name)
    if state == common_pb2.LoadStateNotExist:
        text, action = f"the collection {name} is gone", "Restore it from a backup"
        return [Finding(server.name, "load", "error", text, store, action)]
    indexes = await collections.indexes(server, name)
    found = [_load(server, store, name, state, can_load=VECTOR in indexes)]
    for field in await collections.to_be_indexed(server, name):
        if field not in indexes:
            text = f"the index on {field} of {name} is missing"
            found.append(Finding(server.name, "index", "error", text, store, "polystore apply"))
        elif indexes[field].state == common_pb2.Failed:
            text = f"the index on {field} of {name} could not be built"
            action = "See the server's log; `polystore apply` after dropping the index"
            found.append(Finding(server.name, "index", "error", text, store, action))
        else:
            found.append(Finding(server.name, "index", "ok", f"index on {field} of {name}", store))
    return found


def _load(server: Server, store: str, name: str, state: int, *, can_load: bool) -> Finding:
    """Return whether the store can be searched; without its index it cannot be loaded."""
    if state == common_pb2.LoadStateLoaded:
        return Finding(server.name, "load", "ok", f"the collection {name} is loaded", store)
    if server.facts.lite and state == common_pb2.LoadStateNotLoad:  # as after every start
        text = f"the collection {name} is loaded when a client opens it"
        return Finding(server.name, "load", "ok", text, store)
    text = f"the collection {name} {_STATES.get(state, 'is in an unknown state')}"
    severity = "warning" if state == common_pb2.LoadStateLoading else "error"
    action = "Open a client, which loads it" if can_load else "polystore apply"
    return Finding(server.name, "load", severity, text, store, action)
