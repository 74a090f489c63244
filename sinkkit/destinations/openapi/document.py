"""An OpenAPI document, read: its servers, its paths with their operations, and what ``$ref`` in it refers to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs

from sinkkit.errors import ConfigError
from sinkkit.optional import require

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
"""Keys of a path that are operations (OpenAPI 3.1, 4.8.9)."""

DEEPEST = 32
"""References that lead to references; more of them go in a circle."""

EXTRA = "openapi"


@attrs.frozen
class Document:
    """An OpenAPI document.

    Attributes:
        name: What messages call it.
        root: All of it.
    """

    name: str
    root: Mapping[str, Any] = attrs.field(repr=False)

    @property
    def version(self) -> str:
        """``3.0`` or ``3.1``."""
        return str(self.root["openapi"])[:3]

    @property
    def bases(self) -> list[tuple[str, str]]:
        """Host and path of each server, with the usual values of its variables; a host may be empty, as of a relative URL."""
        found = []
        for server in self.root.get("servers") or [{"url": "/"}]:
            url = str(server.get("url", "/"))
            for name, variable in (server.get("variables") or {}).items():
                url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
            parts = urlsplit(url)
            found.append((parts.netloc.lower(), parts.path.rstrip("/")))
        return found

    def paths(self) -> dict[str, Mapping[str, Any]]:
        """Each path with what stands under it."""
        return {str(path): self.followed(item) for path, item in (self.root.get("paths") or {}).items() if str(path).startswith("/")}

    def followed(self, value: Any) -> Any:
        """What *value* is, behind a ``$ref`` too.

        Raises:
            ConfigError: If it leads nowhere, in a circle, or out of the document.
        """
        return self.traced(value)[0]

    def traced(self, value: Any, pointer: str = "") -> tuple[Any, str]:
        """The same, and where in the document it stands.

        Args:
            value: What stands at *pointer*.
            pointer: A JSON pointer.

        Raises:
            ConfigError: As for ``followed``.
        """
        for _ in range(DEEPEST):
            if not isinstance(value, Mapping) or "$ref" not in value:
                return value, pointer
            reference = str(value["$ref"])
            if not reference.startswith("#/"):
                raise ConfigError(f"{self.name} refers to {reference!r}, outside of itself", hint="bundle the document into one file, as most tools for OpenAPI can")
            pointer = reference[1:]
            value = self.at(pointer, reference)
        raise ConfigError(f"references of {self.name} go in a circle", hint="the document is broken: a $ref leads to itself")

    def at(self, pointer: str, reference: str) -> Any:
        """What stands at a JSON pointer (RFC 6901), to which *reference* leads.

        Raises:
            ConfigError: If nothing does.
        """
        value: Any = self.root
        for raw in pointer.split("/")[1:]:
            key = unquote(raw).replace("~1", "/").replace("~0", "~")
            if isinstance(value, Mapping) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            else:
                raise ConfigError(f"{self.name} refers to {reference!r}, and nothing is there", hint="the document is broken: mend or update it")
        return value


def escaped(key: str) -> str:
    """*key* as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def load(path: Path) -> Document:
    """The document in a file, JSON or YAML.

    Raises:
        ConfigError: If it cannot be read, or is none of OpenAPI 3.0 or 3.1.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the OpenAPI document {path} cannot be read: {error}", hint="give the path of a JSON or YAML file") from error
    root = from_json(text, path) if text.lstrip().startswith("{") else from_yaml(text, path)
    if not isinstance(root, Mapping) or not str(root.get("openapi", "")).startswith(("3.0", "3.1")):
        version = root.get("openapi", root.get("swagger")) if isinstance(root, Mapping) else None
        what = f"is version {version}" if version else "is no OpenAPI document"
        raise ConfigError(f"{path} {what}; versions 3.0 and 3.1 can be checked", hint="older documents can be converted by most tools for OpenAPI")
    return Document(path.name, root)


def from_json(text: str, path: Path) -> Any:
    """What *text* writes as JSON.

    Raises:
        ConfigError: If it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no JSON: {error}", hint="a JSON document begins with a brace; YAML must not") from error


def from_yaml(text: str, path: Path) -> Any:
    """What *text* writes as YAML.

    Raises:
        ConfigError: If it is none, or the package that reads it is missing.
    """
    yaml = require("yaml", extra=EXTRA, wanted_by="an OpenAPI document in YAML")
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path} is no YAML: {' '.join(str(error).split())}", hint="check the line that is named") from error
