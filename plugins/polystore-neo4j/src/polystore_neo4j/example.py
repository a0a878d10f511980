"""What `polystore init` shows of this plugin's block."""

from __future__ import annotations

from typing import Final

EXAMPLE: Final = """\
uri: "${NEO4J_URI}"           # neo4j://host:7687 (a cluster's members are found), bolt://, +s: TLS
username: neo4j
password: "${NEO4J_PASSWORD}" # or `{env: NAME}`, or `{file: PATH}`
database: neo4j
namespace: polystore          # what the names of labels, types and constraints begin with
pool: {max: 20, acquire_timeout: 30s}
tls:
  root_cert: ca.pem           # relative to this file; also cert, key, key_password
schema: check                 # auto: create and migrate at open; check: `polystore apply` does
"""
