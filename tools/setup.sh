#!/usr/bin/env bash
# Makes .venv from requirements.lock and the packages of this checkout. Safe to run again: it does
# nothing when nothing changed. PYTHON names another interpreter (3.11 or later).
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
say() { printf '%s\n' "$*" >&2; }

if ! command -v "$python" >/dev/null 2>&1; then
  say "polystore needs Python 3.11 or later, and there is no '$python' here."
  say "Install it (Debian: apt-get install python3 python3-venv), or name one: PYTHON=... make"
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  say "polystore needs Python 3.11 or later; $("$python" --version) is '$python'."
  say "Name another one: PYTHON=python3.12 make ..."
  exit 1
fi

stamp=.venv/.installed
wanted=$(cat requirements.lock tools/requirements-uv.lock pyproject.toml plugins/*/pyproject.toml \
  examples/sqlite_backend/pyproject.toml | sha256sum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
  exit 0
fi

if [ ! -x .tools/bin/uv ]; then
  say "Installing uv into .tools ..."
  if ! "$python" -m venv .tools; then
    rm -rf .tools
    say "'$python -m venv' does not work here. Debian: apt-get install python3-venv"
    exit 1
  fi
fi
.tools/bin/python -m pip install --quiet --require-hashes -r tools/requirements-uv.lock

say "Installing what requirements.lock names into .venv ..."
.tools/bin/uv venv --quiet --allow-existing --python "$python" .venv
.tools/bin/uv pip sync --quiet --python .venv --require-hashes --compile-bytecode requirements.lock
editables=(--editable .)
for package in plugins/*/ examples/sqlite_backend/; do editables+=(--editable "$package"); done
.tools/bin/uv pip install --quiet --python .venv --no-deps --no-build-isolation "${editables[@]}"
printf '%s' "$wanted" >"$stamp"
say "Ready."
