"""The text files beside a `.rec`: `.lst` (which image has which label) and `.idx` (where each record starts).

A `.lst` line is `index TAB label [TAB label ...] TAB relative path`; an `.idx` line is `key TAB offset`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from image_recordio.errors import ListError


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One image of a `.lst`: its number, its labels (at least one), its path relative to the image folder."""

    index: int
    labels: tuple[float, ...]
    path: str


def parse_list(text: str) -> Iterator[ListEntry]:
    """Read a `.lst`. Blank lines are passed over. Raises ListError at the first line that is not one."""
    for number, line in _lines(text):
        if line.strip():
            yield _parse_entry(line, number)


def format_entry(entry: ListEntry) -> str:
    """Return one `.lst` line, its labels as im2rec writes them (six decimals).

    Raises ValueError for a path that would break the line.
    """
    if any(character in entry.path for character in "\t\r\n"):
        raise ValueError(f"a path in a .lst must not hold tabs or line breaks: {entry.path!r}")
    return "\t".join([str(entry.index), *(f"{label:f}" for label in entry.labels), entry.path]) + "\n"


def parse_index(text: str) -> dict[int, int]:
    """Read an `.idx`.

    Byte offsets by record id. Raises ListError at the first line that is not two integers.
    """
    offsets = {}
    for number, line in _lines(text):
        if not line.strip():
            continue
        try:
            key, offset = line.split("\t")
            offsets[int(key)] = int(offset)
        except ValueError as error:
            raise ListError(f"expected 'key<TAB>offset', found {line[:80]!r}", number) from error
    return offsets


def _lines(text: str) -> Iterator[tuple[int, str]]:
    # Not splitlines(): a file name may hold one of Unicode's own line separators.
    return enumerate((line.rstrip("\r") for line in text.split("\n")), start=1)


def _parse_entry(line: str, number: int) -> ListEntry:
    fields = line.split("\t")
    if len(fields) < 3 or not fields[-1].strip():
        raise ListError(f"expected 'index<TAB>label<TAB>path', found {line[:80]!r}{_hint(fields)}", number)
    try:
        return ListEntry(int(fields[0]), tuple(float(field) for field in fields[1:-1]), fields[-1].strip())
    except ValueError as error:
        message = f"the index is not an integer or a label is not a number: {line[:80]!r}{_hint(fields)}"
        raise ListError(message, number) from error


def _hint(fields: list[str]) -> str:
    """Return what is probably wrong with a line that cannot be read."""
    if len(fields) == 1 and len(fields[0].split()) >= 3:
        return "; its columns are divided by blanks, where a .lst has tabs"
    if len(fields) >= 3 and _is_number(fields[-1]) and not all(map(_is_number, fields[1:-1])):
        return "; the path must be the last column"
    return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
