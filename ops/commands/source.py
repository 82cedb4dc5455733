"""Reading functions as they are written: whom they call, which refusals and events they make.

Nothing is run. A branch that a call closes by a constant (`retired=True`, or a default of None) is not read: what
stands in it cannot happen there.
"""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from ledger.core.rejection import Rejected

ELSEWHERE = "…"
Constants = tuple[tuple[str, Any], ...]


class Refusal(NamedTuple):
    """A code and the message it is given with; `…` where the message holds something of the case."""

    code: str
    message: str


class Written:
    """A function of ours and its syntax. `constants`: parameters whose value the call tells."""

    def __init__(self, function: FunctionType, constants: Constants = ()) -> None:
        self.function = function
        self.tree = _definition(function)
        self.constants = dict(constants)
        self.names = {**vars(sys.modules[function.__module__]), **inspect.getclosurevars(function).nonlocals}

    def nodes(self) -> Iterator[ast.AST]:
        """Everything in it that can be reached."""
        yield from self._reached(self.tree)

    def _reached(self, node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.If) and self._holds(node.test) is False:
            for branch in node.orelse:
                yield from self._reached(branch)
            return
        yield node
        for child in ast.iter_child_nodes(node):
            yield from self._reached(child)

    def _holds(self, test: ast.expr) -> bool | None:
        """What a condition comes to, as far as the constants tell."""
        match test:
            case ast.Name(id=name) if name in self.constants:
                return bool(self.constants[name])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                holds = self._holds(operand)
                return None if holds is None else not holds
            case ast.BoolOp(op=ast.And(), values=values) if any(self._holds(value) is False for value in values):
                return False
            case ast.Compare(left=ast.Name(id=name), ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
                return self.constants[name] is not None if name in self.constants else None
        return None

    def called(self) -> Iterator[tuple[FunctionType, Constants]]:
        """Functions it calls, with the constants it gives them."""
        for node in self.nodes():
            if isinstance(node, ast.Call) and isinstance(callee := self.object_of(node.func), FunctionType):
                yield callee, _constants(callee, node)

    def object_of(self, node: ast.expr) -> Any:
        """What a name, or a name in a module, stands for."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Attribute) and isinstance(module := self.object_of(node.value), ModuleType):
            return getattr(module, node.attr, None)
        return None

    def events(self) -> Iterator[str]:
        for node in self.nodes():
            if isinstance(node, ast.Call) and _is_call_of(node, "Draft"):
                yield from self._texts(node.args[0])

    def refusals(self) -> Iterator[Refusal]:
        for node in self.nodes():
            if isinstance(node, ast.Call) and _is_call_of(node, "Rejected"):
                yield from self._refusals(node.args[0], node.args[1])
            elif isinstance(node, ast.Call) and isinstance(maker := self.object_of(node.func), FunctionType):
                if maker.__annotations__.get("return") is Rejected:
                    yield from self._made(maker, node.args[0])

    def _made(self, maker: FunctionType, message: ast.expr) -> Iterator[Refusal]:
        """By a function that has the code and is given the whole message."""
        for code, told in Written(maker).refusals():
            if told == ELSEWHERE:
                yield from (Refusal(code, text) for text in self._texts(message))

    def _refusals(self, code: ast.expr, message: ast.expr) -> Iterator[Refusal]:
        if isinstance(code, ast.Name) and isinstance(message, ast.Name):
            for value in self._assigned([code.id, message.id]):
                if isinstance(value, ast.Tuple):
                    yield from self._refusals(value.elts[0], value.elts[1])
                elif isinstance(value, ast.Subscript) and isinstance(known := self.object_of(value.value), Mapping):
                    yield from (Refusal(*pair) for pair in known.values())
            return
        for said in self._texts(code):
            yield from (Refusal(said, text) for text in list(self._texts(message)) or [ELSEWHERE])

    def _texts(self, node: ast.expr) -> Iterator[str]:
        """The texts an expression may be."""
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=parts):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else ELSEWHERE for part in parts)
            case ast.IfExp(body=one, orelse=other):
                yield from self._texts(one)
                yield from self._texts(other)
            case ast.Name(id=name):
                if isinstance(known := self.names.get(name), str):
                    yield known
                for value in self._assigned([name]):
                    yield from self._texts(value)

    def _assigned(self, names: list[str]) -> Iterator[ast.expr]:
        """What is assigned to a name, or to some names at once."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    parts = target.elts if isinstance(target, ast.Tuple) else [target]
                    if [getattr(part, "id", "") for part in parts] == names:
                        yield node.value


def _is_call_of(node: ast.Call, name: str) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == name and bool(node.args)


@cache
def _module(name: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[name]))


def _definition(function: FunctionType) -> ast.AST:
    """Where a function is written; of one made inside another, or of a method, the whole of what it is written in."""
    outermost = function.__qualname__.partition(".")[0]
    return next(node for node in _module(function.__module__).body if getattr(node, "name", "") == outermost)


def _constants(function: FunctionType, call: ast.Call) -> Constants:
    parameters = inspect.signature(function).parameters
    given: dict[str, ast.expr] = dict(zip(parameters, call.args, strict=False))
    given |= {word.arg: word.value for word in call.keywords if word.arg}
    found = []
    for name, parameter in parameters.items():
        if name in given:
            if isinstance(value := given[name], ast.Constant):
                found.append((name, value.value))
        elif parameter.default is None or isinstance(parameter.default, bool):
            found.append((name, parameter.default))
    return tuple(found)
