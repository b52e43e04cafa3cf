"""Who the chargers are: from the environment, or from the files of a local stack.

What lives here: from names to logins. What does not: connecting (`clients`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic_settings import DotEnvSettingsSource

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.login import Login
from ev_pipeline.settings import Settings, load_settings

DEFAULT_ACCOUNT: Final = "simulator"
"""The local stack's account for simulators."""


def logins_of(names: Sequence[str]) -> list[Login]:
    """The logins of the accounts; without names, the environment's, else the local stack's own.

    Raises:
        PipelineError: there is nothing to log in with.
    """
    if not names:
        return [Login.from_settings(load_settings(DEFAULT_ACCOUNT))]
    home = load_settings().home
    return [_from_file(home, name) for name in dict.fromkeys(names)]


def _from_file(home: Path, name: str) -> Login:
    """The login that the file says, whatever account the environment has."""
    folder = home / "credentials"
    path = folder / f"{name}.env"
    if not path.is_file():
        known = sorted(file.stem for file in folder.glob("*.env") if "database" not in file.stem)
        others = f", or name one of {', '.join(known)}" if known else ""
        raise PipelineError(
            f"there are no credentials of the account {name!r}",
            mend=f"make it by `ev-pipeline accounts add {name}`{others}",
            where=str(path),
        )
    try:
        said = DotEnvSettingsSource(Settings, env_file=path)()
    except OSError as error:
        raise PipelineError(
            f"the credentials cannot be read ({error.strerror})",
            mend="run as the user who made them",
            where=str(path),
        ) from error
    return Login.from_settings(Settings(home=home, **said))
