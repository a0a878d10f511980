"""What `polystore demo` prints: for a terminal with colours and a bar, else plain text."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from polystore.demo.corpus import STDLIB, interpreter
from polystore.demo.stores import CHUNKS, CODE, EMBEDDINGS, MODULES

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from rich.console import RenderableType

    from polystore.client import Stores
    from polystore.demo.answer import Answer, Behind, Found, Relation
    from polystore.demo.corpus import Corpus
    from polystore.demo.records import LoadReport
    from polystore.types.reports import StoreSize

_PLAIN_WIDTH: Final = 100
_MAX_WIDTH: Final = 110
_MAX_NAMES: Final = 10
_MAX_PROBLEMS: Final = 10
_INDENT: Final = (0, 0, 0, 2)
_WHAT: Final = {
    MODULES: "documents",
    CHUNKS: "vectors with text",
    CODE: "nodes and edges",
    EMBEDDINGS: "cached embeddings",
}


class _Bar:
    """Progress of a load as a bar; `stage` and `advance` come from it."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task = bars.add_task("Reading", total=None)

    def stage(self, name: str, total: int) -> None:
        """Begin a part of the job."""
        self._bars.update(self._task, description=name.capitalize(), total=total, completed=0)

    def advance(self, steps: int) -> None:
        """Move the bar."""
        self._bars.advance(self._task, steps)


class Output:
    """Prints the run of a demo.

    Args:
        console: Where to; None is standard output.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=False)
        limit = _MAX_WIDTH if self._console.is_terminal else _PLAIN_WIDTH
        wide = self._console.is_terminal and self._console.width < limit
        self._console.width = self._console.width if wide else limit

    def begin(self, corpus: Corpus) -> None:
        """Say what is going to be loaded."""
        what = f"the standard library of {interpreter()}" if corpus.name == STDLIB else corpus.name
        line = Text("Loading ", style="bold")
        line.append(_clean(what)).append(f": {len(corpus.sources):,} files", style="dim")
        self._console.print(line)

    @contextmanager
    def progress(self) -> Generator[_Bar]:
        """Show a bar while the block runs, on a terminal only; it goes away at the end."""
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TextColumn("files"),
            TimeElapsedColumn(),
        )
        quiet = not self._console.is_terminal
        with Progress(*columns, console=self._console, transient=True, disable=quiet) as bars:
            yield _Bar(bars)

    def loaded(self, report: LoadReport, sizes: Sequence[StoreSize], stores: Stores) -> None:
        """Say what was done, how long it took, and what the stores hold now."""
        self._show(_done(report))
        if report.loaded or report.removed:
            self._show(_times(report))
        self._problems(report)
        self._console.print()
        table = _grid("store", "kind", "backend", "rows", "holds", right=("rows",))
        for size in sizes:
            if size.store in _WHAT:
                rows = " + ".join(f"{n:,}" for n in size.detail.values()) or f"{size.rows:,}"
                holds = Text(_WHAT[size.store])
                table.add_row(Text(size.store, style="bold"), size.kind, size.backend, rows, holds)
        self._show(table)
        self._show(Text(_clean(f"workspace {stores.doc(MODULES).workspace}"), style="dim"))

    def answer(self, answer: Answer) -> None:
        """Print the hits, the graph around the best of them, and the documents behind."""
        self._console.print()
        title = Text(_clean(answer.question), style="bold")
        self._console.print(Rule(title, align="left", style="dim", characters="-"))
        how = f"{answer.how} search, {answer.seconds * 1000:,.0f} ms"
        if answer.how == "vector":
            how += " (this backend has no text search, so by vectors only)"
        self._show(Text(how, style="dim"))
        if not answer.hits:
            self._show(Text("nothing matches"))
            return
        self._show(_hits(answer.hits))
        self._console.print()
        self._show(_around(answer.hits[0], answer.around, self._guides()))
        self._console.print()
        self._show(_documents(answer.documents))

    def _show(self, what: RenderableType) -> None:
        self._console.print(Padding(what, _INDENT, expand=False))

    def _problems(self, report: LoadReport) -> None:
        if not report.problems:
            return
        self._show(Text(f"{len(report.problems):,} passed over:", style="yellow"))
        for problem in report.problems[:_MAX_PROBLEMS]:
            line = Text(f"  {_clean(problem.path)}: ").append(_clean(problem.reason), style="dim")
            self._show(line)
        more = len(report.problems) - _MAX_PROBLEMS
        if more > 0:
            self._show(Text(f"  and {more:,} more"))

    def _guides(self) -> str:
        return "dim" if self._console.is_terminal else ""


def _done(report: LoadReport) -> Text:
    if not report.loaded and not report.removed:
        return Text(f"nothing changed: {report.unchanged:,} files compared, {report.total:.2f} s")
    parts = [f"{report.loaded:,} files loaded"]
    if report.unchanged:
        parts.append(f"{report.unchanged:,} unchanged")
    if report.removed:
        parts.append(f"{report.removed:,} removed")
    chunks = f"{report.chunks:,} chunks ({report.embedded:,} embedded, {report.cached:,} cached)"
    parts += [chunks, f"{report.nodes:,} nodes", f"{report.edges:,} edges"]
    return Text(", ".join(parts))


def _times(report: LoadReport) -> Text:
    how = "in units of work, all or nothing" if report.atomic else "documents last"
    return Text(
        f"{report.total:.1f} s: read {report.read:.1f}, embed {report.embed:.1f}, "
        f"write {report.write:.1f} ({how})",
        style="dim",
    )


def _hits(hits: Sequence[Found]) -> Table:
    table = _grid("score", "name", "what it says")
    for hit in hits:
        name = Text(_clean(hit.name), style="bold cyan", overflow="fold")
        table.add_row(Text(f"{hit.score:.4f}", style="dim"), name, Text(_clean(hit.summary)))
    return table


def _around(best: Found, relations: Sequence[Relation], guides: str) -> Tree:
    title = Text(_clean(best.name), style="bold cyan")
    title.append(_clean(best.signature), style="dim")
    tree = Tree(title, guide_style=guides)
    branches = {best.id: tree}
    for relation in relations:
        if relation.node not in branches:
            branches[relation.node] = tree.add(Text(_clean(relation.node.replace(":", " ", 1))))
        line = Text().append(f"{relation.verb} ", style="dim").append(_names(relation.others))
        branches[relation.node].add(line)
    return tree


def _names(ids: Sequence[str]) -> str:
    names = [_clean(id_.partition(":")[2]) for id_ in ids]
    public = [name for name in names if not name.rpartition(".")[2].startswith("_")] or names
    more = len(names) - len(public[:_MAX_NAMES])
    return ", ".join(public[:_MAX_NAMES]) + (f" and {more} more" if more else "")


def _documents(documents: Sequence[Behind]) -> Table:
    table = _grid("document", "file", "lines", "about", right=("lines",))
    for document in documents:
        lines = f"{document.lines:,}" if document.lines else "in C"
        path = Text(_clean(document.path), overflow="fold")
        about = Text(_clean(document.summary))
        table.add_row(Text(_clean(document.name), style="bold"), path, lines, about)
    return table


def _grid(*titles: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for title in titles:
        table.add_column(title, justify="right" if title in right else "left")
    return table


def _clean(text: str) -> str:
    """Return `text` on one line and without control codes: it comes from anybody's files."""
    return "".join(char if char.isprintable() else " " for char in text)
