"""The card of a model version: what it was made of, how it was judged, and what it cannot do.

What lives here: the text, in Markdown. What does not: any measure (each model's training).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ev_pipeline.domain.models.promotion import NOISE_SHARES
from ev_pipeline.domain.models.selection import (
    LEAST_AGREEMENT,
    LEAST_SHARE,
    LEAST_TEMPORAL_AGREEMENT,
    MOST_SHARE,
)
from ev_pipeline.domain.models.structure import LEAST_Z, MOST_P, STRUCTURED

NO_BETTER_THAN_CHANCE: Final = (
    "These groups are no better than chance: sessions whose hours, stays and energies are shuffled"
    " group as well. They have numbers instead of names; do not build on them."
)
NOT_VALID: Final = (
    "No number of clusters passed every gate, so these groups have numbers instead of names: they"
    " may come out otherwise next time. Do not build on them."
)

_LIMITS: Final = (
    "- Labels are given to every stored session, also to those that no model was fitted on.\n"
    "- A cluster says which sessions are alike, not why; its name is made of its figures.\n"
    "- Habits of users and stations are those of the training; who came later has the population's."
)


def notice(verdict: str, *, is_valid: bool) -> str | None:
    """What has to be said with the clusters in plain words; null where they are sound."""
    if verdict != STRUCTURED:
        return NO_BETTER_THAN_CHANCE
    return None if is_valid else NOT_VALID


def write_card(
    version: str,
    *,
    data: Mapping[str, Any],
    measures: Mapping[str, Mapping[str, Any]],
    decision: str,
) -> str:
    """The card of a version.

    Args:
        version: its name.
        data: what it was trained on, by what each figure is.
        measures: of the three models, and `comparison` on later sessions.
        decision: what became of it, and why.
    """
    clusters = measures["kmeans"]
    said = notice(clusters["verdict"], is_valid=clusters["k_is_valid"])
    return (
        "\n\n".join(
            [
                f"# Model {version}",
                f"**{clusters['verdict']}**, {clusters['k']} clusters; {decision}.",
                *([said] if said else []),
                "## Data\n\n" + _table(("what", "value"), data.items()),
                "## Clusters\n\n" + _clusters(clusters),
                "## Gates\n\n" + _gates(measures),
                f"## Limits\n\n{_LIMITS}",
            ]
        )
        + "\n"
    )


def _clusters(clusters: Mapping[str, Any]) -> str:
    rows = (
        (
            each["number"],
            each["name"],
            each["state"],
            f"{each['share']:.1%}",
            f"{each['start_hour']:.1f}",
            f"{each['duration_h']:.1f} h",
            f"{each['energy_kwh']:.1f} kWh",
            f"{each['mean_power_kw']:.1f} kW",
        )
        for each in clusters["clusters"]
    )
    names = ("number", "name", "since", "share", "hour", "stay", "energy", "power")
    table = _table(names, rows)
    gone = clusters["gone"]
    return f"{table}\n\nGone: {', '.join(map(str, gone))}." if gone else table


def _gates(measures: Mapping[str, Mapping[str, Any]]) -> str:
    clusters, density = measures["kmeans"], measures["dbscan"]
    structure = clusters["structure"]
    chosen = next(each for each in clusters["candidates"] if each["k"] == clusters["k"])
    low, high = NOISE_SHARES
    rows = [
        ("structure, p", structure["p_value"], f"at most {MOST_P}"),
        ("structure, z", structure["z"], f"at least {LEAST_Z:g}"),
        ("refits agree", chosen["agreement"], f"at least {LEAST_AGREEMENT}"),
        (
            "earlier and later agree",
            chosen["temporal_agreement"],
            f"at least {LEAST_TEMPORAL_AGREEMENT}",
        ),
        ("smallest share", chosen["smallest_share"], f"at least {LEAST_SHARE}"),
        ("largest share", chosen["largest_share"], f"at most {MOST_SHARE}"),
        ("silhouette", clusters["silhouette"], ""),
        ("gain over permuted sessions", chosen["gain"], ""),
        ("density noise", density["noise_share"], f"{low} to {high}"),
        ("density, refit agrees", density["held_out_agreement"], ""),
    ]
    later = measures["comparison"]["challenger"]
    rows += [(f"later sessions: {name}", value, "") for name, value in later.items()]
    return _table(("gate", "value", "needed"), ((a, _shown(b), c) for a, b, c in rows))


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _table(names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = [" | ".join(names), " | ".join("---" for _ in names)]
    lines += [" | ".join(str(cell) for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)
