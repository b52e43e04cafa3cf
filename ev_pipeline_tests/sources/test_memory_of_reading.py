"""How much memory reading takes, measured in processes of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from ev_pipeline_tests.sources.reading import PLAIN_HEADER, PLAIN_ROW, batches, codes

PEAK_OF_READING = r"""
import re, sys
from datetime import UTC, datetime
from pathlib import Path
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline.sources.reader import read_batches
mapping = load_mapping("canonical")
batches = read_batches(Path(sys.argv[1]), mapping, received_at=datetime.now(UTC))
n = sum(batch.frame.height for batch in batches)
peak_kib = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]
print(n, int(peak_kib) // 1024)
"""
"""Not `ru_maxrss`, in which a process begins with the peak of the one that started it."""


def peak_mib(path: Path) -> tuple[int, int]:
    """How many records a process of its own reads from a file, and its peak memory in MiB."""
    command = [sys.executable, "-c", PEAK_OF_READING, str(path)]
    n_records, peak = subprocess.run(command, capture_output=True, check=True).stdout.split()
    return int(n_records), int(peak)


def generated(path: Path, n_mib: int) -> int:
    """A canonical file of about `n_mib`; how many records it has."""
    header = b"session_id,station_id,started_at,ended_at,energy_kwh\n"
    row = b"%08d,CP-1,2026-05-04T08:12:00+01:00,2026-05-04T10:02:00+01:00,12.4\n"
    n_records = (n_mib << 20) // len(row % 0)
    with path.open("wb") as file:
        file.write(header)
        for start in range(0, n_records, 10_000):
            file.writelines(row % i for i in range(start, min(start + 10_000, n_records)))
    return n_records


def test_a_file_of_100_mb_in_one_line_is_one_malformed_record(tmp_path: Path) -> None:
    content = PLAIN_HEADER + b"x" * (100 << 20) + b"\n" + PLAIN_ROW
    read = batches(tmp_path, content)
    rows = [row for batch in read for row in batch.frame.to_dicts()]
    assert [codes(row) for row in rows] == [["malformed"], []]
    assert [row["line"] for row in rows] == [2, 3]


def test_a_line_of_100_mb_is_not_held_in_memory(tmp_path: Path) -> None:
    generated(tmp_path / "small", 1)
    n_records = generated(tmp_path / "long", 1)
    with (tmp_path / "long").open("ab") as file:
        file.write(b"x" * (100 << 20))
    (_, peak_small), (read, peak_long) = (peak_mib(tmp_path / name) for name in ("small", "long"))
    assert read == n_records + 1
    assert peak_long < peak_small + 64


def test_the_size_of_a_file_does_not_show_in_memory(tmp_path: Path) -> None:
    n_small, n_large = generated(tmp_path / "small", 24), generated(tmp_path / "large", 96)
    (small, peak_small), (large, peak_large) = (
        peak_mib(tmp_path / name) for name in ("small", "large")
    )
    assert (small, large) == (n_small, n_large)
    assert peak_large < peak_small + 64


@pytest.mark.long
def test_300_mb_are_read_in_bounded_memory(tmp_path: Path) -> None:
    n_records = generated(tmp_path / "large", 300)
    read, peak = peak_mib(tmp_path / "large")
    assert read == n_records
    assert peak < 600
