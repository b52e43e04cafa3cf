"""What tests of the local stack share."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ev_pipeline_tests.stack.local_stack import LocalStack, local_stack
from ev_pipeline_tests.stack.processes import wait_until


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    """A stack that is not started yet."""
    with local_stack() as stack:
        yield stack


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """A home on a file system of 16 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    mount = shutil.which("mount")
    umount = shutil.which("umount")
    assert mount
    assert umount
    mounted = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=16m,mode=755", "tmpfs", str(home)], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let root mount a file system")
    yield home
    wait_until(
        lambda: subprocess.run([umount, str(home)], check=False).returncode == 0, within_s=20
    )
