#!/usr/bin/env bash
# Resolves every dependency anew and writes requirements.lock and tools/requirements-uv.lock. The locks hold
# versions and hashes of every platform's files, and no address, so that any index can serve them.
set -euo pipefail
cd "$(dirname "$0")/.."
.tools/bin/uv lock --quiet "$@"
.tools/bin/uv export --quiet --all-packages --all-extras --no-emit-workspace \
  --no-header --format requirements-txt --output-file requirements.lock
printf 'uv\n' | .tools/bin/uv pip compile --quiet --generate-hashes --universal --no-header \
  --no-annotate --output-file tools/requirements-uv.lock -
