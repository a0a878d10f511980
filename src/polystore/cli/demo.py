"""`polystore demo`: the main job on real input, from files to answers."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from polystore.cli.settings import ConfigOption, VerboseOption, settings_of
from polystore.errors import PluginError
from polystore.types.names import WORKSPACE_BYTES

if TYPE_CHECKING:
    from polystore.cli.demo_output import Output
    from polystore.client import Polystore, Stores


def demo(
    context: typer.Context,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
    path: Annotated[
        Path | None,
        typer.Option(
            help="Folder of Python, Markdown or text files. Default: Python's standard library.",
            show_default=False,
        ),
    ] = None,
    ask: Annotated[
        list[str] | None,
        typer.Option(help="A question; repeatable. Default: three.", show_default=False),
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option(
            "--workspace",
            "-w",
            help="Tenant to load into. Default: the configured one; for a folder, its path.",
            show_default=False,
        ),
    ] = None,
    package: Annotated[
        str | None,
        typer.Option(help="Answer from this top-level package or folder only.", show_default=False),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="Answer with these only: module, class, function, method, section; repeatable.",
            show_default=False,
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=100, help="Hits per question.")] = 5,
    skip: Annotated[
        list[str] | None,
        typer.Option(
            help="Name of files or folders to leave out, beside tests and the like; repeatable.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Load a corpus into all four kinds of storage, and ask it questions.

    Modules become documents; docstrings and sections become chunks with embeddings; imports,
    definitions, inheritance and links become a graph; embeddings are cached by key. A second run
    loads only what changed. The demo creates the stores that it needs.
    """
    _check_installed()
    from polystore.cli.demo_output import Output
    from polystore.demo.answer import DEFAULT_KINDS, FOLDER_QUESTIONS, STDLIB_QUESTIONS

    source = settings_of(context, config, verbose=verbose).source()
    questions = ask or (STDLIB_QUESTIONS if path is None else FOLDER_QUESTIONS)
    job = _Job(source, path, workspace, frozenset(skip or ()), Output())
    asyncio.run(job.run(list(questions), top, package, kind or list(DEFAULT_KINDS)))


class _Job:
    def __init__(
        self,
        config: Path | None,
        path: Path | None,
        workspace: str | None,
        skips: frozenset[str],
        output: Output,
    ) -> None:
        self._config = config
        self._path = path
        self._workspace = workspace
        self._skips = skips
        self._output = output

    async def run(
        self, questions: list[str], top: int, package: str | None, kinds: list[str]
    ) -> None:
        from polystore.client import open as open_client
        from polystore.demo.answer import ask
        from polystore.demo.corpus import find_corpus
        from polystore.demo.embedding import WordLlamaEmbedder
        from polystore.demo.load import load
        from polystore.demo.stores import store_specs

        output = self._output
        corpus, embedder = await asyncio.gather(
            asyncio.to_thread(find_corpus, self._path, skips=self._skips),
            asyncio.to_thread(WordLlamaEmbedder),
        )
        # Whoever runs the demo wants its stores made, whatever `schema:` says.
        async with open_client(self._config, stores=store_specs(), schema="auto") as client:
            stores = self._view(client, corpus.name)
            output.begin(corpus)
            with output.progress() as progress:
                report = await load(stores, corpus, embedder, progress)
            output.loaded(report, await stores.sizes(), stores)
            for question in questions:
                answer = await ask(stores, embedder, question, k=top, package=package, kinds=kinds)
                output.answer(answer)

    def _view(self, client: Polystore, corpus: str) -> Stores:
        if self._workspace is not None:
            return client.workspace(self._workspace)
        # Each folder has a tenant of its own, so that one never answers for another.
        return client if self._path is None else client.workspace(_workspace_of(corpus))


def _workspace_of(corpus: str) -> str:
    if len(corpus.encode()) <= WORKSPACE_BYTES:
        return corpus
    return f"folder {hashlib.sha256(corpus.encode()).hexdigest()}"


def _check_installed() -> None:
    missing = [name for name in ("rich", "wordllama") if importlib.util.find_spec(name) is None]
    if missing:
        raise PluginError(
            f"the demo needs {' and '.join(missing)}, which this Python does not have",
            hint="Run `pip install polystore-core[demo]`",
        )
