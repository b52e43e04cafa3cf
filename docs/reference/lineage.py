"""A picture of the lineage, drawn from the definitions that Dagster loads.

What lives here: the drawing. What does not: what depends on what (`ev_pipeline.definitions`).
"""

from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final

from ev_pipeline.definitions import definitions

COLUMN_WIDTH: Final = 136
ROW_HEIGHT: Final = 62
BOX_WIDTH: Final = 108
BOX_HEIGHT: Final = 44
MARGIN: Final = 16
LANE_HEIGHT: Final = 14
LEGEND_HEIGHT: Final = 40
"""Sizes in pixels: the whole fits a page's width without being made smaller than one can read."""

LINE_HEIGHT: Final = 16
LONGEST_LINE: Final = 13
"""Pixels, and letters: a longer name is written on two lines."""

COLOURS: Final = {
    "records": "#1d4e89",
    "features": "#7a4b00",
    "models": "#5b2a86",
    "labels": "#0b5d3b",
    "dashboard": "#8a1c3c",
}
"""Fills of the groups: white text on each has a contrast of 6 or more."""

OTHER_COLOUR: Final = "#4a4a4a"

ARROW_COLOUR: Final = "#6e7781"

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
    lane = MARGIN + rows * ROW_HEIGHT + LANE_HEIGHT
    height = lane + LEGEND_HEIGHT + MARGIN
    place = _places(columns, rows)
    title = "Lineage of the assets: " + ", ".join(sorted(assets))
    view = f'viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="13"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {view}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="10" fill="{BACKGROUND}"/>',
    ]
    for asset in assets.values():
        parts += [_arrow(place[parent], place[asset.name], lane) for parent in asset.parents]
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


def _arrow(start: tuple[float, float], end: tuple[float, float], lane: float) -> str:
    if end[0] - start[0] > 2 * COLUMN_WIDTH:
        return _arrow_below(start, end, lane)
    x1, y1 = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT / 2
    x2, y2 = end[0], end[1] + BOX_HEIGHT / 2
    bend = (x2 - x1) / 2
    path = f"M{x1:g} {y1:g} C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2 - 5:g} {y2:g}"
    return _drawn(path, f"M{x2:g} {y2:g} l-7 -4 v8 z")


def _arrow_below(start: tuple[float, float], end: tuple[float, float], lane: float) -> str:
    """Over more than one column it would run behind boxes: it takes the lane below them."""
    x1, y1 = start[0] + BOX_WIDTH / 2, start[1] + BOX_HEIGHT
    x2, y2 = end[0] + BOX_WIDTH / 2, end[1] + BOX_HEIGHT
    bend = (lane - max(y1, y2)) / 0.75
    path = f"M{x1:g} {y1:g} C{x1:g} {y1 + bend:g} {x2:g} {y2 + bend:g} {x2:g} {y2 + 5:g}"
    return _drawn(path, f"M{x2:g} {y2:g} l-4 7 h8 z")


def _drawn(path: str, head: str) -> str:
    return (
        f'<path d="{path}" fill="none" stroke="{ARROW_COLOUR}" stroke-width="1.5"/>'
        f'<path d="{head}" fill="{ARROW_COLOUR}"/>'
    )


def _box(asset: Asset, x: float, y: float) -> str:
    colour = COLOURS.get(asset.group, OTHER_COLOUR)
    lines = _lines(asset.name)
    first = y + BOX_HEIGHT / 2 + 4.5 - (len(lines) - 1) * LINE_HEIGHT / 2
    texts = [
        f'<text x="{x + BOX_WIDTH / 2:g}" y="{first + number * LINE_HEIGHT:g}"'
        f' text-anchor="middle" fill="#ffffff">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"'
        f' fill="{colour}"/>{"".join(texts)}'
    )


def _lines(name: str) -> list[str]:
    if len(name) <= LONGEST_LINE:
        return [name]
    breaks = [place + 1 for place, letter in enumerate(name) if letter == "_"]
    middle = min(breaks, key=lambda place: abs(2 * place - len(name)), default=len(name))
    return [part for part in (name[:middle], name[middle:]) if part]


def _legend(assets: dict[str, Asset], height: float) -> list[str]:
    groups = {asset.group for asset in assets.values()}
    known = [group for group in COLOURS if group in groups]
    parts = []
    x, y = MARGIN, height - MARGIN - 14
    for group in [*known, *sorted(groups - set(COLOURS))]:
        colour = COLOURS.get(group, OTHER_COLOUR)
        parts.append(
            f'<rect x="{x}" y="{y:g}" width="14" height="14" rx="3" fill="{colour}"/>'
            f'<text x="{x + 20}" y="{y + 11.5:g}" fill="#24292f">{escape(group)}</text>'
        )
        x += 50 + 8 * len(group)
    return parts
