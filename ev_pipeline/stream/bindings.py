"""What each account's messages are read by, as the accounts' file says today.

What lives here: from an account's name to its binding. What does not: the file
(`messaging.accounts`), and reading messages (`sources.payloads`).
"""

from pathlib import Path

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.accounts import AccountBook, BrokerAccount
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline.sources.payloads.messages import UNBOUND, Binding


class Bindings:
    """The accounts' bindings; a change of the file counts from the next batch on.

    Args:
        home: `EV_HOME`.
    """

    def __init__(self, home: Path) -> None:
        self._book = AccountBook(home)
        self._bindings: dict[BrokerAccount, Binding] = {}

    def of(self, account: str) -> Binding:
        """What the account is bound to; nothing if it was removed meanwhile.

        Raises:
            PipelineError: its mapping cannot be used.
        """
        known = self._book.accounts().get(account)
        if known is None:
            return UNBOUND
        if known not in self._bindings:
            self._bindings[known] = _binding(known)
        return self._bindings[known]


def _binding(account: BrokerAccount) -> Binding:
    mapping = None if account.source is None else load_mapping(account.source)
    if mapping is not None and mapping.records != "session":
        raise PipelineError(
            f"the mapping {account.source} of account {account.name} reads no sessions",
            mend="add the account again with a mapping of sessions",
        )
    return Binding(mapping, account.scope)
