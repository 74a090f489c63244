"""A directory in which each file is one setting, as Docker and Kubernetes mount secrets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path as FilePath
from typing import Any

import attrs

from sinkkit.errors import ConfigError
from sinkkit.settings.keys import Path, variable
from sinkkit.settings.providers import Provider, nested
from sinkkit.settings.toml_files import shown

DOCKER = "/run/secrets"
"""Where Docker and Podman mount secrets."""


def canonical(file_name: str) -> str:
    """The variable that a file name means: ``destination.crm.api-key`` and ``destination__crm__api_key`` are one."""
    return variable(tuple(file_name.replace("__", ".").split(".")))


@attrs.define(eq=False)
class Directory:
    """Files named ``destination__crm__api_key`` or ``destination.crm.api_key``, in any case; the content, without the line break at its end, is the value.

    Files whose names begin with a dot are left alone: Kubernetes keeps its versions of a volume in such. A directory that does not exist is empty.

    Args:
        folder: The directory.
    """

    folder: FilePath = attrs.field(default=FilePath(DOCKER), converter=FilePath)
    _files: dict[str, FilePath] | None = attrs.field(default=None, init=False, repr=False)

    @property
    def name(self) -> str:
        """The directory, for messages."""
        return f"files in {shown(self.folder)}"

    def opened(self) -> Sequence[Provider]:
        """The directory as it is now, listed once."""
        now = Directory(self.folder)
        now._files = now.listed()
        return (now,)

    def listed(self) -> dict[str, FilePath]:
        """Variable name to file.

        Raises:
            ConfigError: If the directory cannot be listed.
        """
        if self._files is not None:
            return self._files
        try:
            paths = sorted(path for path in self.folder.iterdir() if not path.name.startswith(".") and path.is_file())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigError(
                f"{shown(self.folder)} cannot be listed: {error.strerror}", hint="name a directory that this user may read"
            ) from error
        return {canonical(path.name): path for path in paths}

    def get(self, path: Path) -> Any:
        """The content of the file for *path*, or a table of those that continue it."""
        files = self.listed()
        name = variable(path)
        return content(files[name]) if name in files else nested(files, f"{name}__", lambda found: content(files[found]))

    def spell(self, path: Path) -> str:
        """The file's name as it is usually written."""
        return variable(path).lower()

    def names(self, section: Path) -> Iterable[str]:
        """First parts of the files of *section*, lower case."""
        prefix = f"{variable(section)}__" if section else ""
        return dict.fromkeys(name[len(prefix) :].partition("__")[0].lower() for name in self.listed() if name.startswith(prefix))


def content(path: FilePath) -> str:
    """The text of *path* without the line break at its end.

    Raises:
        ConfigError: If it cannot be read or is no UTF-8.
    """
    try:
        return path.read_bytes().decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ConfigError(f"{shown(path)} is not UTF-8", hint="write the value as UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{shown(path)} cannot be read: {error.strerror}", hint="check who may read the file") from error
