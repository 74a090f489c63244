"""`sinkkit check`: every setting with its place, everything wrong at once, and what is odd."""

from __future__ import annotations

import shutil
import subprocess

import pytest

NEEDY = '[destination.needy]\napi_key = "abcdefgh-hidden"\n'

SINKS = """
import httpx
import sinkkit
from sinkkit import ConnectionString, RateLimit, Retry, Secret


@sinkkit.destination(retry=Retry(attempts=3, first_wait=0.25), rate_limit="5/s", timeout=9)
def patient(items, http: httpx.Client, api_key: Secret, database: ConnectionString | None = None, url: str = sinkkit.config.value):
    pass


limited = patient(retry=Retry(longest_wait=7.0), batch_size=3, url="https://given.example.com")
"""


@pytest.fixture
def settings(tmp_path):
    """Writes a file of settings, private to its owner."""

    def write(text, name="config.toml", mode=0o600):
        path = tmp_path / ".sinkkit" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    return write


@pytest.fixture
def check(sinkkit_command, tmp_path):
    """Checks a destination of the module ``patience``, in JSON."""
    (tmp_path / "patience.py").write_text(SINKS)

    def checker(name="sinks.needy", *arguments, **environment):
        done = sinkkit_command("check", name, "--json", *arguments, **environment)
        assert "Traceback" not in done.err
        return done

    return checker


def by_name(done):
    """Setting to value and place."""
    return {entry["name"]: (entry["shown"], entry["place"]) for entry in done.document["settings"]}


def test_what_config_leaves_out_of_a_retry_is_the_decorator_s(check, settings):
    """Of a policy that config gives in part the rest is shown as a run takes it: from the decorator, or the default."""
    settings("[destination.patient.retry]\nattempts = 8\n")
    found = by_name(check("patience.patient"))

    assert found["retry.attempts"] == ("8", "destination.patient.retry.attempts in .sinkkit/config.toml")
    assert found["retry.first_wait"] == ("0.25", "@sinkkit.destination(...)")
    assert found["retry.longest_wait"] == ("60.0", "default")
    assert found["retry.deadline"] == ("None", "default")
    assert found["timeout"] == ("9", "@sinkkit.destination(...)")


def test_what_a_call_gives_is_shown_with_the_call(check, settings):
    """Settings of a configured destination are those of its call, whatever config says."""
    settings("[destination.patient]\nbatch_size = 8\n[destination.patient.retry]\nattempts = 8\n")
    found = by_name(check("patience.limited"))

    assert found["batch_size"] == ("3", "batch_size= where the destination was made")
    assert found["retry.attempts"] == ("5", "retry= where the destination was made")
    assert found["retry.longest_wait"] == ("7.0", "retry= where the destination was made")
    assert found["url"] == ("https://given.example.com", "url=")


def test_the_table_shows_tables_credentials_and_what_is_hidden(check, settings):
    """Keys of the client, of credentials and of capabilities stand one by one, secrets masked, with all that they shadow."""
    settings('[destination.patient]\napi_key = "abcdefgh-hidden"\n[destination.patient.database]\npassword = "qwertyui-hidden"\n', "secrets.toml")
    settings(
        '[destination.patient]\nurl = "https://a.example.com"\ndatabase = "postgresql://ann@db/sales"\n[destination.patient.http]\n'
        'base_url = "https://ann:zxcvbnm-hidden@a.example.com"\n[destination.patient.http.headers]\nAuthorization = "Bearer asdfghjk-hidden"\n'
        "[destination.patient.capabilities]\nmax_identifier_length = 60\n"
    )
    done = check("patience.patient", DESTINATION__PATIENT__HTTP__BASE_URL="https://b.example.com", NIGHTLY__URL="https://c.example.com")
    found = by_name(done)
    shadows = {entry["name"]: entry["shadows"] for entry in done.document["settings"]}

    assert done.status == 0
    assert "-hidden" not in done.out + done.err
    assert found["api_key"] == ("***", "destination.patient.api_key in .sinkkit/secrets.toml")
    assert found["database.host"] == ("db", "destination.patient.database in .sinkkit/config.toml")
    assert found["database.password"] == ("***", "destination.patient.database.password in .sinkkit/secrets.toml")
    assert found["http.base_url"] == ("https://b.example.com", "DESTINATION__PATIENT__HTTP__BASE_URL in environment")
    assert shadows["http.base_url"] == ["destination.patient.http.base_url in .sinkkit/config.toml"]
    assert "***" in found["http.headers"][0]
    assert found["capabilities.max_identifier_length"][0] == "60"
    assert by_name(check("patience.patient", "--pipeline", "nightly", NIGHTLY__URL="https://c.example.com"))["url"][1] == "NIGHTLY__URL in environment"


