"""Unpacks the program and the libraries that the `milvus` wheel carries into a folder."""

from __future__ import annotations

import importlib.util
import lzma
import shutil
import sys
from pathlib import Path


def main() -> None:
    """Unpack them into the folder that the first argument names."""
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    wheel = importlib.util.find_spec("milvus")  # found, not imported: importing it makes servers
    if wheel is None or wheel.origin is None:
        raise SystemExit("the wheel `milvus` is not installed beside this Python")
    packed = sorted((Path(wheel.origin).parent / "data" / "bin").glob("*.lzma"))
    if not packed:
        raise SystemExit("the wheel `milvus` carries no server for this machine")
    for source in packed:
        unpacked = target / source.stem
        with lzma.open(source) as reader, unpacked.open("wb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
        unpacked.chmod(0o755)
        source.unlink()  # the environment is this server's alone; half its size is these files


if __name__ == "__main__":
    main()
