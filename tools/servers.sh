#!/usr/bin/env bash
# Installs the servers that the tests start and that no Python package brings: from Debian a
# PostgreSQL with TLS, pgbouncer, Redis and its Sentinel; into .servers Neo4j (jars, by Maven),
# Toxiproxy (by Go) and Milvus (a wheel that only carries the server). Safe to run again. As another
# user than root it only says what is missing from Debian.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/usr/bin/$1" ]; }

missing=()
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
has pgbouncer || missing+=(pgbouncer)
has redis-server || missing+=(redis-server)
has redis-sentinel || missing+=(redis-sentinel)
has java || missing+=(default-jre-headless)
has mvn || missing+=(maven)
has go || missing+=(golang-go)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ] || ! has apt-get; then
    say "The tests start servers that are not installed here: ${missing[*]}"
    say "On Debian or Ubuntu: sudo apt-get install ${missing[*]}"
    exit 1
  fi
  say "Installing ${missing[*]} ..."
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # Debian would start what it installs; the tests start their own.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# fetch NAME INPUT... : runs `fetch_NAME` unless .servers/NAME was made from these very inputs.
fetch() {
  local name=$1 stamp=".servers/$1.installed" wanted
  shift
  wanted=$(cat "$@" | sha256sum)
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return 0
  say "Installing $name into .servers ..."
  mkdir -p .servers
  "fetch_$name"
  printf '%s' "$wanted" >"$stamp"
}

fetch_neo4j() {
  rm -rf .servers/neo4j
  mvn --quiet --batch-mode --file tools/servers/neo4j/pom.xml dependency:copy-dependencies \
    -DoutputDirectory="$PWD/.servers/neo4j/lib" -DincludeScope=runtime
}

fetch_toxiproxy() {
  local build
  build=$(mktemp -d)
  (cd tools/servers/toxiproxy && GOFLAGS=-mod=readonly GOTOOLCHAIN=local \
    go build -o "$build/toxiproxy" github.com/Shopify/toxiproxy/v2/cmd/server)
  mkdir -p .servers/bin
  mv "$build/toxiproxy" .servers/bin/toxiproxy
  rmdir "$build"
}

fetch_milvus() {
  [ -x .tools/bin/uv ] || tools/setup.sh
  rm -rf .servers/milvus
  .tools/bin/uv venv --quiet --python "${PYTHON:-python3}" .servers/milvus
  .tools/bin/uv pip install --quiet --python .servers/milvus --require-hashes \
    -r tools/servers/milvus/requirements.lock
  # The wheel's own launcher would unpack the program for every server anew.
  .servers/milvus/bin/python tools/servers/milvus/unpack.py .servers/milvus/server
}

fetch neo4j tools/servers/neo4j/pom.xml
fetch toxiproxy tools/servers/toxiproxy/go.mod tools/servers/toxiproxy/go.sum
fetch milvus tools/servers/milvus/requirements.lock tools/servers/milvus/unpack.py
