#!/usr/bin/env bash
# Makes .tools/raganything: RAG-Anything beside the LightRAG that it asks for, an older one than
# ours, and this checkout. Safe to run again. `tools/raganything.sh lock` resolves anew.
set -euo pipefail
cd "$(dirname "$0")/.."

here=plugins/polystore-lightrag/raganything
uv=.tools/bin/uv
environment=.tools/raganything
packages=(. plugins/polystore-lightrag plugins/polystore-memory plugins/polystore-postgres)

if [ "${1:-}" = lock ]; then
  "$uv" pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header \
    --no-annotate --override "$here/left-out.txt" \
    --output-file "$here/requirements.lock" "$here/requirements.in"
  exit 0
fi

stamp=$environment/.installed
wanted=$(cat "$0" "$here/requirements.lock" | sha256sum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
  exit 0
fi
printf 'Installing RAG-Anything into %s ...\n' "$environment" >&2
"$uv" venv --quiet --clear --python .venv/bin/python "$environment"
"$uv" pip sync --quiet --python "$environment" --require-hashes "$here/requirements.lock"
editables=()
for package in "${packages[@]}"; do editables+=(--editable "$package"); done
"$uv" pip install --quiet --python "$environment" --no-deps --no-build-isolation "${editables[@]}"
printf '%s' "$wanted" >"$stamp"
