"""What `polystore init` shows of this plugin's block."""

from __future__ import annotations

from typing import Final

EXAMPLE: Final = """\
uri: "${MILVUS_URI}"          # http://host:19530, or https:// with TLS
# embedded: true              # instead of uri: Milvus Lite on this machine, for development
token: "${MILVUS_TOKEN}"      # user:password, or an API key; or username: and password:
database: default
namespace: polystore          # what names of collections begin with
pool: {max: 16}               # calls at the same time
# tls: {root_cert: ca.pem}    # with https://; also cert, key, server_name
connect_timeout: 10s
schema: check                 # auto: create and migrate at open; check: `polystore apply` does
"""
