"""The pages as the site's builder wants them: one folder, with links that lead somewhere in it.

What lives here: which files become pages, and what is changed in their text on the way. What does
not: what the pages say, their order (`zensical.toml`) and building (`docs.site.__main__`).
"""

import os
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

_DOCS: Final = Path("docs")

_DECISIONS: Final = _DOCS / "decisions"

_FROM_ELSEWHERE: Final = {
    Path("README.md"): Path("index.md"),
    Path("CONTRIBUTING.md"): Path("contributing.md"),
    Path("SECURITY.md"): Path("security.md"),
    Path("CHANGELOG.md"): Path("changelog.md"),
    Path("data/README.md"): Path("sample.md"),
}
"""Pages that stand where people look for them in a checkout."""

_SHOWN_AS: Final = {
    **dict.fromkeys(("result", "rejection", "loaded"), "json"),
    **dict.fromkeys(("check", "error"), "text"),
    "draft": "toml",
}
"""Kinds of block that only tests tell apart, as the site colours them."""

_FENCED: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)

_OPENING: Final = re.compile(r"^```(\w+)[^\n]*\n")

_LINK: Final = re.compile(r"(\]\()([^)\s#]*)(#[^)\s]*)?(\))")


class Staging:
    """Copies pages, and the files that they link to, into a folder of their own.

    Args:
        root: the checkout.
        folder: where the pages go.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._folder = folder
        self._places = {path: path.relative_to(_DOCS) for path in self._documents()}
        self._places |= {path: place for path, place in _FROM_ELSEWHERE.items() if self._has(path)}
        self._places[_DECISIONS] = Path("decisions/index.md")

    def write(self) -> None:
        """Every page stands in the folder, and every file that a page links to."""
        for path, place in list(self._places.items()):
            if path == _DECISIONS:
                self._place(place, self._list_of_decisions().encode())
            elif path.suffix == ".md":
                self._place(place, self._page(path, place).encode())
            else:
                self._place(place, (self._root / path).read_bytes())

    def _has(self, path: Path) -> bool:
        return (self._root / path).is_file()

    def _documents(self) -> list[Path]:
        """What of the folder of documents is for readers: not the code that writes some of it."""
        found = (self._root / _DOCS).rglob("*")
        kept = [path for path in found if path.is_file() and path.suffix not in {".py", ".pyc"}]
        return sorted(path.relative_to(self._root) for path in kept)

    def _page(self, path: Path, place: Path) -> str:
        """The page's text: links rewritten, but in blocks, and blocks named as the site does."""
        text = (self._root / path).read_text(encoding="utf-8")
        parts, end = [], 0
        for block in _FENCED.finditer(text):
            parts += [self._linked(text[end : block.start()], path, place), _shown(block.group())]
            end = block.end()
        return "".join([*parts, self._linked(text[end:], path, place)])

    def _linked(self, text: str, path: Path, place: Path) -> str:
        def rewritten(link: re.Match[str]) -> str:
            before, target, anchor, after = link.groups(default="")
            if not target or "://" in target or target.startswith("mailto:"):
                return link.group()
            return f"{before}{self._target(path, target, place)}{anchor}{after}"

        return _LINK.sub(rewritten, text)

    def _target(self, path: Path, target: str, place: Path) -> str:
        """The target of a link as it is seen from where the page stands in the site."""
        wanted = Path(os.path.normpath(path.parent / target))
        found = self._places.get(wanted) or self._file(wanted)
        return os.path.relpath(found, place.parent) if found else target

    def _file(self, path: Path) -> Path | None:
        """A file that is no page is copied, as a text that a browser shows."""
        if not self._has(path):
            return None
        place = Path("files") / path.with_name(path.name + ("" if path.suffix else ".txt"))
        self._place(place, (self._root / path).read_bytes())
        return place

    def _place(self, place: Path, content: bytes) -> None:
        target = self._folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def _list_of_decisions(self) -> str:
        """A page that lists every decision by its title."""
        lines = ["# Decisions", "", "One page each: what was decided, why, and what follows.", ""]
        for path in self._places:
            if path.parent == _DECISIONS and path.suffix == ".md":
                title = (self._root / path).read_text(encoding="utf-8").splitlines()[0]
                lines.append(f"- [{title.removeprefix('# ')}]({path.name})")
        return "\n".join(lines) + "\n"


def _shown(block: str) -> str:
    opening = _OPENING.match(block)
    if opening is None:
        return block
    kind = opening[1]
    return f"```{_SHOWN_AS.get(kind, kind)}\n{block[opening.end() :]}"
