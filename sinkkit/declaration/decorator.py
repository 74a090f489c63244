"""``@sinkkit.destination``: from a function to a destination factory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar, overload

from sinkkit.declaration.capabilities import Stated, stated
from sinkkit.declaration.destination import Destination
from sinkkit.declaration.factory import DestinationFactory, make_factory
from sinkkit.declaration.limits import RateLimit
from sinkkit.declaration.naming.references import is_path
from sinkkit.declaration.options import Options, changed
from sinkkit.declaration.sink import Sink
from sinkkit.declaration.spec import read_spec
from sinkkit.errors import ConfigError
from sinkkit.rows import Retry

P = ParamSpec("P")
R = TypeVar("R")


@overload
def destination(function: Callable[P, R], /) -> DestinationFactory[P, R]: ...
@overload
def destination(sink: Sink, /) -> DestinationFactory[..., Any]: ...
@overload
def destination(name: str, /, *, destination_type: str | None = None, **settings: Any) -> Destination: ...
@overload
def destination(
    *,
    name: str | None = None,
    batch_size: int = 10,
    loader_file_format: str = "jsonl",
    naming_convention: Any = "direct",
    max_nesting_level: int | None = 0,
    skip_internal_columns_and_tables: bool = True,
    spec: type | None = None,
    workers: int | None = None,
    order_by: str | None = None,
    batch_bytes: int | None = None,
    rate_limit: str | RateLimit | None = None,
    retry: Retry = ...,
    on_reject: str = "halt",
    max_rejected: int | str | None = None,
    on_unknown: str = "resend",
    idempotency_header: str | None = None,
    timeout: float | None = None,
    durability: str = "full",
    mapping: Any = None,
    capabilities: Mapping[str, Any] | None = None,
) -> Callable[[Callable[P, R]], DestinationFactory[P, R]]: ...


def destination(
    target: Any = None,
    /,
    *,
    name: str | None = None,
    spec: type | None = None,
    capabilities: Mapping[str, Any] | None = None,
    **given: Any,
) -> Any:
    """Make a destination of a function, bare or with settings; or name one that config describes.

    Args:
        target: The function, when used bare, or a sink, or what makes one; or a destination's name.
        name: The destination's name; default: the function's.
        spec: An attrs class or dataclass whose fields are further settings. A parameter that bears the name of a field gets its
            value, one that is annotated with the class gets the whole object; fields that no parameter takes are checked all the same.
        capabilities: What the destination can take and keep, such as ``{"max_identifier_length": 63}``.
        given: ``batch_size`` (rows a call, 0: the path of a whole file), ``workers`` (calls at once), ``rate_limit``,
            ``retry``, ``timeout`` (seconds) and the further settings of ``Options``; with a name instead of a function,
            ``destination_type`` and any setting of the destination.

    Returns:
        A ``DestinationFactory``, or a decorator that makes one; a ``Destination`` where a name was given.

    Raises:
        SignatureError: If the function cannot be a destination as it is written, or *spec* is no class with fields.
        ConfigError: If a setting is unknown or impossible.
    """
    if isinstance(target, str):
        own = name if name is not None or is_path(target) else target
        return Destination.from_reference(target, destination_name=own, spec=spec, capabilities=capabilities, **given)
    read = None if spec is None else read_spec(spec)
    options, abilities = changed(Options(), given), stated(Stated(), capabilities or {})
    if isinstance(target, int):
        raise ConfigError(f"@destination({target!r}) does not say what {target!r} is", hint=f"write @sinkkit.destination(batch_size={target!r})")
    if target is not None:
        return make_factory(target, name=name, options=options, spec=read, stated=abilities)

    def decorate(function: Callable[P, R]) -> DestinationFactory[P, R]:
        return make_factory(function, name=name, options=options, spec=read, stated=abilities)

    return decorate
