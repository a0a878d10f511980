#!/usr/bin/env bash
# Installs the servers that the tests start and that come from Debian rather than from a wheel:
# a PostgreSQL with TLS, and pgbouncer. As another user than root it only says what is missing.
set -euo pipefail

missing=()
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ] || missing+=(pgbouncer)
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  printf 'The tests start servers that are not installed here: %s\n' "${missing[*]}" >&2
  printf 'On Debian or Ubuntu: sudo apt-get install %s\n' "${missing[*]}" >&2
  exit 1
fi
printf 'Installing %s ...\n' "${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
