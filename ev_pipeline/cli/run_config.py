"""What the environment of this terminal asks of a run, as Dagster's run configuration.

What lives here: which settings go with a run, and their check before it is launched.
What does not: launching and following it (`run`).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import ENV_PREFIX, Settings

_LOADING_ASSETS: Final = ("ev_station", "ev_session")
_CHOICES: Final = {
    "kmeans_model": ("clusters", "seed"),
    "dbscan_model": ("seed",),
    "isolation_forest_model": ("seed", "false_alarm_rate"),
}
"""Settings that each model is trained by."""

_TRAINING_JOBS: Final = {"bootstrap", "retrain"}


def run_config(settings: Settings, job: str) -> dict[str, Any]:
    """What is set here goes before what the stack was started with; the rest is the stack's.

    Args:
        settings: of this process.
        job: its name.

    Raises:
        PipelineError: `EV_BOOTSTRAP` cannot be read, or names a mapping or file that is not there.
    """
    ops: dict[str, Any] = {}
    if job == "bootstrap" and settings.bootstrap:
        files = _files(settings)
        ops |= {asset: {"config": {"files": files}} for asset in _LOADING_ASSETS}
    if job in _TRAINING_JOBS:
        chosen = {asset: _set_here(settings, names) for asset, names in _CHOICES.items()}
        ops |= {asset: {"config": choices} for asset, choices in chosen.items() if choices}
    return {"ops": ops} if ops else {}


def told_choices(settings: Settings, job: str) -> str:
    """The variables of training that go with the run, as a shell would set them; empty for none."""
    if job not in _TRAINING_JOBS:
        return ""
    names = sorted({name for names in _CHOICES.values() for name in names})
    chosen = _set_here(settings, names)
    return " ".join(f"{ENV_PREFIX}{name.upper()}={value}" for name, value in chosen.items())


def _set_here(settings: Settings, names: Iterable[str]) -> dict[str, Any]:
    """Those of the settings that this process's environment names."""
    return {name: getattr(settings, name) for name in names if name in settings.model_fields_set}


def _files(settings: Settings) -> list[dict[str, str]]:
    from ev_pipeline.assets.bootstrap import parse_bootstrap  # noqa: PLC0415 - a lazy import
    from ev_pipeline.sources.mapping import load_mapping  # noqa: PLC0415 - the same

    named = parse_bootstrap(settings.bootstrap, relative_to=Path.cwd())
    for file in named:
        load_mapping(file.source)
        if not file.path.exists():
            raise PipelineError(
                "EV_BOOTSTRAP names a file that is not there",
                mend="mend its path; nothing was loaded",
                where=str(file.path),
            )
    return [{"source": file.source, "path": str(file.path)} for file in named]
