"""Writes the synchronous client from the source of the asynchronous one.

Run `python tools/generate_sync.py` after a change to the client or a handle; with `--check` it only
says (by exit code 1) whether the committed files differ from what it would write.

Each public method becomes a plain one with the same arguments and docstring. What its body is
depends on what the method is: a coroutine, an async generator, an async context manager, something
that returns another wrapped object, or a plain value. A method that calls the caller back is taken
over line by line, without its awaits, since the callback belongs into the caller's thread.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

from sync_classes import (
    BODIES,
    EXTRA,
    HOMES,
    IMPORTS,
    IN_PLACE,
    KEPT,
    LEFT_OUT,
    MODULES,
    PLAIN,
    WORDS,
    Class,
    Module,
)

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
TARGET = SOURCE / "polystore" / "sync" / "generated"

Function = ast.FunctionDef | ast.AsyncFunctionDef

CALLBACK = r"Callable\[(\[.*?\]), Awaitable\[(.*?)\]\]"
"""An argument that is a coroutine function; its counterpart is a plain one."""


class Source:
    """A module of the asynchronous client."""

    def __init__(self, name: str) -> None:
        self.name = name
        path = SOURCE.joinpath(*name.split(".")).with_suffix(".py")
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)
        self.constants: dict[str, ast.Constant] = {}
        self.public: list[str] = []
        for node in self.tree.body:
            self._note(node)

    def _note(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if not isinstance(target, ast.Name):
                return
            if isinstance(node.value, ast.Constant):
                self.constants[target.id] = node.value
            if not target.id.startswith("_"):
                self.public.append(target.id)
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            self.public.append(node.name)

    def find(self, name: str) -> ast.stmt:
        """Return the class or function `name`."""
        return next(node for node in self.tree.body if getattr(node, "name", None) == name)

    def imports(self) -> list[str]:
        """Return what its annotations may name, without what has a synchronous counterpart."""
        lines: list[str] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module != "__future__":
                lines += [
                    f"from {node.module} import {ast.unparse(alias)}"
                    for alias in node.names
                    if alias.name not in HOMES
                ]
            elif isinstance(node, ast.Import):
                lines.append(ast.unparse(node))
        lines += [f"from {self.name} import {name}" for name in self.public if name not in HOMES]
        return lines


class Method:
    """A public method and its synchronous counterpart."""

    def __init__(self, source: Source, owner: str, node: Function) -> None:
        self.source = source
        self.owner = owner
        self.node = node
        self.decorators = {ast.unparse(decorator) for decorator in node.decorator_list}

    def text(self) -> str:
        """Return the counterpart, not indented."""
        name = {"__aenter__": "__enter__", "__aexit__": "__exit__"}.get(
            self.node.name, self.node.name
        )
        decorators = [f"@{d}\n" for d in KEPT if d in self.decorators]
        unknown = self.decorators - set(KEPT) - {"asynccontextmanager", "abstractmethod"}
        if unknown:
            raise SystemExit(f"{self.owner}.{name}: no rule for @{', @'.join(unknown)}")
        arguments = ast.unparse(inlined(self.node.args, self.source.constants))
        arguments = re.sub(CALLBACK, r"Callable[\1, \2]", arguments)
        head = f"{''.join(decorators)}def {name}({arguments}) -> {self._returns()}:\n"
        if "overload" in self.decorators:
            return f"{head}    ...\n"
        return head + indented(f"{docstring(self.source, self.node)}{self._body()}")

    def _returns(self) -> str:
        given = self.node.returns
        if given is None:
            raise SystemExit(f"{self.owner}.{self.node.name} does not say what it returns")
        if "asynccontextmanager" in self.decorators:
            return f"AbstractContextManager[{item(given)}]"
        return f"Generator[{item(given)}]" if self._yields() else ast.unparse(given)

    def _body(self) -> str:
        """Return the statements, by what the method is."""
        special = BODIES.get((self.owner, self.node.name))
        if special is not None:
            return special
        if re.search(CALLBACK, ast.unparse(self.node.args)):
            return self._taken_over()
        return f"return {self._forwarding()}"

    def _forwarding(self) -> str:
        """Return the expression that asks the counterpart."""
        attribute = f"self._wrapped.{self.node.name}"
        if "property" in self.decorators:
            return self._wrapping(attribute)
        given = forwarded(self.node.args)
        direct = f"{attribute}({', '.join(given)})"
        if "asynccontextmanager" in self.decorators:
            return f"self._portal.manage({direct})"
        if self._yields():
            return f"self._portal.iterate({direct}, batch)"
        if isinstance(self.node, ast.AsyncFunctionDef):
            return f"self._portal.call({', '.join([attribute, *given])})"
        in_loop = f"self._portal.run({', '.join([attribute, *given])})"
        return self._wrapping(direct if self.node.name in IN_PLACE else in_loop)

    def _taken_over(self) -> str:
        """Return the statements of the method itself, comments too, without awaits."""
        first, last = self.node.body[1].lineno, self.node.end_lineno
        text = textwrap.dedent("\n".join(self.source.text.splitlines()[first - 1 : last]))
        for theirs, ours in PLAIN.items():
            text = text.replace(theirs, ours)
        for name, value in self.source.constants.items():
            text = re.sub(rf"\b{name}\b", ast.unparse(value), text)
        return text

    def _wrapping(self, value: str) -> str:
        returns = self.node.returns
        named = returns.value if isinstance(returns, ast.Subscript) else returns
        name = ast.unparse(named) if named is not None else ""
        if name == "Self":
            return f"type(self)(self._portal, {value})"
        return f"{name}(self._portal, {value})" if name in HOMES else value

    def _yields(self) -> bool:
        return isinstance(self.node, ast.AsyncFunctionDef) and any(
            isinstance(inner, ast.Yield) for inner in ast.walk(self.node)
        )


def item(annotation: ast.expr) -> str:
    """Return X of AsyncIterator[X]."""
    if not isinstance(annotation, ast.Subscript):
        raise SystemExit(f"{ast.unparse(annotation)} does not say what it yields")
    return ast.unparse(annotation.slice)


def inlined(arguments: ast.arguments, constants: dict[str, ast.Constant]) -> ast.arguments:
    """Return the arguments with defaults that are a module's constants written out."""

    def value(default: ast.expr) -> ast.expr:
        return constants.get(default.id, default) if isinstance(default, ast.Name) else default

    defaults = [value(default) for default in arguments.defaults]
    kw_defaults = [None if default is None else value(default) for default in arguments.kw_defaults]
    return ast.arguments(
        arguments.posonlyargs,
        arguments.args,
        arguments.vararg,
        arguments.kwonlyargs,
        kw_defaults,
        arguments.kwarg,
        defaults,
    )


