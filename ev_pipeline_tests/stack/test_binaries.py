import re
from pathlib import Path

import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack.account import server_account
from ev_pipeline.stack.binaries import OLDEST_MAJOR, find_binaries, wheel_directories
from ev_pipeline.stack.postgres import prepare
from ev_pipeline.stack.serving import served
from ev_pipeline_tests.conftest import free_port


def _system_directory() -> Path | None:
    found = find_binaries(None, account=server_account()).directory
    return None if found in wheel_directories() else found


@pytest.mark.parametrize("origin", ["system", "wheel"])
def test_each_installation_makes_starts_and_stops_a_database(origin: str, home: Path) -> None:
    directory = _system_directory() if origin == "system" else wheel_directories()[0]
    if directory is None:
        pytest.skip("no PostgreSQL is installed on this system; the wheel's is tested")
    cluster = prepare(Settings(home=home, postgres_port=free_port(), postgres_bin=directory))
    with served(cluster) as server:
        assert cluster.trouble() is None
    assert server.returncode == 0
    log = (home / "logs" / "postgres.log").read_text()
    assert "database system is shut down" in log


def test_the_newest_of_the_wheel_comes_first() -> None:
    majors = [
        found.major
        for each in wheel_directories()
        if (found := find_binaries(each, account=server_account()))
    ]
    assert majors == sorted(majors, reverse=True)
    assert majors


def test_a_directory_without_programs_is_named_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=re.escape(str(tmp_path))) as caught:
        find_binaries(tmp_path, account=None)
    assert "EV_POSTGRES_BIN" in str(caught.value)


def test_data_of_another_version_asks_for_that_version() -> None:
    with pytest.raises(PipelineError, match="needs PostgreSQL 9") as caught:
        find_binaries(None, account=server_account(), major=9)
    assert "install PostgreSQL 9" in caught.value.mend


def test_without_any_installation_the_error_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("ev_pipeline.stack.binaries.SYSTEM_PLACES", ())
    monkeypatch.setattr("ev_pipeline.stack.binaries.WHEEL", "a_wheel_that_is_not_there")
    with pytest.raises(PipelineError, match=f"PostgreSQL {OLDEST_MAJOR} or newer") as caught:
        find_binaries(None, account=None)
    assert "apt-get install postgresql" in caught.value.mend
