"""What is known without opening anything."""

from __future__ import annotations

import subprocess
import sys

from polystore.capabilities import KINDS, Feature
from polystore_memory.backend import MemoryBackend
from polystore_memory.config import MemoryConfig
from polystore_memory.plugin import CAPABILITIES, polystore_backends


def test_the_plugin_imports_nothing_heavy() -> None:
    code = "import sys, polystore_memory.plugin; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_kind_is_served_as_declared() -> None:
    info = polystore_backends()
    backend = MemoryBackend("main", MemoryConfig.model_validate({}))
    for kind in KINDS:
        live = backend.capabilities(kind)
        assert live is not None
        assert list(live.excess_over(info.at_most[kind])) == []
        assert Feature.DURABLE not in live.features
        assert live == CAPABILITIES[kind]
