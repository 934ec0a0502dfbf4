"""What the reference page tells of a name is held to the table."""

from __future__ import annotations

from scripts.reference import airflow_names
from tradewind.compat import notes, table

_PLACES = {place for names in table.TABLE.values() for place in names.values()}


def test_every_note_is_about_a_name_of_the_table() -> None:
    assert [place for place in (*notes.BETTER, *notes.DIFFERS) if place not in _PLACES] == []
    assert not set(notes.BETTER) & set(notes.DIFFERS)


def test_every_name_of_the_table_is_on_the_page_with_its_word() -> None:
    page = airflow_names.pages()["reference/airflow-names.md"]
    for module, names in table.TABLE.items():
        if names:
            assert f"`{module}`" in page
        for name in names:
            assert f"`{name}`" in page


def test_what_is_not_the_same_says_how_or_what_to_do() -> None:
    words = {place: airflow_names.status(place) for place in _PLACES}
    assert {word for word, _ in words.values()} == {
        "same", "better", "differs", "later", "opaque", "provider", "refused",
    }  # fmt: skip
    assert [place for place, (word, said) in words.items() if word != "same" and not said] == []


def test_every_module_is_told_in_one_section() -> None:
    assert {airflow_names.area_of(module) for module in table.TABLE} == {title for title, _ in airflow_names._AREAS}
