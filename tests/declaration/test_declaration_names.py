"""Names and paths that are wrong, and modules that fail: what was tried, what looks like it, and whose error it is."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

import sinkkit
from sinkkit import Destination
from sinkkit.errors import ConfigError, ReferenceNotFound, SignatureError


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Writes modules that can be imported; they are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    tops = []

    def write(name, text):
        tops.append(name.partition(".")[0])
        path = tmp_path / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] in tops]:
        del sys.modules[name]


def run(destination, rows=3):
    """A run of some rows; the report."""
    return sinkkit.pipeline("p", destination, progress="off", dev_mode=True).run([{"n": n} for n in range(rows)], table_name="t")


SINKS = """
    import sinkkit
    sent = []

    @sinkkit.destination
    def crm_contacts(items, table):
        sent.append(len(items))

    class Company:
        @staticmethod
        def push(items, table):
            sent.append("static")

        @classmethod
        def send(cls, items, table):
            sent.append(cls.__name__)

        def unbound(self, items, table): ...

    crm_us = crm_contacts(destination_name="crm_us", batch_size=2)
"""


@pytest.mark.parametrize(
    ("reference", "name", "sent"),
    [
        ("company.sinks.crm_contacts", "crm_contacts", [3]),
        ("company.sinks:crm_contacts", "crm_contacts", [3]),
        ("company.sinks.Company.push", "push", ["static"]),
        ("company.sinks:Company.send", "send", ["Company"]),
        ("company.sinks.crm_us", "crm_us", [2, 1]),
    ],
)
def test_paths_lead_into_packages_and_classes(modules, reference, name, sent):
    """A path names a function, a method that needs no object, or a configured destination."""
    modules("company.__init__", "")
    modules("company.sinks", SINKS)

    made = Destination.from_reference(reference, workers=1)

    assert run(made).destination_name == name == made.destination_name
    assert sys.modules["company.sinks"].sent == sent


@pytest.mark.parametrize(
    ("reference", "tried", "near"),
    [
        ("company.sinks.crm_contact", ["module 'company.sinks' has no 'crm_contact'"], "company.sinks.crm_contacts"),
        ("company.sinks:CRM_CONTACTS", ["module 'company.sinks' has no 'CRM_CONTACTS'"], "company.sinks:crm_contacts"),
        ("company.sinks.Company.psuh", ["no module 'company.sinks.Company'", "'Company' has no 'psuh'"], "company.sinks.Company.push"),
        ("company.sink.crm_contacts", ["no module 'company.sink'", "module 'company' has no 'sink'"], "company.sinks"),
        ("company.sink:crm_contacts", ["no module 'company.sink'"], "company.sinks:crm_contacts"),
        ("compani.sinks.crm_contacts", ["no module 'compani'"], "company.sinks.crm_contacts"),
        ("does.not.exist.i.hope", ["no module 'does'"], "check the spelling"),
    ],
)
def test_a_wrong_path_says_what_was_tried_and_what_is_near(modules, reference, tried, near):
    """The steps stand in the order in which they were taken; the hint has the path to write."""
    modules("company.__init__", "import company.sinks")
    modules("company.sinks", SINKS)

    with pytest.raises(ReferenceNotFound) as refused:
        run(reference)

    places = [refused.value.message.find(step) for step in tried]
    assert places == sorted(places)
    assert places[0] > 0
    assert near in refused.value.hint


@pytest.mark.parametrize("reference", ["", " ", ".", "..x", "a..b", "a.", ":f", "a:", "a b.c ", "a.b:", "a/b.c", "a\0b.c"])
def test_what_is_no_path_is_said_to_be_none(reference):
    """Odd texts are refused as such; none of them reaches the import."""
    with pytest.raises(ReferenceNotFound) as refused:
        run(reference)
    assert refused.value.hint


FAILING = {
    "another_module": ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'", "line 1", "install the package"),
    "own_module": ("x = 1\nimport broken.nothing", "ModuleNotFoundError: No module named 'broken.nothing'", "line 2", "install the package"),
    "a_name": ("from json import no_such_name", "ImportError: cannot import name 'no_such_name' from 'json'", "line 1", "mend it there"),
    "an_error": ("def f():\n    return 1 / 0\nf()", "ZeroDivisionError: division by zero", "line 2", "mend it there"),
    "a_library": ("import json\njson.loads('{')", "JSONDecodeError", "line 2", "mend it there"),
    "the_end": ("import sys\nsys.exit(3)", "SystemExit: 3", "line 2", "if __name__ == '__main__'"),
    "syntax": ("x = 1\ndef f(:\n", "SyntaxError", "line 2", "mend it there"),
    "encoding": ("x = '\udcff'", "SyntaxError", "broken", "mend it there"),
    "circle": ("from broken import other\nfrom broken.other import g", "partially initialized module", "line 1", "in a circle"),
}


@pytest.mark.parametrize("kind", FAILING)
@pytest.mark.parametrize("reference", ["broken.sinks.crm", "broken.sinks:crm"])
def test_a_module_that_fails_shows_its_own_error(modules, kind, reference):
    """Type, text, file and line are in the message, and the error itself is the cause; it is not called not found."""
    text, said, line, hint = FAILING[kind]
    modules("broken.__init__", "")
    modules("broken.other", "from broken.sinks import crm\n")
    modules("broken.sinks", "").write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(ConfigError) as refused:
        run(reference)

    assert not isinstance(refused.value, ReferenceNotFound)
    assert said in refused.value.message
    assert line in refused.value.message
    assert "broken" in refused.value.message.rpartition("(")[2]
    assert hint in refused.value.hint
    assert refused.value.__cause__.__traceback__ is not None


def test_a_package_above_that_fails_shows_its_own_error(modules):
    """The file named is that of the package."""
    path = modules("broken.__init__", "import no_such_package")
    modules("broken.sinks", SINKS)

    with pytest.raises(ConfigError, match="No module named 'no_such_package'") as refused:
        run("broken.sinks.crm_contacts")
    assert str(path) in refused.value.message


def test_names_made_on_demand_may_fail_too(modules):
    """A module's own ``__getattr__`` that raises is the module's own error."""
    modules("lazy", "def __getattr__(name):\n    raise OSError('no disk')\n")

    with pytest.raises(ConfigError, match=r"OSError: no disk \(.*lazy.py, line 2\)"):
        run("lazy.crm")


def test_a_pipeline_inside_the_module_it_names_is_explained(modules):
    """A module that runs a pipeline before it has defined the destination is told to do so below it."""
    modules("early", "import sinkkit\nsinkkit.pipeline('p', 'early.crm', progress='off').run([{'a': 1}])\ndef crm(items): ...\n")

    with pytest.raises(ReferenceNotFound, match="module 'early' has no 'crm'") as refused:
        import early  # noqa: F401  # importing it is the test
    assert "still being imported" in refused.value.hint


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("company.sinks", "is a module, not a function", "company.sinks.NAME"),
        ("company.sinks.sent", "is list, not a function", "def sink(items, table)"),
        ("company.sinks.Company", "Company is a class", "decorate a function"),
        ("company.sinks.Company.unbound", "not bound to an object yet", "sinkkit.destination(thing.unbound)"),
    ],
)
def test_what_is_there_and_is_no_destination(modules, reference, message, hint):
    """It is named as what it is."""
    modules("company.__init__", "")
    modules("company.sinks", SINKS)

    with pytest.raises(SignatureError) as refused:
        run(reference)
    assert message in refused.value.message
    assert hint in refused.value.hint


@pytest.mark.parametrize("given", [3, [], {}, object()])
def test_what_cannot_be_called_is_refused_as_callable(given):
    """``destination_callable`` is a function, a path, a factory or a sink."""
    with pytest.raises(ConfigError, match="not a function"):
        Destination.from_reference("destination", destination_callable=given)


def test_a_plain_function_may_be_given_a_spec_and_settings_by_reference(modules):
    """``from_reference`` takes every setting of the decorator and of the function, for a function and for its path."""
    modules("plain_sinks", "seen = []\ndef push(items, table, region: str):\n    seen.append((len(items), region))\n")

    run(Destination.from_reference("destination", destination_callable="plain_sinks.push", destination_name="x", region="eu", batch_size=2, workers=1))
    run(Destination.from_reference("plain_sinks.push", region="us"))

    assert sys.modules["plain_sinks"].seen == [(2, "eu"), (1, "eu"), (3, "us")]


def test_an_unknown_name_lists_every_place_and_names_like_it(modules, monkeypatch, tmp_path):
    """Settings, built-in destinations, plug-ins: in this order; names that have a type are suggested."""
    monkeypatch.setenv("DESTINATION__CRM_PROD__DESTINATION_TYPE", "company.sinks.crm_contacts")
    (tmp_path / ".sinkkit").mkdir()
    (tmp_path / ".sinkkit" / "config.toml").write_text('[destination.crm_prov]\nregion = "eu"\n')

    with pytest.raises(ReferenceNotFound) as refused:
        run("crm_prd")

    steps = [
        "DESTINATION__CRM_PRD__DESTINATION_TYPE",
        "secrets.toml",
        "p.destination.crm_prd.destination_type",
        "destinations that come with sinkkit",
        "plug-ins (entry points of the group sinkkit.destinations)",
    ]
    places = [refused.value.message.find(step) for step in steps]
    assert places == sorted(places)
    assert places[0] > 0
    assert "did you mean crm_prod?" in refused.value.hint


def test_a_wrong_type_in_config_says_where_it_stands(modules, monkeypatch):
    """A type that leads nowhere is never replaced by something else of the name."""
    monkeypatch.setenv("DESTINATION__CRM__DESTINATION_TYPE", "no_such_module.crm")

    with pytest.raises(ReferenceNotFound, match=r"destination_type of 'crm' \(DESTINATION__CRM__DESTINATION_TYPE in environment\)"):
        run("crm")
    with pytest.raises(ReferenceNotFound, match="there is no destination_type 'nobody'"):
        run(sinkkit.destination("crm", destination_type="nobody"))


def test_a_name_is_looked_up_for_each_run(modules, monkeypatch):
    """The same object follows the settings: another pipeline or another environment may mean another function."""
    modules("company.__init__", "")
    modules("company.sinks", SINKS)
    crm = Destination.from_reference("crm")
    types = {"P__DESTINATION__CRM__DESTINATION_TYPE": "company.sinks.crm_us", "DESTINATION__CRM__DESTINATION_TYPE": "company.sinks.Company.send"}
    for name, value in types.items():
        monkeypatch.setenv(name, value)

    first = run(crm)
    monkeypatch.delenv("P__DESTINATION__CRM__DESTINATION_TYPE")
    second = run(crm)

    assert [first.destination_name, second.destination_name] == ["crm", "crm"]
    assert sys.modules["company.sinks"].sent == [2, 1, "Company"]


def test_a_name_that_leads_back_to_itself_is_refused(modules, monkeypatch):
    """A circle of names and paths ends in an error that shows it."""
    modules("company_circle", "import sinkkit\ncrm = sinkkit.destination('crm')\n")
    monkeypatch.setenv("DESTINATION__CRM__DESTINATION_TYPE", "company_circle.crm")

    with pytest.raises(ConfigError, match="refers to itself: crm → crm"):
        run("crm")


MAIN = """
    import sys
    import sinkkit

    calls = []

    @sinkkit.destination
    def crm(items, table):
        calls.append(len(items))

    for reference in ("__main__.crm", "__main__:crm", "program.crm"):
        pipeline = sinkkit.pipeline("main", destination=reference, progress="off", dev_mode=True)
        print(reference, pipeline.run([1, 2], table_name="t").destination_name, calls, "program" in sys.modules)
