"""The compose files hold what they should, and each fits the configuration beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from matrix.library import STORES

from polystore.config import load_config
from polystore.schema.offline import check

FOLDER = Path(__file__).resolve().parents[2] / "compose"
CONFIGURATIONS = sorted(FOLDER.glob("*.polystore.yaml"))
FILES = sorted(set(FOLDER.glob("*.yaml")) - set(CONFIGURATIONS))
PINNED = re.compile(r"[a-z0-9./-]+:[A-Za-z.-]*\d[\w.-]*")
_DEFAULT = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
ADDRESSES = {"postgres": "dsn", "redis": "url", "neo4j": "uri", "milvus": "uri"}


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return path.name


def services() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path.name, name, service)
        for path in FILES
        for name, service in read(path)["services"].items()
    ]


def test_every_file_has_its_configuration() -> None:
    assert [path.name.removesuffix(".yaml") for path in FILES] == [
        path.name.removesuffix(".polystore.yaml") for path in CONFIGURATIONS
    ]
    assert len(FILES) >= 4
    told = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in [*FILES, *CONFIGURATIONS]:
        assert f"]({path.name})" in told


@pytest.mark.parametrize(("file", "name", "service"), services(), ids=lambda part: str(part)[:30])
def test_a_service(file: str, name: str, service: dict[str, Any]) -> None:
    assert PINNED.fullmatch(service["image"]), f"{service['image']} says no version"
    health = service["healthcheck"]
    assert health["test"][0] in {"CMD", "CMD-SHELL"}
    assert health.keys() >= {"interval", "timeout", "retries"}
    whole = read(FOLDER / file)
    mounted = [volume.partition(":")[0] for volume in service["volumes"]]
    assert mounted
    assert set(mounted) <= whole["volumes"].keys(), "a volume without a name is lost"
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:"), f"{name} is open to everybody"
    for other, needs in service.get("depends_on", {}).items():
        assert other in whole["services"]
        assert needs == {"condition": "service_healthy"}


def test_a_service_is_the_same_in_every_file() -> None:
    known: dict[str, dict[str, Any]] = {}
    for file, name, service in services():
        assert known.setdefault(name, service) == service, f"{name} differs in {file}"


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=name_of)
def test_a_configuration_is_right(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "POSTGRES_DSN",
        "REDIS_URL",
        "NEO4J_URI",
        "NEO4J_PASSWORD",
        "MILVUS_URI",
        "MILVUS_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    assert load_config(path).backends
    report = check(path, stores=STORES)
    assert report.problems == []
    assert {store.kind for store in report.stores} == {"kv", "vector", "graph", "doc"}
    assert {store.backend for store in report.stores} == set(report.backends)


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=name_of)
def test_a_configuration_reaches_its_servers(path: Path) -> None:
    servers = read(path.with_name(path.name.replace(".polystore", "")))["services"]
    for backend in read(path)["backends"].values():
        use = backend["use"]
        url = urlsplit(_by_default(backend[ADDRESSES[use]]))
        service = servers[use]
        assert url.hostname == "localhost"
        assert f"127.0.0.1:{url.port}:{url.port}" in service["ports"]
        secret = url.password or _by_default(backend.get("password", ""))
        if secret:
            told = [_by_default(str(value)) for value in service["environment"].values()]
            assert any(secret in value.split("/") for value in told), f"{use}: another password"


def _by_default(text: str) -> str:
    return _DEFAULT.sub(lambda found: found[2] or "", text)
