"""Who may use which topic: one list an account, in the broker's own language.

What lives here: the rights of each role. What does not: where the list is kept (`stack`).
"""

from collections.abc import Iterable
from typing import Final

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.accounts import BrokerAccount, Role

FOR_EVERYBODY: Final = (topics.PROGRESS, topics.STATUS, topics.ALERTS)
"""What every account may read."""


def access_file(accounts: Iterable[BrokerAccount]) -> str:
    """The broker's access file: nobody may do what is not listed under the account's own name.

    A pattern with a placeholder would reach every account, so there is none.
    """
    return "\n".join(_section(account) for account in accounts)


def _section(account: BrokerAccount) -> str:
    readable, writable = _rights(account)
    lines = [
        f"user {account.name}",
        *(f"topic read {topic}" for topic in (*FOR_EVERYBODY, *readable)),
        *(f"topic write {topic}" for topic in writable),
    ]
    return "".join(f"{line}\n" for line in lines)


def _rights(account: BrokerAccount) -> tuple[list[str], list[str]]:
    """What the account may read and what it may write."""
    name = account.name
    if account.role is Role.CHARGER:
        return (
            [topics.rejections(name), topics.answers(name)],
            [topics.sessions(name), topics.predict_requests(name)],
        )
    if account.role is Role.DASHBOARD:
        return (
            [topics.EVERY_PANEL, topics.answers(name)],
            [topics.period_requests(name), topics.predict_requests(name)],
        )
    if account.role is Role.DAGSTER:
        shared = [panel for panel in topics.STREAM_PANELS if panel != topics.LIVE_PANEL]
        panels = [topics.panel(panel) for panel in (*topics.OPERATION_PANELS, *shared)]
        return [topics.BROKER_FIGURES], [*panels, topics.ALERTS]
    requests = [topics.EVERY_PREDICT_REQUEST, topics.EVERY_PERIOD_REQUEST]
    panels = [topics.panel(panel) for panel in topics.STREAM_PANELS]
    return (
        [topics.EVERY_SESSION, *requests, topics.BROKER_FIGURES],
        [
            *(topics.EVERY_REJECTION, topics.EVERY_ANSWER),
            *(topics.PROGRESS, topics.STATUS, topics.ALERTS, *panels),
        ],
    )