def forwarded(arguments: ast.arguments) -> list[str]:
    """Return how a counterpart hands its arguments on."""
    given = [passed(argument) for argument in [*arguments.posonlyargs, *arguments.args][1:]]
    if arguments.vararg is not None:
        given.append(f"*{arguments.vararg.arg}")
    given += [f"{argument.arg}={passed(argument)}" for argument in arguments.kwonlyargs]
    if arguments.kwarg is not None:
        given.append(f"**{arguments.kwarg.arg}")
    return given


def passed(argument: ast.arg) -> str:
    """Return an argument as it is handed on: what may be a generator is read here."""
    annotation = "" if argument.annotation is None else ast.unparse(argument.annotation)
    return f"settled({argument.arg})" if "Iterable[" in annotation else argument.arg


def docstring(source: Source, node: Function | ast.ClassDef) -> str:
    """Return the docstring as it stands in the source, not indented, in synchronous words."""
    first = node.body[0]
    if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
        return ""
    text = ast.get_source_segment(source.text, first) or ""
    for ours, theirs in WORDS.items():
        text = text.replace(ours, theirs)
    margin = " " * first.col_offset
    return "\n".join(line.removeprefix(margin) for line in text.splitlines()) + "\n"


def indented(text: str) -> str:
    """Return `text` one level further in."""
    return "".join(f"    {line}" if line.strip() else line for line in text.splitlines(True)) + "\n"


