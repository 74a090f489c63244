"""Schema contracts: what becomes of tables, columns and data types that were not there before."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.errors import ConfigError

EVOLVE, FREEZE, DISCARD_ROW, DISCARD_VALUE = "evolve", "freeze", "discard_row", "discard_value"
MODES = (EVOLVE, FREEZE, DISCARD_ROW, DISCARD_VALUE)
SUBJECTS = ("tables", "columns", "data_type")
EXAMPLE = 'write schema_contract="freeze", or schema_contract={"tables": "evolve", "columns": "freeze", "data_type": "discard_row"}'


@attrs.frozen(kw_only=True)
class Contract:
    """What becomes of rows that bring something new, each one of ``MODES``.

    Attributes:
        tables: Of rows of a table that no earlier load had.
        columns: Of a column that its table did not have.
        data_type: Of a value that does not fit its column's data type.
    """

    tables: str = EVOLVE
    columns: str = EVOLVE
    data_type: str = EVOLVE

    def asdict(self) -> dict[str, str]:
        """As a mapping, for the table and the package."""
        return {subject: getattr(self, subject) for subject in SUBJECTS}


EVERYTHING = Contract()
"""Takes everything as it comes: the default."""


def checked_contract(given: Any) -> Contract | None:
    """*given*, one mode or a mapping of ``tables``, ``columns`` and ``data_type`` to modes, as a contract; None for not given.

    Raises:
        ConfigError: If it is anything else.
    """
    if given is None or isinstance(given, Contract):
        return given
    if isinstance(given, str):
        return Contract(**dict.fromkeys(SUBJECTS, _mode(given)))
    if not isinstance(given, Mapping):
        raise ConfigError(f"schema_contract={given!r} is not possible", hint=EXAMPLE)
    for subject in given:
        if subject not in SUBJECTS:
            near = difflib.get_close_matches(subject, SUBJECTS, n=1) if isinstance(subject, str) else []
            raise ConfigError(
                f"schema_contract speaks of {subject!r}, which it cannot", hint=f"did you mean {near[0]!r}?" if near else EXAMPLE
            )
    return Contract(**{subject: _mode(mode) for subject, mode in given.items()})


def _mode(mode: Any) -> str:
    if isinstance(mode, str) and mode in MODES:
        return mode
    near = difflib.get_close_matches(mode, MODES, n=1) if isinstance(mode, str) else []
    modes = f"it is one of {', '.join(MODES)}"
    raise ConfigError(f"there is no schema contract {mode!r}", hint=f"did you mean {near[0]!r}? {modes}" if near else modes)
