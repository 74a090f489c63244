"""Laws that hold whatever the rows, hints and contracts: fidelity, accounts, and that pages do not matter."""

from __future__ import annotations

from contract_world import FORMS, Destination, journal_of, numbers
from hypothesis import given
from hypothesis import strategies as st

import sinkkit

values = st.none() | st.integers() | st.text() | st.floats(allow_nan=False) | st.decimals(allow_nan=False) | st.lists(st.integers(), max_size=2)
rows_given = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), values, max_size=3), min_size=1, max_size=6)
hints_given = st.dictionaries(
    st.sampled_from(["a", "b", "z"]),
    st.fixed_dictionaries({}, optional={"data_type": st.sampled_from(["text", "bigint", "wei", "json"]), "precision": st.just(9), "unique": st.just(True)}),
)


@given(rows_given, hints_given, st.sampled_from([None, "evolve", {"columns": "evolve"}]))
def test_l1_hints_and_evolving_contracts_change_no_value(tmp_path_factory, rows, hints, contract):
    """L1: whatever is said of columns, the function gets the rows that were given."""
    destination = Destination()
    pipeline = sinkkit.pipeline("p", destination.factory, pipelines_dir=tmp_path_factory.mktemp("p"), progress="off")

    for _ in range(2):
        pipeline.run(rows, table_name="people", columns=hints, schema_contract=contract)

    assert destination.take()["people"] == rows * 2


@given(rows_given, rows_given, st.sampled_from(FORMS[:2]))
def test_l5_discarded_rows_are_in_the_accounts(tmp_path_factory, first, second, settings):
    """L5: extracted = delivered + rejected, each discarded row has its dead letter, and a replay sends them all."""
    destination = Destination(**settings)
    pipeline = sinkkit.pipeline("p", destination.factory, pipelines_dir=tmp_path_factory.mktemp("p"), progress="off")
    pipeline.run(first, table_name="people")
    destination.take()

    extracted, delivered, rejected = numbers(pipeline.run(second, table_name="people", schema_contract="discard_row"))

    letters = list(pipeline.rejected())
    assert (extracted, rejected) == (len(second), len(letters))
    assert extracted == delivered + rejected
    assert len(destination.take().get("people", [])) == delivered
    assert [row.index for row in letters] == list(range(delivered, extracted))
    pipeline.replay()
    assert destination.take().get("people", []) == [row.row for row in letters]


@given(rows_given, st.lists(st.integers(0, 6), max_size=3), st.sampled_from(FORMS[:2]), st.sampled_from(["evolve", "discard_value"]))
def test_pages_do_not_matter_to_what_becomes_known(tmp_path_factory, rows, cuts, settings, mode):
    """The same rows in other pages are delivered the same, and make the same known."""
    found = []
    for ends in ([len(rows)], [*sorted(min(cut, len(rows)) for cut in cuts), len(rows)]):
        destination = Destination(**settings)
        pipeline = sinkkit.pipeline("p", destination.factory, pipelines_dir=tmp_path_factory.mktemp("p"), progress="off")
        starts = [0, *ends[:-1]]
        pages = (rows[start:end] for start, end in zip(starts, ends, strict=True))
        pipeline.run(pages, table_name="people", schema_contract={"data_type": mode})
        journal = journal_of(pipeline)
        found.append((destination.take(), journal.known_schema("").hash))
        journal.close()

    assert found[0] == found[1]


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), values | st.just(float("inf")) | st.dates(), max_size=4), min_size=40, max_size=80), st.randoms())
def test_l1_rows_with_other_names_have_the_same_values(tmp_path_factory, rows, random):
    """L1: where names alone are made for the destination, every value arrives, in its column or its variant, whatever stands in the rows around it."""
    random.shuffle(rows)
    destination = Destination(naming_convention="snake_case")
    sinkkit.pipeline("p", destination.factory, pipelines_dir=tmp_path_factory.mktemp("p"), progress="off").run(rows, table_name="people")

    arrived = destination.take()["people"]
    assert [[name.partition("__v_")[0] for name in row] for row in arrived] == [list(row) for row in rows]
    assert [list(row.values()) for row in arrived] == [list(row.values()) for row in rows]
