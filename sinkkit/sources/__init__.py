"""Where rows come from: anything a user may call data, read as pages of rows or of Arrow data."""

from sinkkit.sources.files import FileSource, files, json_lines
from sinkkit.sources.grouping import Group, source
from sinkkit.sources.pages import ArrowPage, Page, PartialHints, RowsPage, Source, TableHints
from sinkkit.sources.reading import read
from sinkkit.sources.resource import Resource, resource

__all__ = [
    "ArrowPage",
    "FileSource",
    "Group",
    "Page",
    "PartialHints",
    "Resource",
    "RowsPage",
    "Source",
    "TableHints",
    "files",
    "json_lines",
    "read",
    "resource",
    "source",
]
