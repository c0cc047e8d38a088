import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_recordio import ListEntry, ListError, format_entry, parse_index, parse_list

paths = st.text(min_size=1).filter(lambda text: not set(text) & set("\t\r\n") and text == text.strip())
entries = st.builds(
    ListEntry,
    index=st.integers(min_value=0),
    labels=st.lists(st.integers(0, 999).map(float), min_size=1, max_size=4).map(tuple),
    path=paths,
)


@given(st.lists(entries, max_size=4))
def test_written_entries_are_read(items):
    assert list(parse_list("".join(map(format_entry, items)))) == items


def test_a_line_looks_as_im2rec_writes_it():
    assert format_entry(ListEntry(5, (1.0,), "cat/a b.png")) == "5\t1.000000\tcat/a b.png\n"


@pytest.mark.parametrize(
    "text", ["0\t1\ta.png\r\n\r\n1\t2\tb.png", "\n0\t1\ta.png\n1\t2\tb.png\n\n"], ids=["dos", "blank"]
)
def test_line_ends_and_blank_lines_do_not_matter(text):
    assert [entry.path for entry in parse_list(text)] == ["a.png", "b.png"]


@pytest.mark.parametrize("path", ["a\tb", "a\nb", "a\rb"], ids=["tab", "newline", "return"])
def test_a_path_that_would_break_the_line_is_refused(path):
    with pytest.raises(ValueError, match="tabs or line breaks"):
        format_entry(ListEntry(0, (0.0,), path))


BAD_LISTS = {
    "spaces for tabs": "0 1 a.png",
    "no path": "0\t1\t",
    "no label": "0\ta.png",
    "words for a label": "0\tcat\ta.png",
    "words for an index": "x\t1\ta.png",
}


@pytest.mark.parametrize("line", BAD_LISTS.values(), ids=BAD_LISTS)
def test_a_bad_line_of_a_list_is_named(line):
    with pytest.raises(ListError, match=r"^line 2: ") as caught:
        list(parse_list(f"0\t1\ta.png\n{line}\n"))
    assert caught.value.line == 2


@pytest.mark.parametrize("line", ["1", "1\t2\t3", "a\t1"], ids=["one", "three", "word"])
def test_a_bad_line_of_an_index_is_named(line):
    with pytest.raises(ListError, match=r"^line 2: expected 'key<TAB>offset'"):
        parse_index(f"0\t0\n{line}\n")
