"""What each account's messages are read by, as the accounts' file says today.

What lives here: from an account's name to its binding. What does not: the file
(`messaging.accounts`), and reading messages (`sources.payloads`).
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.accounts import AccountBook, BrokerAccount
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline.sources.payloads.messages import UNBOUND, Binding


class Bindings:
    """The accounts' bindings, by the file as it is when they are asked for.

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
        return self._bound(self._book.accounts(), account)

    def for_batch(self) -> Callable[[str], Binding]:
        """The same for many messages, by the file as it is now.

        To look at the file for each takes as long as to decode it.
        """
        try:
            accounts = self._book.accounts()
        except PipelineError:
            return self.of  # which says of each message what is wrong
        return cache(lambda account: self._bound(accounts, account))

    def _bound(self, accounts: Mapping[str, BrokerAccount], account: str) -> Binding:
        known = accounts.get(account)
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
