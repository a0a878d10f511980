"""The examples of the combinations, with the configurations in compose/, on real servers."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

if TYPE_CHECKING:
    from servers.milvus import MilvusServer
    from servers.neo4j import Neo4jServer
    from servers.redis import RedisServer

ROOT: Final = Path(__file__).resolve().parents[2]
COMBINATIONS: Final = ROOT / "examples" / "combinations"
MOVE: Final = ROOT / "examples" / "move_to_the_combination"

PRINTED: Final = {
    "postgres": """
failed:    o8 has no address
last:      7
open:      ['o7'] of 1
complaint: It came late
goes to:   ['Oslo']
""",
    "postgres_redis": """
why: yhw!
how: woh!
why: yhw! (cached)
cached: 2
asked:  ['how', 'why']
""",
    "neo4j_redis_milvus": """
0.91 light is made of small bodies (Opticks, 1704), mentions ['corpuscle', 'light']
0.89 light spreads as waves do (On waves, 1690), mentions ['light', 'wave']
light is mentioned in ['optics/1', 'waves/1']
before 1700: ['waves']
""",
    "redis_postgres_neo4j": """
bob 0.96 through ['cyd']
dan 0.02 unknown
lives in London ['ada', 'bob', 'dan']
""",
}


@pytest.fixture
def postgres(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PostgreSQL where the configurations look for it."""
    monkeypatch.setenv("POSTGRES_DSN", postgres_dsn)


@pytest.fixture
def redis(redis7: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis where the configurations look for it."""
    monkeypatch.setenv("REDIS_URL", redis7.url)


@pytest.fixture
def neo4j(neo4j5: Neo4jServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Neo4j where the configurations look for it."""
    monkeypatch.setenv("NEO4J_URI", neo4j5.block["uri"])
    monkeypatch.setenv("NEO4J_PASSWORD", neo4j5.password)


@pytest.fixture
def milvus(milvus23: MilvusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Milvus where the configurations look for it."""
    monkeypatch.setenv("MILVUS_URI", milvus23.uri)
    monkeypatch.setenv("MILVUS_TOKEN", milvus23.token)


async def printed_by(program: Path, capsys: pytest.CaptureFixture[str], **given: Any) -> str:
    """Run the program's `main`, twice, for what is there already must not matter."""
    names = runpy.run_path(str(program))
    await names["main"](**given)
    first = capsys.readouterr().out
    await names["main"](**given)
    assert capsys.readouterr().out == first
    return first


@pytest.mark.parametrize("name", PRINTED)
async def test_an_example(
    name: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    for engine in name.split("_"):
        request.getfixturevalue(engine)
    printed = await printed_by(COMBINATIONS / f"{name}.py", capsys)
    assert printed == PRINTED[name].lstrip()


async def test_the_embedded_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "embedded.yaml"
    config.write_text((COMBINATIONS / "embedded.yaml").read_text("utf-8"), "utf-8")
    main = runpy.run_path(str(COMBINATIONS / "embedded.py"))["main"]
    for page in ("index", "shop", "index"):
        await main(config, page)
    assert capsys.readouterr().out.splitlines() == [
        "index: visit 1, from []",
        "shop: visit 1, from ['index']",
        "index: visit 2, from ['shop']",
    ]


def test_every_example_is_tried() -> None:
    assert {path.stem for path in COMBINATIONS.glob("*.py")} == {*PRINTED, "embedded"}


def test_moving_changes_backends_and_defaults_only() -> None:
    one, other = (
        yaml.safe_load((MOVE / f"{name}.yaml").read_text("utf-8"))
        for name in ("postgres", "combination")
    )
    assert one.keys() == other.keys()
    assert {key for key in one if one[key] != other[key]} == {"backends", "defaults"}


async def test_moving_changes_no_answer(
    postgres: None,
    redis: None,
    neo4j: None,
    milvus: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert postgres is redis is neo4j is milvus
    before = await printed_by(MOVE / "program.py", capsys, config=MOVE / "postgres.yaml")
    after = await printed_by(MOVE / "program.py", capsys, config=MOVE / "combination.yaml")
    assert before == after
    assert "[('a13', 2006), ('a19', 2005), ('a04', 2004), ('a25', 2004)] of 10" in before
