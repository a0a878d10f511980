#!/usr/bin/env bash
# Makes .tools/peers: the libraries that `make bench` compares with, which ask for an older pgvector
# than ours. Safe to run again. `tools/peers.sh lock` resolves anew.
set -euo pipefail
cd "$(dirname "$0")/.."

here=bench/peers/there
uv=.tools/bin/uv
environment=.tools/peers

if [ "${1:-}" = lock ]; then
  "$uv" pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header \
    --no-annotate --output-file "$here/requirements.lock" "$here/requirements.in"
  exit 0
fi

stamp=$environment/.installed
wanted=$(cat "$0" "$here/requirements.lock" | sha256sum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
  exit 0
fi
printf 'Installing what the bench compares with into %s ...\n' "$environment" >&2
"$uv" venv --quiet --clear --python .venv/bin/python "$environment"
"$uv" pip sync --quiet --python "$environment" --require-hashes "$here/requirements.lock"
printf '%s' "$wanted" >"$stamp"
