"""Assets that can follow the change log: the choice between everything and what is new.

What lives here: the choice. What does not: following (`storage`).
"""

import dagster as dg
from pydantic import Field


class Following(dg.Config):
    """What an asset makes in a run."""

    only_new: bool = Field(
        default=False, description="only what sessions since the last time have changed"
    )
