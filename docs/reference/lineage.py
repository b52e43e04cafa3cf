"""A picture of the lineage, drawn from the definitions that Dagster loads.

What lives here: the drawing. What does not: what depends on what (`ev_pipeline.definitions`).
"""

from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final

from ev_pipeline.definitions import definitions

COLUMN_WIDTH: Final = 186
ROW_HEIGHT: Final = 62
BOX_WIDTH: Final = 148
BOX_HEIGHT: Final = 34
MARGIN: Final = 20
LEGEND_HEIGHT: Final = 40
"""Sizes in pixels; the widest name of an asset fits its box at the font's size."""

COLOURS: Final = {
    "records": "#1d4e89",
    "features": "#7a4b00",
    "models": "#5b2a86",
    "labels": "#0b5d3b",
    "dashboard": "#8a1c3c",
}
"""Fills of the groups: white text on each has a contrast of 6 or more."""

OTHER_COLOUR: Final = "#4a4a4a"

BACKGROUND: Final = "#f6f8fa"
"""The picture brings its own ground, so that it reads on a light page and on a dark one."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One node of the lineage."""

    name: str
    group: str
    parents: tuple[str, ...]


def lineage_svg() -> str:
    """The lineage graph as SVG, from left to right; the same graph gives the same text."""
    assets = _assets()
    columns = _columns(assets)
    rows = max(len(column) for column in columns)
    width = 2 * MARGIN + (len(columns) - 1) * COLUMN_WIDTH + BOX_WIDTH
    height = 2 * MARGIN + rows * ROW_HEIGHT + LEGEND_HEIGHT
    place = _places(columns, rows)
    title = "Lineage of the assets: " + ", ".join(sorted(assets))
    view = f'viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="13"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {view}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="10" fill="{BACKGROUND}"/>',
    ]
    for asset in assets.values():
        parts += [_arrow(place[parent], place[asset.name]) for parent in asset.parents]
    parts += [_box(asset, *place[asset.name]) for asset in assets.values()]
    parts += _legend(assets, height)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _assets() -> dict[str, Asset]:
    graph = definitions().resolve_asset_graph()
    found = {}
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        parents = tuple(sorted(parent.to_user_string() for parent in node.parent_keys))
        name = key.to_user_string()
        found[name] = Asset(name, node.group_name, parents)
    return found


def _columns(assets: dict[str, Asset]) -> list[list[str]]:
    depth: dict[str, int] = {}

    def depth_of(name: str) -> int:
        if name not in depth:
            depth[name] = 1 + max((depth_of(one) for one in assets[name].parents), default=-1)
        return depth[name]

    columns: list[list[str]] = [[] for _ in range(1 + max(map(depth_of, assets)))]
    for name in sorted(assets):
        columns[depth[name]].append(name)
    for before, column in pairwise(columns):
        column.sort(key=lambda name: (_mean_row(assets[name], before), name))
    return columns


def _mean_row(asset: Asset, before: list[str]) -> float:
    rows = [before.index(parent) for parent in asset.parents if parent in before]
    return sum(rows) / len(rows)


def _places(columns: list[list[str]], rows: int) -> dict[str, tuple[float, float]]:
    place: dict[str, tuple[float, float]] = {}
    for number, column in enumerate(columns):
        top = MARGIN + (rows - len(column)) * ROW_HEIGHT / 2
        for row, name in enumerate(column):
            place[name] = (MARGIN + number * COLUMN_WIDTH, top + row * ROW_HEIGHT)
    return place


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    x1, y1 = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT / 2
    x2, y2 = end[0] - 5, end[1] + BOX_HEIGHT / 2
    bend = (x2 - x1) / 2
    return (
        f'<path d="M{x1:g} {y1:g} C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"'
        f' fill="none" stroke="#8b949e" stroke-width="1.5"/>'
        f'<path d="M{x2 + 5:g} {y2:g} l-7 -4 v8 z" fill="#8b949e"/>'
    )


def _box(asset: Asset, x: float, y: float) -> str:
    colour = COLOURS.get(asset.group, OTHER_COLOUR)
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"'
        f' fill="{colour}"/><text x="{x + BOX_WIDTH / 2:g}" y="{y + BOX_HEIGHT / 2 + 4.5:g}"'
        f' text-anchor="middle" fill="#ffffff">{escape(asset.name)}</text>'
    )


def _legend(assets: dict[str, Asset], height: float) -> list[str]:
    groups = {asset.group for asset in assets.values()}
    known = [group for group in COLOURS if group in groups]
    parts = []
    x, y = MARGIN, height - MARGIN - 12
    for group in [*known, *sorted(groups - set(COLOURS))]:
        colour = COLOURS.get(group, OTHER_COLOUR)
        parts.append(
            f'<rect x="{x}" y="{y:g}" width="14" height="14" rx="3" fill="{colour}"/>'
            f'<text x="{x + 20}" y="{y + 11.5:g}" fill="#24292f">{escape(group)}</text>'
        )
        x += 50 + 8 * len(group)
    return parts
