"""The four kinds of storage without `await`, in memory; quickstart.py has an engine that stays."""

from collections.abc import Mapping
from typing import Any

import polystore.sync
from polystore import DocSpec, Edge, F, GraphSpec, KVSpec, VectorRecord, VectorSpec

MEMORY = {"backends": {"main": {"use": "memory"}}}
STORES = [
    KVSpec(name="settings"),
    DocSpec(name="books", indexes=(("year",),)),
    VectorSpec(name="passages", dimensions=3, fields={"genre": "string"}),
    GraphSpec(name="citations"),
]
SAND = VectorRecord("dune:1", [0.9, 0.1, 0.0], "Sand and spice", {"genre": "fiction"})
TEA = VectorRecord("emma:1", [0.0, 0.2, 0.9], "Tea and letters", {"genre": "romance"})


def main(config: str | Mapping[str, Any] = MEMORY) -> None:
    """Write to each of the four, and read it back."""
    with polystore.sync.open(config, stores=STORES) as ps:
        ps.kv("settings").put("language", {"code": "en"})
        ps.vector("passages").upsert([SAND, TEA])
        with ps.unit_of_work("books", "citations") as unit:  # both, or neither
            unit.doc("books").put_many({"dune": {"year": 1965}, "emma": {"year": 1815}})
            unit.graph("citations").upsert_edges([Edge("dune", "cites", "emma")])

        hits = ps.vector("passages").search([1, 0, 0], k=1, filter=F("genre") == "fiction")
        print("setting: ", ps.kv("settings").get("language"))
        print("nearest: ", hits[0].id, round(hits[0].score, 3), hits[0].text)
        print("books:   ", [(book.id, book.data["year"]) for book in ps.doc("books").scan()])
        print("cited by:", ps.graph("citations").neighbors("emma", direction="in"))


if __name__ == "__main__":
    main()
