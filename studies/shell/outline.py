"""What a module asks for, without importing what it needs to answer: help, and a word misspelled, come at once."""

import ast
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def outline(name: str, function: str) -> ModuleType:
    """The docstring of module `name`, and its `function` with signature and docstring, but without its body.

    Both are read from the source. Of the module only those statements are run that the signature names: its constants,
    types and their imports, and what these name in turn.
    """
    file = Path(find_spec(name).origin)  # type: ignore[union-attr, arg-type]
    tree = ast.parse(file.read_text(encoding="utf-8"))
    makers = {made: statement for statement in tree.body for made in _names_made(statement)}
    asked = makers[function]
    assert isinstance(asked, ast.FunctionDef)
    asked.body, asked.returns = asked.body[:1], None  # the docstring is left
    needed: list[ast.stmt] = [asked]
    for statement in needed:  # which grows meanwhile
        names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        needed += [makers[each] for each in names & makers.keys() if makers[each] not in needed]
    described = ModuleType(__name__, ast.get_docstring(tree))
    tree.body = [statement for statement in tree.body if statement in needed]
    exec(compile(tree, file, "exec"), vars(described))
    return described


def _names_made(statement: ast.stmt) -> list[str]:
    """The names that a statement of a module defines or imports."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.partition(".")[0] for alias in statement.names]
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    return [node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
