"""Destinations that other distributions bring, by the entry-point group ``sinkkit.destinations``, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import sinkkit
try:
    made = sinkkit.Destination.from_reference(sys.argv[1], **eval(sys.argv[2]))
    info = sinkkit.pipeline("p", made, progress="off").run([1, 2, 3], table_name="t")
    print(info.destination_name, made.destination_type, info.metrics)
except sinkkit.errors.ConfigError as error:
    print(type(error).__name__, error, "caused by", type(error.__cause__).__name__)
"""

MODULE = """
import sinkkit

@sinkkit.destination(batch_size=2)
def acme(items, table, factor: int = 1):
    return {"rows": len(items) * factor}

def plain(items, table):
    return {"plain": len(items)}

number = 3
"""


@pytest.fixture
def plug_in(tmp_path):
    """Installs a distribution: a module and the folder of its metadata, as pip writes it."""

    def install(distribution, points, module=MODULE):
        (tmp_path / f"{distribution.replace('-', '_')}_module.py").write_text(module)
        metadata = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        lines = "".join(f"{name} = {value}\n" for name, value in points.items())
        (metadata / "entry_points.txt").write_text(f"[sinkkit.destinations]\n{lines}")

    return install


def use(tmp_path, reference, **environment):
    """What a program says that delivers to *reference*."""
    settings = environment.pop("settings", {})
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, reference, repr(settings)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path), **environment},
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_a_plug_in_is_named_like_a_built_in(plug_in, tmp_path):
    """By its own name, and as the type of another name; its settings stand under the name it is used by."""
    plug_in("acme-sinks", {"acme": "acme_sinks_module:acme", "acme-plain": "acme_sinks_module:plain [fast]"})

    assert use(tmp_path, "acme", DESTINATION__ACME__FACTOR="10") == "acme acme_sinks_module.acme {'rows': 30}"
    assert use(tmp_path, "acme-plain") == "acme-plain acme_sinks_module.plain {'plain': 3}"
    assert use(tmp_path, "crm", DESTINATION__CRM__DESTINATION_TYPE="acme") == "crm acme_sinks_module.acme {'rows': 3}"
    assert use(tmp_path, "crm", settings={"destination_type": "acme", "factor": 2}) == "crm acme_sinks_module.acme {'rows': 6}"


def test_what_the_settings_say_goes_before_a_plug_in(plug_in, tmp_path):
    """A type in the environment is tried first; an explicit type has no fallback to the name."""
    plug_in("acme-sinks", {"acme": "acme_sinks_module:acme"})

    assert use(tmp_path, "acme", DESTINATION__ACME__DESTINATION_TYPE="acme_sinks_module.plain").startswith("acme acme_sinks_module.plain")
    said = use(tmp_path, "acme", settings={"destination_type": "acme_sinks_module.nobody"})
    assert said.startswith("ReferenceNotFound 'acme_sinks_module.nobody' was not found")


def test_a_misspelt_plug_in_is_suggested(plug_in, tmp_path):
    """The error lists the plug-ins that are installed."""
    plug_in("acme-sinks", {"acme": "acme_sinks_module:acme", "zeta": "acme_sinks_module:plain"})

    said = use(tmp_path, "acmee")

    assert "plug-ins (entry points of the group sinkkit.destinations): acme, zeta" in said
    assert "did you mean acme?" in said


@pytest.mark.parametrize(
    ("value", "module", "said"),
    [
        ("acme_sinks_module:acme", "import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("acme_sinks_module:nobody", MODULE, "module 'acme_sinks_module' has no 'nobody'"),
        ("nowhere:acme", MODULE, "there is no module 'nowhere'"),
        ("acme_sinks_module", MODULE, "is not a path to a function"),
        ("acme_sinks_module:acme", "import sys; sys.exit()", "SystemExit"),
    ],
)
def test_a_plug_in_that_fails_is_named_with_its_distribution(plug_in, tmp_path, value, module, said):
    """Whose fault it is, and the error itself."""
    plug_in("acme-sinks", {"acme": value}, module)

    told = use(tmp_path, "acme")

    assert told.startswith("ConfigError the plug-in 'acme' of acme-sinks 1.2 cannot be used")
    assert said in told
    assert "author" in told


def test_a_plug_in_that_is_no_destination(plug_in, tmp_path):
    """A number is named as one."""
    plug_in("acme-sinks", {"acme": "acme_sinks_module:number"})

    assert "SignatureError acme is int, not a function" in use(tmp_path, "acme")


def test_two_plug_ins_of_one_name_are_refused(plug_in, tmp_path):
    """Neither is taken for the other; the same one installed twice is one."""
    plug_in("acme-sinks", {"acme": "acme_sinks_module:acme", "one": "acme_sinks_module:plain"})
    plug_in("other-sinks", {"acme": "other_sinks_module:plain", "one": "acme_sinks_module:plain"})

    said = use(tmp_path, "acme")

    assert said.startswith("ConfigError 2 plug-ins call a destination 'acme'")
    assert all(name in said for name in ("acme-sinks 1.2", "other-sinks 1.2", "other_sinks_module:plain"))
    assert use(tmp_path, "one").startswith("one acme_sinks_module.plain")
