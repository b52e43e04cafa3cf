"""A running Dagster as the command line sees it: its webserver's GraphQL.

What lives here: the queries and what their answers mean. What does not: following a run (`run`).
"""

import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ev_pipeline.domain.errors import PipelineError

_TIMEOUT_S: Final = 60
"""s; loading the code after a start is what takes longest."""

_EVENTS_AT_ONCE: Final = 500

_IS_RETRIED_TAG: Final = "dagster/will_retry"
_RETRY_ID_TAG: Final = "dagster/auto_retry_run_id"
"""What Dagster writes on a failed run; their names are its, and it does not export them."""

_JOBS: Final = """
    query { repositoriesOrError {
        ... on RepositoryConnection { nodes { name location { name } jobs { name } } }
        ... on Error { message }
    } }
"""
_LAUNCH: Final = """
    mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
        ... on LaunchRunSuccess { run { runId } }
        ... on RunConfigValidationInvalid { errors { message } }
        ... on Error { message }
    } }
"""
_EVENTS: Final = """
    query ($runId: ID!, $after: String, $limit: Int) {
        logsForRun(runId: $runId, afterCursor: $after, limit: $limit) {
            ... on EventConnection { cursor hasMore events {
                __typename
                ... on MessageEvent { timestamp stepKey message }
                ... on MaterializationEvent { metadataEntries {
                    label
                    ... on IntMetadataEntry { intValue }
                    ... on FloatMetadataEntry { floatValue }
                    ... on TextMetadataEntry { text }
                } }
                ... on AssetCheckEvaluationEvent { evaluation {
                    checkName success severity assetKey { path }
                } }
                ... on ExecutionStepFailureEvent { failureMetadata { description } }
                ... on ErrorEvent { error { message causes { message } } }
            } }
            ... on Error { message }
        }
        runOrError(runId: $runId) { ... on Run { status tags { key value } } }
    }
"""
_REPORT: Final = """
    mutation ($params: ReportRunlessAssetEventsParams!) {
        reportRunlessAssetEvents(eventParams: $params) { ... on Error { message } }
    }
"""
_TERMINATE: Final = """
    mutation ($runId: String!) { terminateRun(runId: $runId) {
        ... on Error { message }
        ... on TerminateRunFailure { message }
    } }
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A job, and where Dagster has it from."""

    name: str
    repository: str
    location: str


@dataclass(frozen=True, slots=True)
class RunLog:
    """What happened in a run since the last look.

    Args:
        events: the new events, oldest first.
        cursor: where the next look begins.
        has_more: whether more events are there already.
        status: of the run, as Dagster names it.
        is_retried: whether Dagster runs it again by itself, because its process was lost.
        retry_id: the run that does so; null until it is there.
    """

    events: list[dict[str, Any]]
    cursor: str
    has_more: bool
    status: str
    is_retried: bool
    retry_id: str | None