def public(class_: ast.ClassDef) -> list[Function]:
    """Return the methods that have a counterpart."""
    return [
        node
        for node in class_.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (not node.name.startswith("_") or node.name in {"__aenter__", "__aexit__"})
        and node.name not in LEFT_OUT
    ]


def class_text(class_: Class) -> str:
    """Return a generated class."""
    parts = [EXTRA.get(class_.name, "")]
    doc = ""
    for module, name in class_.shown:
        source = Source(module)
        node = source.find(name)
        if not isinstance(node, ast.ClassDef):
            raise SystemExit(f"{module}.{name} is no class")
        doc = docstring(source, node).split("\nArgs:")[0]
        if not doc.rstrip().endswith('"""'):
            doc = f'{doc.rstrip()}\n"""\n'
        parts += [Method(source, class_.name, method).text() for method in public(node)]
    return f"class {class_.name}({class_.base}):\n{indented(doc)}\n{indented(chr(10).join(parts))}"


def open_text() -> str:
    """Return the function `open`."""
    source = Source("polystore.client")
    node = source.find("open")
    if not isinstance(node, ast.FunctionDef):
        raise SystemExit("polystore.client.open is no function")
    names = [argument.arg for argument in node.args.args]
    names += [f"{argument.arg}={argument.arg}" for argument in node.args.kwonlyargs]
    body = f"return Polystore(Portal(), open_async({', '.join(names)}))"
    head = f"def open({ast.unparse(node.args)}) -> Polystore:\n"
    return head + indented(docstring(source, node) + body)


def module_text(module: Module) -> str:
    """Return a generated file."""
    sources = {name: Source(name) for class_ in module.classes for name, _ in class_.shown}
    imports = [line for source in sources.values() for line in source.imports()]
    mine = {class_.name for class_ in module.classes}
    for name, home in HOMES.items():
        if name not in mine:
            imports.append(f"from polystore.sync.generated.{home} import {name}")
    imports += [f"from {c.shown[-1][0]} import {c.name} as Async{c.name}" for c in module.classes]
    parts = [class_text(class_) for class_ in module.classes]
    if module.name == "client":
        imports.append("from polystore.client import open as open_async")
        parts.append(open_text())
    title = (ast.get_docstring(sources[module.source].tree) or "").splitlines()[0]
    head = (
        f'"""{title}\n\n'
        f"For synchronous callers: generated from {module.source} by\ntools/generate_sync.py, "
        'not to be edited.\n"""\n\n'
        "from __future__ import annotations\n\n"
    )
    lines = "\n".join(dict.fromkeys([*IMPORTS.splitlines(), *imports]))
    return tidy(module.name, "\n\n".join([head + lines, module.preamble, *parts]))


def tidy(name: str, text: str) -> str:
    """Return `text` without unused imports, those for types apart, and formatted."""
    path = f"src/polystore/sync/generated/{name}.py"
    check = ["check", "--quiet", "--fix-only", "--unsafe-fixes", "--select", "F401,I,TC"]
    # Said here, as ruff would look for the very files that are being made.
    check += ["--config", 'lint.isort.known-first-party=["polystore"]']
    for command in (check, ["format", "--quiet"]):
        done = subprocess.run(  # noqa: S603 - ruff, with arguments made here
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", path, "-"],
            input=text,
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"{path}: ruff {command[0]} failed:\n{done.stderr}")
        text = done.stdout
    return text


def generated() -> dict[Path, str]:
    """Return each generated file and what it has to hold."""
    texts = {TARGET / f"{module.name}.py": module_text(module) for module in MODULES}
    texts[TARGET / "__init__.py"] = ""
    return texts


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` say whether they are as they have to be."""
    texts = generated()
    stale = [
        path
        for path, text in texts.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    left = [path for path in TARGET.glob("*.py") if path not in texts]
    if "--check" in arguments:
        for path in stale + left:
            print(f"{path.relative_to(ROOT)} is stale: run python tools/generate_sync.py")
        return 1 if stale or left else 0
    TARGET.mkdir(exist_ok=True)
    for path in left:
        path.unlink()
    for path in stale:
        path.write_text(texts[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
