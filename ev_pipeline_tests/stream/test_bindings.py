"""What an account is bound to is looked up once a batch, and anew in the next."""

import json
from pathlib import Path

import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.accounts import ACCOUNTS_FILE
from ev_pipeline.sources.payloads.messages import UNBOUND
from ev_pipeline.stream.bindings import Bindings


def bind(home: Path, source: str | None) -> None:
    """Two accounts are bound to the source, as `accounts add` binds them."""
    account = {"role": "charger", "source": source, "scope": None}
    changed = home / "changed"
    changed.write_text(json.dumps({"charger": account, "another": account}))
    (home / ACCOUNTS_FILE).parent.mkdir(parents=True, exist_ok=True)
    changed.replace(home / ACCOUNTS_FILE)


def test_a_change_counts_from_the_next_batch_on(tmp_path: Path) -> None:
    bind(tmp_path, None)
    bindings = Bindings(tmp_path)
    before = bindings.for_batch()
    assert before("charger").mapping is None
    bind(tmp_path, "acn")
    assert before("charger").mapping is None
    assert before("another").mapping is None
    mapping = bindings.for_batch()("charger").mapping
    assert mapping is not None
    assert mapping.name == "acn"


def test_an_account_that_was_removed_is_bound_to_nothing(tmp_path: Path) -> None:
    bind(tmp_path, "acn")
    assert Bindings(tmp_path).for_batch()("stranger") == UNBOUND


def test_without_the_file_every_message_is_told_so(tmp_path: Path) -> None:
    binding_of = Bindings(tmp_path).for_batch()
    for _ in range(2):
        with pytest.raises(PipelineError, match="no accounts yet"):
            binding_of("charger")
