"""Every error prints with its hint, and comes out of a pickle as it went in."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from sinkkit import errors
from sinkkit.errors import SinkkitError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SinkkitError)]


def example(kind, hint="what to do"):
    """An error of this kind with all its fields filled."""
    fields = [field for field in inspect.signature(kind).parameters.values() if field.kind is field.KEYWORD_ONLY]
    values = {field.name: f"a value for {field.name}" for field in fields if field.name != "hint"}
    return kind("what happened, and where", hint=hint, **values)


def test_the_list_has_every_error():
    """Every error is listed, and drawn in the tree at the top of the module."""
    assert errors.__all__ == sorted(kind.__name__ for kind in KINDS)
    assert [kind.__name__ for kind in KINDS if f" {kind.__name__} " not in errors.__doc__.replace("\n", " ")] == []


@pytest.mark.parametrize("kind", KINDS)
def test_it_prints_with_its_hint(kind):
    """An error shows what happened and, on a line of its own, what to do."""
    assert str(example(kind)) == "what happened, and where\n  hint: what to do"
    assert str(example(kind, hint=None)) == "what happened, and where"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_survives_pickling(kind, protocol):
    """An error sent from another process is the same error with the same fields and notes."""
    error = example(kind)
    error.add_note("seen on the way")
    back = pickle.loads(pickle.dumps(error, protocol))

    assert type(back) is kind
    assert (back.args, vars(back), str(back)) == (error.args, vars(error), str(error))
    assert back.__notes__ == ["seen on the way"]


@pytest.mark.parametrize("kind", KINDS)
def test_it_can_be_copied(kind):
    """A copy of an error has its fields."""
    error = example(kind)

    assert vars(copy.copy(error)) == vars(error)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_explained(kind):
    """Each error has a docstring of its own."""
    assert kind.__doc__
    assert kind is SinkkitError or kind.__doc__ != kind.__base__.__doc__
