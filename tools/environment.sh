#!/usr/bin/env bash
# Makes .tools/NAME: an environment beside ours, for what asks for other versions than we do.
# `tools/environment.sh NAME FOLDER [PACKAGE ...]` installs what FOLDER/requirements.lock names, and
# packages of this checkout; safe to run again. `tools/environment.sh lock FOLDER` resolves
# FOLDER/requirements.in anew, without what FOLDER/left-out.txt names.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=.tools/bin/uv
name=$1 here=$2
shift 2

if [ "$name" = lock ]; then
  overrides=()
  if [ -f "$here/left-out.txt" ]; then overrides=(--override "$here/left-out.txt"); fi
  "$uv" pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header \
    --no-annotate "${overrides[@]}" \
    --output-file "$here/requirements.lock" "$here/requirements.in"
  exit 0
fi

environment=.tools/$name
stamp=$environment/.installed
wanted=$(cat "$0" "$here/requirements.lock" <(printf '%s\n' "$@") | sha256sum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
  exit 0
fi
printf 'Installing what %s names into %s ...\n' "$here/requirements.lock" "$environment" >&2
"$uv" venv --quiet --clear --python .venv/bin/python "$environment"
"$uv" pip sync --quiet --python "$environment" --require-hashes "$here/requirements.lock"
if [ $# -gt 0 ]; then
  editables=()
  for package in "$@"; do editables+=(--editable "$package"); done
  "$uv" pip install --quiet --python "$environment" --no-deps --no-build-isolation "${editables[@]}"
fi
printf '%s' "$wanted" >"$stamp"
