"""The key of users' ids is with whoever needs it, before anything is stored that needs it."""

from pathlib import Path

import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack.handing_out import NEEDED
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.user_key import ensure_user_key, read_user_key


def test_in_containers_whoever_loads_has_the_key_as_soon_as_it_is_made(home: Path) -> None:
    layout = Layout(home)
    layout.handed_out.mkdir()
    key = ensure_user_key(Settings(home=home))
    for service in NEEDED:
        theirs = Settings(home=layout.handed_out / service)
        if service in {"stream", "code"}:
            assert read_user_key(theirs) == key
        else:
            with pytest.raises(PipelineError, match="cannot be read"):
                read_user_key(theirs)


def test_without_containers_nothing_is_handed_out(home: Path) -> None:
    assert ensure_user_key(Settings(home=home)) == read_user_key(Settings(home=home))
    assert [path.name for path in home.iterdir()] == ["credentials"]
