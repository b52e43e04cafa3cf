"""Services of `infra/compose.yaml` as plain processes, each in a mount namespace of its own.

Where no container engine runs, this comes closest: commands, environments, volumes, user,
read-only root and order are the file's; the names of services are the loopback address of a network
namespace of their own. What lives here: that. What does not: what is tried in it (`scenario`).
"""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ev_pipeline_tests.containers.compose_file import COMPOSE_FILE, Mount, mounts
from ev_pipeline_tests.house.repository import ROOT

HOMES: Final = "/var/lib/ev-pipeline"

PREFIX: Final = "/opt/ev-pipeline"
"""Where both of our images have what is theirs."""

INTERPRETER: Final = "/opt/python"
"""Where the interpreter is that the image's base would bring."""

USER: Final = 10001

_CHECKOUT: Final = "/run/checkout"
"""Whence a room whose own /tmp has hidden the checkout gets it back."""

HEALTHY_WITHIN_S: Final = 300
COMPLETE_WITHIN_S: Final = 300

_POLL_S: Final = 0.5


@dataclass
class Rooms:
    """The services' rooms, and what runs in them.

    Args:
        work: a directory with `images`, `volumes` and `logs` below it.
        services: as the compose file has them.
        programs: directories with the programs that official images bring.
    """

    work: Path
    services: Mapping[str, Mapping[str, Any]]
    programs: Sequence[str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def furnish(self) -> None:
        """What is common to all rooms: names, the user, and places to mount on."""
        names = "localhost postgres mosquitto code dagster-webserver stream nodered proxy"
        (self.work / "hosts").write_text(f"127.0.0.1 {names}\n::1 localhost\n")
        passwd = Path("/etc/passwd").read_text()
        (self.work / "passwd").write_text(f"{passwd}ev:x:{USER}:{USER}::{HOMES}:/bin/false\n")
        _mount("--bind", f"{self.work}/hosts", "/etc/hosts")
        _mount("--bind", f"{self.work}/passwd", "/etc/passwd")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        _mount("-t", "tmpfs", "tmpfs", "/var/lib")
        for name in ("ev-pipeline", "postgresql/data"):
            Path("/var/lib", name).mkdir(parents=True)
        _mount("-t", "tmpfs", "tmpfs", "/run")
        Path("/run/postgresql").mkdir()
        Path(_CHECKOUT).mkdir()
        _mount("--bind", str(ROOT), _CHECKOUT)

    def start(self, name: str) -> None:
        """The service has started, after what it depends on is as the file wants it."""
        for other, how in self.services[name].get("depends_on", {}).items():
            self._await(other, how["condition"])
        self.running[name] = self._enter(name, self._command(name), self.work / f"logs/{name}")

    def stop(self) -> None:
        """Nothing runs; what depends on another has ended before it."""
        for name, process in reversed(self.running.items()):
            asked = signal.Signals[self.services[name].get("stop_signal", "SIGTERM")]
            if process.poll() is None:
                process.send_signal(asked)
            process.wait(COMPLETE_WITHIN_S)
        self.running.clear()

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The service's program has ended, with these arguments."""
        line = self._script(name, ["ev-pipeline", *arguments])
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", line],
            capture_output=True,
            text=True,
            check=False,
            timeout=COMPLETE_WITHIN_S,
        )

    def trouble(self, name: str) -> str:
        """What the service's health check says; empty where it is healthy."""
        check = self.services[name]["healthcheck"]["test"][1:]
        room = f"--mount=/proc/{self._innermost(name)}/ns/mnt"
        asked = subprocess.run(
            ["nsenter", room, *self._as_user(name, check)],
            capture_output=True,
            text=True,
            check=False,
        )
        said = f"{asked.stdout}{asked.stderr}".strip()
        return "" if asked.returncode == 0 else said or f"code {asked.returncode}"

    def await_healthy(self, name: str) -> None:
        """The service's health check passes."""
        self._await(name, "service_healthy")

    def _await(self, name: str, condition: str) -> None:
        process = self.running[name]
        if condition == "service_completed_successfully":
            code = process.wait(COMPLETE_WITHIN_S)
            assert code == 0, f"{name}: {self.log(name)}"
            return
        deadline = time.monotonic() + HEALTHY_WITHIN_S
        while trouble := self.trouble(name):
            assert process.poll() is None, f"{name} ended: {self.log(name)}"
            assert time.monotonic() < deadline, f"{name}: {trouble}: {self.log(name)}"
            time.sleep(_POLL_S)

    def log(self, name: str) -> str:
        """The end of what the service has written."""
        return (self.work / f"logs/{name}").read_text(errors="replace")[-2000:]

    def _command(self, name: str) -> list[str]:
        service = self.services[name]
        command = [str(word) for word in service.get("command", [])]
        if name == "postgres":
            return ["sh", "-c", _POSTGRES_ENTRYPOINT, *command]
        own: list[str] = service.get("entrypoint", [])
        entrypoint: dict[str, list[str]] = {"mosquitto": own, "nodered": ["node"], "proxy": []}
        return [*entrypoint.get(name, ["ev-pipeline"]), *command]

    def _enter(self, name: str, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", self._script(name, command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _script(self, name: str, command: Sequence[str]) -> str:
        """Mount what the room has, give up every right, and become the command."""
        image = "nodered" if name == "nodered" else "ours"
        lines = ["set -e", "umask 022", f"mount --bind {self.work}/images/{image} {PREFIX}"]
        for mount in mounts(self.services[name]):
            is_file = mount.source.startswith(".")
            if is_file:
                continue  # it is found where the checkout has it
            lines.append(f"mkdir -p {mount.target}")
            lines.append(f"mount --bind {self._volume(mount)} {mount.target}")
            if mount.is_read_only:
                lines.append(f"mount -o remount,bind,ro {mount.target}")
        for line in self.services[name]["tmpfs"]:
            target, _, options = str(line).partition(":")
            place = "/run/postgresql" if target == "/var/run/postgresql" else target
            if Path(place).is_dir():
                lines.append(f"mount -t tmpfs -o {options} tmpfs {place}")
        if ROOT.is_relative_to("/tmp"):  # noqa: S108 - the room's own /tmp has hidden it
            root = shlex.quote(str(ROOT))
            lines += [f"mkdir -p {root}", f"mount --bind {_CHECKOUT} {root}"]
            lines.append(f"mount -o remount,bind,ro {root}")
        lines += ["mount -o remount,bind,ro /", f"cd {HOMES if image == 'ours' else '/'}"]
        return "\n".join([*lines, f"exec {shlex.join(self._as_user(name, command))}"])

    def _as_user(self, name: str, command: Sequence[str]) -> list[str]:
        path = ":".join([f"{PREFIX}/bin", *self.programs, os.defpath, "/usr/sbin"])
        variables = {
            "PATH": path,
            "EV_HOME": HOMES,
            "LD_LIBRARY_PATH": f"{INTERPRETER}/lib",  # the interpreter's own, wherever it was built
            "PYTHONDONTWRITEBYTECODE": "1",
            "MPLCONFIGDIR": "/tmp",  # noqa: S108 - as the image has it
            **self.services[name].get("environment", {}),
        }
        given = [f"{variable}={value}" for variable, value in variables.items()]
        account = [f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        rights = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        replaced = [_REPLACED.get(word, word) for word in command]
        return ["setpriv", *account, *rights, "env", "-i", *given, *replaced]

    def _volume(self, mount: Mount) -> Path:
        """The volume; a new one begins with what the image has there, as an engine does it."""
        volume = self.work / "volumes" / mount.source
        if not volume.exists():
            place = self.work / "images/root" / mount.target.removeprefix("/")
            if place.is_dir():
                subprocess.run(["cp", "-a", place, volume], check=True)
            else:
                volume.mkdir()
            os.chown(volume, USER, USER)
        return volume

    def _innermost(self, name: str) -> int:
        return self.running[name].pid  # every program of the script became the next one


_REPLACED: Final = {
    "/serve.sh": str(COMPOSE_FILE.parent / "mosquitto" / "serve.sh"),
    "/etc/caddy/Caddyfile": str(COMPOSE_FILE.parent / "proxy" / "Caddyfile"),
}
"""Files that the compose file mounts from beside itself."""

_POSTGRES_ENTRYPOINT: Final = """
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb -D "$PGDATA" --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" $POSTGRES_INITDB_ARGS
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
fi
exec "$0" "$@"
"""
"""What the official image's entry point does here."""


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)
