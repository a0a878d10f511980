"""What `polystore init` shows of this plugin's block."""

from __future__ import annotations

from typing import Final

EXAMPLE: Final = """\
url: "${REDIS_URL}"           # redis://user:password@host:6379/0, rediss:// with TLS, unix://path
# cluster: [node1:6379, node2:6379]                      # instead of url: a Redis Cluster
# sentinel: {hosts: [s1:26379, s2:26379], service: main} # instead of url: primary and replicas
namespace: polystore          # what every key begins with
pool: {max: 32, acquire_timeout: 20s}
tls:
  root_cert: ca.pem           # relative to this file; also cert, key, key_password
connect_timeout: 5s
schema: check                 # auto: create and migrate at open; check: `polystore apply` does
"""
