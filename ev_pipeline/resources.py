"""What Dagster hands to assets and checks: the database, and the settings of the environment.

What lives here: the resources. What does not: statements (`storage`), and what is done with them
(`assets`, `checks`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import adbc_driver_manager
import dagster as dg
import psycopg2
import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.exc import DBAPIError

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings, load_settings
from ev_pipeline.storage.engine import connect
from ev_pipeline.storage.faults import is_infrastructure_fault
from ev_pipeline.storage.models_lock import JOB_WAIT_S, models_lock


class Database(dg.ConfigurableResource[None]):
    """The pipeline's database, through which a step reads and writes.

    Its address is asked for when a step begins, and so stands in no definition and on no page.
    """

    url: str | None = Field(
        default=None, description="postgresql+psycopg2://…; by default the environment's"
    )
    max_retries: int = Field(default=3, description="tries after an infrastructure fault")
    retry_wait_s: float = Field(default=15.0, description="wait before each, s")

    @contextmanager
    def engine(self) -> Iterator[sa.Engine]:
        """An engine for one step.

        Yields:
            An engine that has answered, closed afterwards.

        Raises:
            dagster.RetryRequested: the step met an infrastructure fault.
            dagster.Failure: something outside this code is wrong, and a person must mend it.
        """
        try:
            settings = load_settings() if self.url is None else Settings(database_url=self.url)
            engine = connect(settings)
            try:
                yield engine
            finally:
                engine.dispose()
        except (DBAPIError, psycopg2.Error, adbc_driver_manager.Error, PipelineError) as error:
            if is_infrastructure_fault(error):
                raise dg.RetryRequested(self.max_retries, self.retry_wait_s) from error
            if isinstance(error, PipelineError):
                raise dg.Failure(str(error), allow_retries=False) from error
            raise

    @contextmanager
    def engine_for_models(self, run: dg.DagsterRun) -> Iterator[sa.Engine]:
        """An engine for one step, while nobody else changes features, champion or labels.

        Args:
            run: the step's, which whoever waits meanwhile is told of.

        Raises:
            dagster.RetryRequested: also where another held them for `JOB_WAIT_S`.
        """
        holder = f"run {run.run_id[:8]} ({run.job_name})"
        with self.engine() as engine, models_lock(engine, holder=holder, wait_s=JOB_WAIT_S):
            yield engine


def environment_resources(settings: Settings) -> Mapping[str, object]:
    """The resources of every door but the tests'."""
    return {"database": Database(), "settings": settings}
