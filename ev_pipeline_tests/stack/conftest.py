"""What tests of the local stack share."""

from collections.abc import Iterator

import pytest

from ev_pipeline_tests.stack.local_stack import LocalStack, local_stack


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    """A stack that is not started yet."""
    with local_stack() as stack:
        yield stack