"""


@pytest.mark.parametrize("way", [["program.py"], ["-m", "program"]])
def test_functions_of_the_program_itself_are_found(modules, tmp_path, way):
    """``__main__`` can be named, and by the name of its file it is the running program, not a second copy of it."""
    modules("program", MAIN)

    done = subprocess.run([sys.executable, *way], capture_output=True, text=True, check=False, cwd=tmp_path)

    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "__main__.crm crm [2] False",
        "__main__:crm crm [2, 2] False",
        "program.crm crm [2, 2, 2] False",
    ]


def test_check_shows_a_named_destination_as_a_run_would_have_it(modules, tmp_path):
    """What the destination behind the name was given counts, and so does its spec."""
    modules("checked", SPECIFIED)
    environment = {"DESTINATION__CRM__DESTINATION_TYPE": "checked.crm_us", "HOME": str(tmp_path), "PATH": "", "DESTINATION__CRM__PAGES": "7"}

    done = subprocess.run(
        [sys.executable, "-m", "sinkkit", "check", "crm", "--json"], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )

    found = {entry["name"]: (entry["shown"], entry["provider"]) for entry in json.loads(done.stdout)["settings"]}
    assert done.returncode == 0, done.stdout
    assert [found[name] for name in ("api_key", "pages", "region", "batch_size")] == [
        ("***", "argument"),
        ("7", "environment"),
        ("eu", "default"),
        ("2", "argument"),
    ]


SPECIFIED = """
    import attrs
    import sinkkit

    @attrs.define
    class Crm:
        api_key: sinkkit.Secret
        pages: int = 3
        region: str = "eu"

    @sinkkit.destination(spec=Crm)
    def crm(items, table, pages): ...

    crm_us = crm(api_key="sesame-open", batch_size=2)
"""
