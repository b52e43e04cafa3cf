"""Users of a model under other names, or taken out: what it says of all others stays."""

import polars as pl
import pytest

from ev_pipeline.domain.models.bundle import ModelBundle, bundle, content_hash
from ev_pipeline.domain.models.rekeying import rekey_part, rekey_version
from ev_pipeline.domain.models.values import keys_of
from ev_pipeline_tests.domain.models.conftest import train_all


@pytest.fixture(scope="module")
def artifact(made_features: pl.DataFrame) -> bytes:
    return bundle({name: part.artifact for name, part in train_all(made_features).items()})


def opened(artifact: bytes) -> ModelBundle:
    return ModelBundle.from_bytes(artifact, content_hash(artifact))


def test_users_under_other_names_are_judged_as_before(
    artifact: bytes, made_features: pl.DataFrame
) -> None:
    renamed = made_features.with_columns(user_id=pl.concat_str(pl.lit("hashed-"), "user_id"))
    keys = zip(
        keys_of(made_features, "user_id").tolist(),
        keys_of(renamed, "user_id").tolist(),
        strict=True,
    )
    changed = rekey_version(artifact, dict(keys))
    assert changed is not None
    assert changed != artifact
    assert opened(changed).label(renamed).equals(opened(artifact).label(made_features))


def test_without_a_user_others_are_judged_as_before(
    artifact: bytes, made_features: pl.DataFrame
) -> None:
    known = opened(artifact).anomalies.expectations.user_keys.tolist()
    gone = known[len(known) // 2]
    changed = rekey_version(artifact, {gone: None})
    assert changed is not None
    assert opened(changed).anomalies.expectations.user_keys.tolist() == [
        key for key in known if key != gone
    ]
    others = made_features.filter(pl.Series(keys_of(made_features, "user_id")) != gone)
    assert opened(changed).label(others).equals(opened(artifact).label(others))
    theirs = made_features.filter(pl.Series(keys_of(made_features, "user_id")) == gone)
    unnamed = theirs.with_columns(user_id=pl.lit(None, pl.String))
    assert opened(changed).label(theirs).equals(opened(artifact).label(unnamed))


def test_a_version_that_does_not_know_the_user_stays(artifact: bytes) -> None:
    assert rekey_version(artifact, {1: None}) is None


def test_what_nobody_can_read_is_emptied_once() -> None:
    for rekey in (rekey_version, rekey_part):
        assert rekey(b"of another release", {1: None}) == b""
        assert rekey(b"", {1: None}) is None
