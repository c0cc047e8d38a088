"""What can be wrong with a file: each error says where it is."""


class RecordIOError(ValueError):
    """Bytes that are not image RecordIO.

    `offset` is the byte offset, in the source, of the part that is wrong.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} (byte offset {offset})")
        self.offset = offset


class ListError(ValueError):
    """A line of a `.lst` or `.idx` file that cannot be read; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


class DatasetError(ValueError):
    """Images that no data set can be made of; the message says what to change."""