def test_all_problems_are_listed_at_once(check, settings):
    """Missing, malformed and impossible settings, those of the client too, are numbered in one answer, and the status is 1."""
    settings(
        '[destination.patient]\napi_kye = "x"\nbatch_size = "many"\ndatabase = "db"\n[destination.patient.http]\ntimeuot = 5\n'
        "[destination.patient.retry]\nattemps = 3\n"
    )
    done = check("patience.patient")
    problems = [problem["message"].splitlines()[0] for problem in done.document["problems"]]

    assert done.status == 1
    assert [problem.partition(" ")[0] for problem in problems] == ["api_key", "database", "url", "the", "batch_size"]
    assert "did you mean destination.patient.api_kye" in done.document["problems"][0]["message"]
    assert [text.partition(" in ")[0] for text in done.document["warnings"]] == [
        "destination.patient.api_kye",
        "destination.patient.retry.attemps",
    ]


BROKEN = {
    "syntax": (b"a = \n", "config.toml, line 1, column 5: Invalid value"),
    "not UTF-8": (b'a = "\xff"', "config.toml, line 1, byte 6 of the line: not UTF-8"),
    "NUL": (b"a = '\x00'", "config.toml, line 1, column 6: "),
    "twice": (b"a = 1\na = 2\n", "config.toml, line 2, column 6: "),
}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("name", ["sinks.needy", "named_in_config"])
def test_a_broken_file_is_a_problem(check, settings, name, broken):
    """A file that cannot be read is listed as what stops the destination, also one that is only named."""
    data, message = BROKEN[broken]
    settings(data)
    done = check(name)

    assert done.status == 1
    assert [message in problem["message"] for problem in done.document["problems"]] == [True]


def test_a_directory_in_place_of_a_file_is_a_problem(check, tmp_path):
    """So is a directory that bears its name."""
    (tmp_path / ".sinkkit" / "config.toml").mkdir(parents=True)
    done = check()

    assert done.status == 1
    assert "is a directory, not a file" in done.document["problems"][0]["message"]


def test_odd_things_are_warned_of_in_the_answer(check, settings):
    """Files of secrets that others can read, secrets outside of them, and a folder of settings that is not there: each once, in the answer itself."""
    settings("", "secrets.toml", mode=0o644)
    settings(NEEDY + 'url = "https://x"\n')
    done = check(SINKKIT_CONFIG_DIR="/nowhere/at/all")

    assert (done.status, done.err) == (0, "")
    assert [text.partition(" ")[0] for text in done.document["warnings"]] == [".sinkkit/secrets.toml", "SINKKIT_CONFIG_DIR", "api_key"]


def test_a_variable_that_is_no_integer_is_a_problem(check, settings):
    """The variable, what was expected and what was there."""
    settings(NEEDY + 'url = "https://x"\n', "secrets.toml")
    done = check(DESTINATION__NEEDY__BATCH_SIZE="many")

    assert done.status == 1
    assert [problem["message"] for problem in done.document["problems"]] == [
        "batch_size (DESTINATION__NEEDY__BATCH_SIZE in environment): expected a whole number, got 'many'"
    ]


def test_a_run_warns_of_a_misspelt_key_too(sinkkit_command, settings):
    """`sinkkit run` says it on standard error, once, and goes on."""
    settings("[destination.good]\nbatch_sise = 5\n")
    done = sinkkit_command("run", "sinks.good", "sinks.fifty")

    assert done.status == 0
    assert [line for line in done.err.splitlines() if "batch_sise" in line] == [
        "warning: destination.good.batch_sise in .sinkkit/config.toml: no such setting; did you mean batch_size?"
    ]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is needed to ask what it leaves alone")
def test_git_leaves_the_secrets_of_a_new_project_alone(sinkkit_command, tmp_path):
    """In a project made by `sinkkit init`, git takes everything but the secrets and what runs leave behind."""
    folder = tmp_path / "project"
    sinkkit_command("init", "project")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    sinkkit_command("run", "destinations.contacts", "data/contacts.csv", cwd=folder)
    taken = subprocess.run(["git", "ls-files", "--others", "--exclude-standard"], cwd=folder, capture_output=True, text=True, check=True)

    assert sorted(taken.stdout.split()) == [".gitignore", ".sinkkit/config.toml", "README.md", "data/contacts.csv", "destinations.py"]
