"""Artifacts: the same content is the same bytes, and nothing but arrays comes back."""

import pickle
from io import BytesIO

import numpy as np
import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.artifact import pack, unpack


def test_what_was_packed_comes_back() -> None:
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([1, 2], dtype=np.uint64)}
    found, metadata = unpack("kind", pack("kind", arrays, {"eps": 0.1}))
    assert set(found) == {"a", "b"}
    assert all((found[name] == array).all() for name, array in arrays.items())
    assert metadata["eps"] == 0.1


def test_the_same_content_in_another_order_is_the_same_bytes() -> None:
    one = {"a": np.zeros(3), "b": np.ones(2)}
    other = {"b": np.ones(2), "a": np.zeros(3)}
    assert pack("kind", one, {"x": 1, "y": 2}) == pack("kind", other, {"y": 2, "x": 1})


def test_an_artifact_of_another_kind_is_refused() -> None:
    with pytest.raises(PipelineError, match="it is kmeans of format 3, not dbscan"):
        unpack("dbscan", pack("kmeans", {}))


def test_a_pickle_is_never_loaded() -> None:
    with pytest.raises(PipelineError, match="cannot be read"):
        unpack("kind", pickle.dumps({"metadata": 1}))
    file = BytesIO()
    np.savez(file, metadata=np.array([{"kind": "kind"}], dtype=object))
    with pytest.raises(PipelineError, match="cannot be read"):
        unpack("kind", file.getvalue())


@pytest.mark.parametrize("cut", [0, 10, 200, -1])
def test_a_truncated_artifact_is_refused(cut: int) -> None:
    whole = pack("kind", {"a": np.arange(100.0)})
    with pytest.raises(PipelineError, match="cannot be read"):
        unpack("kind", whole[:cut])


def test_an_array_file_alone_is_refused() -> None:
    file = BytesIO()
    np.save(file, np.arange(3))
    with pytest.raises(PipelineError, match="cannot be read"):
        unpack("kind", file.getvalue())
