"""The pipeline's own jobs, run in this process on a test's database.

What lives here: running a job and asking for what it said. What does not: any file or session.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from ev_pipeline.definitions import build_definitions
from ev_pipeline.resources import Database
from ev_pipeline.settings import Settings


@dataclass(frozen=True)
class PipelineRuns:
    """Jobs on one database and one Dagster instance.

    Args:
        instance: where runs and their events are kept.
        settings: what the runs go by.
        resources: in place of the true ones, by name.
    """

    instance: dg.DagsterInstance
    settings: Settings
    resources: Mapping[str, object] = field(default_factory=dict)

    @property
    def definitions(self) -> dg.Definitions:
        """The pipeline's definitions on the test's database."""
        database = Database(url=str(self.settings.database_url), max_retries=2, retry_wait_s=0.0)
        resources = {"database": database, "settings": self.settings, **self.resources}
        return build_definitions(self.settings, resources)

    def run(
        self,
        job: str,
        *,
        only: list[str] | None = None,
        run_config: dict[str, Any] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """Run the job, or some assets of it with their checks, to its end, failed or not."""
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            raise_on_error=False,
            run_config=run_config,
            asset_selection=None if only is None else [dg.AssetKey(name) for name in only],
        )


def said(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """The metadata of the asset's materialization in this run."""
    (event,) = [
        event
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(asset)
    ]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def checks_of(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], bool]:
    """Which checks passed, by asset and check."""
    return {
        (check.asset_key.to_user_string(), check.check_name): check.passed
        for check in result.get_asset_check_evaluations()
    }


@contextmanager
def pipeline_runs(settings: Settings) -> Iterator[PipelineRuns]:
    """Runs on the settings' database, on a Dagster instance that ends with them."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield PipelineRuns(instance, settings)
