"""Door 1: what Dagster loads.

What lives here: the one set of definitions, and the resources they run with.
What does not: any asset, check, job or schedule itself.
"""

import dagster as dg


@dg.definitions
def definitions() -> dg.Definitions:
    """Everything that Dagster knows of this pipeline."""
    return dg.Definitions()
