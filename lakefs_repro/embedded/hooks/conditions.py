"""A hook's ``if``: success() and failure() of the hooks before it, with the operators of lakeFS' expressions."""

from __future__ import annotations

import re
from typing import Any

_TOKEN = re.compile(r"\s*(?:(==|!=|&&|\|\||[!()?:])|(\d+(?:\.\d+)?)|\"([^\"]*)\"|'([^']*)'|([A-Za-z_]\w*)|(\S))")
_LITERALS = {"true": True, "false": False, "nil": None}
_OR, _AND, _NOT = {"or", "||"}, {"and", "&&"}, {"not", "!"}
_MAX_LENGTH = 4096


class ConditionError(Exception):
    """An expression that can't be evaluated."""


def holds(text: str, *, failed: bool) -> bool:
    """Whether a hook with the condition ``text`` runs, where ``failed`` says how its predecessors did.

    None means ``success()``.

    Raises:
        ConditionError: it can't be read, or is neither true nor false.
    """
    if not text:
        return not failed
    if len(text) > _MAX_LENGTH:
        raise ConditionError("hook 'if' expression is too long")
    try:
        value = _Evaluation(text, failed=failed).result()
    except RecursionError:
        raise ConditionError("hook 'if' expression is too deep") from None
    if not isinstance(value, bool):
        raise ConditionError("hook 'if' expression should evaluate to a boolean")
    return value


class _Evaluation:
    """Recursive descent: ``?:`` binds least, then or, and, not, comparisons."""

    def __init__(self, text: str, *, failed: bool) -> None:
        self._tokens = list(_TOKEN.finditer(text.rstrip()))
        self._at = 0
        self._functions = {"success": not failed, "failure": failed}

    def result(self) -> Any:
        value = self._choice()
        if self._peek():
            raise ConditionError(f"unexpected token {self._peek()!r} in hook 'if' expression")
        return value

    def _peek(self) -> str:
        return self._tokens[self._at].group().strip() if self._at < len(self._tokens) else ""

    def _take(self, wanted: set[str]) -> str:
        token = self._peek()
        if token in wanted:
            self._at += 1
            return token
        return ""

    def _require(self, token: str) -> None:
        if not self._take({token}):
            raise ConditionError(
                f"unexpected token {self._peek() or 'EOF'} in hook 'if' expression: {token!r} expected"
            )

    def _choice(self) -> Any:
        value = self._either()
        if not self._take({"?"}):
            return value
        first = self._choice()
        self._require(":")
        second = self._choice()
        return first if self._truth(value) else second

    def _either(self) -> Any:
        value = self._both()
        while self._take(_OR):
            other = self._both()
            value = self._truth(value) or self._truth(other)
        return value

    def _both(self) -> Any:
        value = self._negated()
        while self._take(_AND):
            other = self._negated()
            value = self._truth(value) and self._truth(other)
        return value

    def _negated(self) -> Any:
        if self._take(_NOT):
            return not self._truth(self._negated())
        return self._compared()

    def _compared(self) -> Any:
        value = self._primary()
        operator = self._take({"==", "!="})
        if not operator:
            return value
        same = value == self._primary()
        return same if operator == "==" else not same

    def _primary(self) -> Any:
        if self._take({"("}):
            value = self._choice()
            self._require(")")
            return value
        if self._at >= len(self._tokens):
            raise ConditionError("unexpected token EOF in hook 'if' expression")
        found = self._tokens[self._at]
        _, number, double, single, name, _ = found.groups()
        self._at += 1
        if number is not None:
            return float(number)
        if double is not None or single is not None:
            return double if double is not None else single
        if name is None:
            raise ConditionError(f"unexpected token {found.group().strip()!r} in hook 'if' expression")
        return self._call(name) if self._take({"("}) else _LITERALS.get(name)

    def _call(self, name: str) -> bool:
        self._require(")")
        if name not in self._functions:
            raise ConditionError(
                f"hook 'if' expression calls {name}(), which is not there: success() and failure() are"
            )
        return self._functions[name]

    @staticmethod
    def _truth(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ConditionError("hook 'if' expression should evaluate to a boolean")
        return value
