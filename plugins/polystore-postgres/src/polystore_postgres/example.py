"""What `polystore init` shows of this plugin's block."""

from __future__ import annotations

from typing import Final

EXAMPLE: Final = """\
dsn: "${POSTGRES_DSN}"        # libpq address; or `{env: NAME}`, or `{file: PATH}`
namespace: polystore          # the SQL schema that holds every table
pool: {min: 2, max: 20, acquire_timeout: 30s, command_timeout: 60s}
ssl:
  mode: verify-full           # as libpq means it: disable, prefer, require, verify-ca, ...
  root_cert: ca.pem           # relative to this file; also cert, key, key_password, crl
connect: {timeout: 10s, retries: 5}
pgbouncer: false              # true behind a pooler in transaction mode
schema: check                 # auto: create and migrate at open; check: `polystore apply` does
"""