@dataclass(frozen=True, slots=True)
class DagsterClient:
    """The webserver of the stack.

    Args:
        host: where it is.
        port: where it listens there.
        timeout_s: how long one answer may take, s.
    """

    host: str
    port: int
    timeout_s: float = _TIMEOUT_S

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"http://{self.host}:{self.port}"

    def page_of(self, run_id: str) -> str:
        """The page of a run."""
        return f"{self.address}/runs/{run_id}"

    def jobs(self) -> list[Job]:
        """Every job that can be run.

        Raises:
            PipelineError: Dagster does not answer, or could not load its definitions.
        """
        answer = self._ask(_JOBS, {})["repositoriesOrError"]
        repositories = answer.get("nodes", [])
        if not repositories:
            reason = answer.get("message", "there is no code location")
            raise PipelineError(
                f"Dagster has not loaded the pipeline ({_first_line(reason)})",
                mend="see its page Deployment",
                where=self.address,
            )
        return [
            Job(job["name"], repository["name"], repository["location"]["name"])
            for repository in repositories
            for job in repository["jobs"]
            if not job["name"].startswith("__")
        ]

    def launch(self, job: Job, run_config: dict[str, Any]) -> str:
        """Put a run of the job into the queue, and return its id."""
        params = {
            "selector": {
                "repositoryLocationName": job.location,
                "repositoryName": job.repository,
                "jobName": job.name,
            },
            "runConfigData": run_config,
            "executionMetadata": {"tags": [{"key": "ev/by", "value": "command"}]},
        }
        answer = self._ask(_LAUNCH, {"params": params})["launchRun"]
        if "run" in answer:
            return str(answer["run"]["runId"])
        reasons = [error["message"] for error in answer.get("errors", [answer])]
        raise PipelineError(
            f"Dagster refuses to run {job.name} ({_first_line(reasons[0])})",
            mend="restart the stack if its code is older than this command's",
            where=self.address,
        )

    def read(self, run_id: str, after: str | None) -> RunLog:
        """What happened in the run since `after`."""
        variables = {"runId": run_id, "after": after, "limit": _EVENTS_AT_ONCE}
        answer = self._ask(_EVENTS, variables)
        log, run = answer["logsForRun"], answer["runOrError"]
        if "events" not in log or "status" not in run:
            raise PipelineError(
                f"Dagster does not know run {run_id}", mend="see its page Runs", where=self.address
            )
        tags = {tag["key"]: tag["value"] for tag in run["tags"]}
        return RunLog(
            log["events"],
            log["cursor"],
            log["hasMore"],
            run["status"],
            is_retried=tags.get(_IS_RETRIED_TAG) == "true",
            retry_id=tags.get(_RETRY_ID_TAG),
        )

    def terminate(self, run_id: str) -> None:
        """Ask the run to end; nothing happens while it starts, nor once it is ending or has ended.

        Its status says what came of it: Dagster's answer can be yes for a run that then starts.
        """
        self._ask(_TERMINATE, {"runId": run_id})

    def report_materialization(self, asset: str, description: str) -> None:
        """The asset was changed outside any run; its page says so.

        Raises:
            PipelineError: Dagster does not answer in time, or refuses.
        """
        params = {
            "eventType": "ASSET_MATERIALIZATION",
            "assetKey": {"path": [asset]},
            "description": description,
        }
        answer = self._ask(_REPORT, {"params": params})["reportRunlessAssetEvents"]
        if "message" in answer:
            raise PipelineError(
                f"Dagster refuses an event ({_first_line(answer['message'])})",
                mend="see its page Deployment",
                where=self.address,
            )

    def _ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        request = Request(  # noqa: S310 - the scheme is ours
            f"{self.address}/graphql",
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urlopen(request, timeout=self.timeout_s) as response:  # noqa: S310 - as above
                answer = json.load(response)
        except HTTPError as error:
            # A question that fails is answered with a status of its own, and with the reason.
            answer = _answer_of(error)
        except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
            raise PipelineError(
                f"Dagster does not answer ({getattr(error, 'reason', error)})",
                mend="start it with `ev-pipeline up --detach`",
                where=self.address,
            ) from error
        if answer.get("errors"):
            raise PipelineError(
                f"Dagster refuses a question ({_first_line(answer['errors'][0]['message'])})",
                mend="restart the stack if its code is older than this command's",
                where=self.address,
            )
        data: dict[str, Any] = answer["data"]
        return data


def _answer_of(error: HTTPError) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.load(error)
    except ValueError:
        return {"errors": [{"message": f"{error.code} {error.reason}"}]}
    return answer


def reason_of(event: dict[str, Any]) -> str:
    """Why a step or run failed, on one line."""
    failure = event.get("failureMetadata") or {}
    if failure.get("description"):
        return _first_line(failure["description"])
    error = event.get("error") or {}
    messages = [error.get("message"), *(cause["message"] for cause in error.get("causes", []))]
    told = [message for message in messages if message]
    return _first_line(told[-1] if told else event.get("message") or "no reason given")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason given"
