"""Whatever is killed at whatever moment, nothing that a charger was thanked for is lost."""

import random
import uuid
from pathlib import Path
from time import sleep

import pytest

from ev_pipeline_tests.stream.accounts import assert_accounted_for
from ev_pipeline_tests.stream.installation import PARTS, Installation, installed
from ev_pipeline_tests.stream.publishing import Publisher
from ev_pipeline_tests.stream.simulating import simulating

MOMENT_S = (0.1, 1.5)
"""After how much of publishing something is killed, s."""

AWAY_S = (0.0, 0.5)
"""How long it is away, s."""


def victims(chance: random.Random, killed: int) -> list[str]:
    """Each alone first, then all at once as in a power cut, then any of them together."""
    rounds = [*([part] for part in PARTS), list(PARTS)]
    return rounds[killed] if killed < len(rounds) else chance.sample(PARTS, chance.randint(1, 3))


def kill_at_random(installation: Installation, home: Path, rounds: int) -> None:
    seed = uuid.uuid4().hex
    chance = random.Random(seed)  # noqa: S311 -- moments, not secrets
    engine, champion = installation.engine, installation.champion
    with (
        simulating(engine, installation.broker.add_charger(), home),
        Publisher(installation.broker.add_charger(), keeps_accepted=True) as publisher,
    ):
        for killed in range(rounds):
            chosen = victims(chance, killed)
            place = f"round {killed}, {' and '.join(chosen)} killed, seed {seed}"
            sleep(chance.uniform(*MOMENT_S))
            installation.kill(*chosen)
            sleep(chance.uniform(*AWAY_S))
            installation.start_again(*chosen)
            with publisher.pausing():
                assert_accounted_for(engine, publisher, champion, place)
            print(f"{place}: {publisher.n_accepted} accepted")  # noqa: T201 -- shown when it fails


def test_what_was_accepted_is_stored_once_whatever_is_killed(tmp_path: Path) -> None:
    with installed(tmp_path) as installation:
        kill_at_random(installation, tmp_path, rounds=4)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_what_was_accepted_is_stored_once_whatever_is_killed_100_times(tmp_path: Path) -> None:
    with installed(tmp_path) as installation:
        kill_at_random(installation, tmp_path, rounds=100)
