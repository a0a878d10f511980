"""The bench works at small sizes, and its guard against getting slower can fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson

ROOT = Path(__file__).resolve().parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "--quick", "--only", "kv get_many", *arguments]
    return subprocess.run(command, capture_output=True, check=False, cwd=ROOT, text=True)


def test_a_run_and_its_comparison_with_an_earlier_one(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    first = bench("--json", str(file))
    assert first.returncode == 0, first.stderr
    assert "| kv get_many " in first.stdout
    line = orjson.loads(file.read_bytes())
    assert line["operation"] == "kv get_many"
    assert line["ratio"] > 0
    # As if it had been far quicker before.
    ratios = {"ratio": line["ratio"] * 1000, "ratio_range": [1000, 1000]}
    file.write_bytes(orjson.dumps(line | ratios))
    again = bench("--against", str(file))
    assert again.returncode == 1, again.stderr
    assert "slower: kv get_many" in again.stdout
