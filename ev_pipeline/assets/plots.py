"""Small pictures for Dagster's metadata.

What lives here: drawing. What does not: choosing what is drawn (`domain.models.plots`).
"""

from base64 import b64encode
from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Final

import dagster as dg
import polars as pl

from ev_pipeline.domain.models.profiles import STATION_KINDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE_INCHES: Final = (5.6, 2.9)
_DOTS_PER_INCH: Final = 96
"""538 by 278 dots: what Dagster's metadata pane shows without scaling, in some 30 kB."""

_COLOURS: Final = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#f0e442",
    "#5b3a8e",
)
"""Told apart also by colour-blind people; clusters beyond the eighth share the colours.

References:
    Okabe and Ito, Color Universal Design (2008); the last is ours, in place of black.
"""

_NOISE_COLOUR: Final = "#9a9a9a"
_HOURS: Final = (0, 6, 12, 18, 24)
_MANY_LABELS: Final = 8
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def plot_sessions(
    points: pl.DataFrame, *, title: str, names: Mapping[int, str]
) -> dg.MarkdownMetadataValue:
    """Sessions by hour of plug-in and stay, coloured by label.

    Args:
        points: columns start_hour, duration_h and label.
        title: what the labels are of.
        names: of the labels that are no plain number.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - most steps draw nothing

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
    # An opaque ground, because the page behind it may be light or dark.
    figure.set_facecolor("white")
    axes = figure.add_subplot()
    labels = points["label"].unique().sort().to_list()
    for label in labels:
        chosen = points.filter(pl.col("label") == label)
        axes.scatter(
            chosen["start_hour"],
            chosen["duration_h"],
            s=5,
            color=_NOISE_COLOUR if label < 0 else _COLOURS[label % len(_COLOURS)],
            label=names.get(label, str(label)),
            linewidths=0,
        )
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlim(_HOURS[0], _HOURS[-1])
    axes.set_xticks(_HOURS)
    axes.set_xlabel("hour of plug-in, station's clock")
    axes.set_ylabel("plugged in, h")
    axes.set_title(title)
    if len(labels) <= _MANY_LABELS:
        figure.legend(loc="outside right upper", markerscale=3, frameon=False)
    return _picture(figure, title)


def plot_profiles(profiles: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """Each cluster's hours of plug-in, weekdays and kinds of station, one colour a cluster.

    Args:
        profiles: rows of `ev_cluster_profile`.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - most steps draw nothing

    width, height = _SIZE_INCHES
    figure = Figure(figsize=(1.5 * width, 1.6 * height), dpi=_DOTS_PER_INCH, layout="constrained")
    figure.set_facecolor("white")
    hours, days, stations = figure.subplot_mosaic("hh;ds").values()
    for row in profiles.iter_rows(named=True):
        colour = _COLOURS[row["kmeans_cluster"] % len(_COLOURS)]
        name = f"{row['kmeans_cluster']}: {row['cluster_name']} ({row['share']:.0%})"
        hours.plot([100 * share for share in row["hour_shares"]], label=name, color=colour)
        days.plot(_DAYS, [100 * share for share in row["weekday_shares"]], color=colour)
        stations.plot(
            STATION_KINDS, [100 * each for each in row["station_shares"]], "o", color=colour
        )
    hours.set_xticks(_HOURS[:-1])
    hours.set_xlabel("hour of plug-in, station's clock")
    stations.tick_params(axis="x", labelsize="small")
    stations.set_xlabel("kind of station")
    for axes in (hours, days, stations):
        axes.set_ylim(bottom=0)
        axes.set_ylabel("% of the cluster")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize="small")
    return _picture(figure, "cluster profiles")


def _picture(figure: "Figure", title: str) -> dg.MarkdownMetadataValue:
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    encoded = b64encode(buffer.getvalue()).decode("ascii")
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{encoded})")
