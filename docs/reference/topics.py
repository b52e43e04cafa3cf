"""A page of every topic: what it carries, and which accounts may write and read it.

What lives here: what a topic is for, in words. What does not: rights, which the broker's own access
file gives (`messaging.access`).
"""

from collections import defaultdict
from typing import Final, NamedTuple

from docs.reference.markdown import code, table
from docs.reference.payloads import schema_of
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.access import access_file
from ev_pipeline.messaging.accounts import BrokerAccount, Role

_INTRODUCTION: Final = """\
# Topics

What goes over the broker, and who may. An account may write and read what the broker's access
file lists under its own name, and nothing else; `ACCOUNT` stands for an account of a charger
(the simulator's too), by its own name only. [What messages hold](messages.md) is a page of its
own.
"""

_CHARGER: Final = "ACCOUNT"

_ACCOUNTS: Final = (
    BrokerAccount(_CHARGER, Role.CHARGER),
    BrokerAccount("stream", Role.STREAM),
    BrokerAccount("dagster", Role.DAGSTER),
    BrokerAccount("nodered", Role.DASHBOARD),
)


class _About(NamedTuple):
    """What is said of a topic."""

    meaning: str
    is_retained: bool = False


_ABOUT: Final = {
    topics.EVERY_SESSION: _About("[sessions](messages.md), QoS 1"),
    topics.EVERY_REJECTION: _About("[what was refused, and why](payloads.md#rejection)"),
    topics.EVERY_PREDICT_REQUEST: _About(
        "[what would a session be labelled?](predict.md) An MQTT 5 request"
    ),
    topics.EVERY_PERIOD_REQUEST: _About(
        "[how was a period?](payloads.md#period_request) An MQTT 5 request"
    ),
    topics.EVERY_ANSWER: _About("answers, on the topic that the request names"),
    topics.EVERY_PANEL: _About("[what the dashboard shows](panels.md)", is_retained=True),
    topics.PROGRESS: _About(
        "[the ledger's sums and the change log's position](payloads.md#progress)", is_retained=True
    ),
    topics.STATUS: _About(
        "[whether the worker is there](payloads.md#status); its last will", is_retained=True
    ),
    topics.ALERTS: _About("[drift, anomalies, faults](payloads.md#alert)"),
    topics.BROKER_FIGURES: _About("the broker's own figures", is_retained=True),
}


def topics_page() -> str:
    """The page's text."""
    rights = _rights()
    head = ("topic", "carries", "retained", "may write", "may read")
    rows = [_row(topic, about, rights) for topic, about in _ABOUT.items()]
    panels = [
        (
            code(topics.panel(name)),
            f"[{_panel_says(name)}](payloads.md#{name})",
            _names(rights["write"][topics.panel(name)]),
        )
        for name in (*topics.STREAM_PANELS, *topics.OPERATION_PANELS)
    ]
    parts = [
        _INTRODUCTION,
        table(head, rows),
        "\n## Panels\n",
        "While the worker is offline, `dagster` sends the worker's panels too, all but `live`.\n",
        table(("topic", "shows", "may write"), panels),
    ]
    return "\n".join(parts) + "\n"


def _panel_says(name: str) -> str:
    told: str = schema_of(name)["description"]
    return told.rstrip(".")


def _rights() -> dict[str, dict[str, list[str]]]:
    """Who may write and who may read each topic, as the access file has it."""
    found: dict[str, dict[str, list[str]]] = {
        "read": defaultdict(list),
        "write": defaultdict(list),
    }
    name = ""
    for line in access_file(_ACCOUNTS).splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "user":
            name = rest
        elif kind == "topic":
            right, _, topic = rest.partition(" ")
            found[right][topic].append(name)
    return found


def _row(topic: str, about: _About, rights: dict[str, dict[str, list[str]]]) -> tuple[str, ...]:
    return (
        code(topic),
        about.meaning,
        "yes" if about.is_retained else "",
        _names(_who(topic, rights["write"])),
        _names(_who(topic, rights["read"])),
    )


def _who(topic: str, rights: dict[str, list[str]]) -> list[str]:
    """The accounts with a right to a topic of the pattern: all of it, or one's own part."""
    prefix = topic.rstrip("+#")
    names = [
        name
        for granted, accounts in rights.items()
        for name in accounts
        if granted == topic or (prefix != topic and _is_part(granted, prefix))
    ]
    return [account.name for account in _ACCOUNTS if account.name in names]


def _is_part(granted: str, prefix: str) -> bool:
    rest = granted.removeprefix(prefix)
    return rest != granted and "/" not in rest.removesuffix("/#")


def _names(names: list[str]) -> str:
    every = [account.name for account in _ACCOUNTS]
    return "everybody" if names == every else ", ".join(map(code, names))
