"""How the algorithm fails: whose fault it says it is, and its exit code."""

from enum import StrEnum

_MAX_REASON = 1024  # FailureReason's length in DescribeTrainingJob


class FailureKind(StrEnum):
    """Whose fault a failure is, in the words that a FailureReason starts with."""

    CLIENT = "ClientError"
    ALGORITHM = "AlgorithmError"


class AlgorithmError(Exception):
    """The training failed.

    By default it is the user's mistake, which the algorithm reports with exit code 2.
    """

    def __init__(self, message: str, exit_code: int = 2, kind: FailureKind = FailureKind.CLIENT) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.kind = kind

    @property
    def failure_reason(self) -> str:
        """What DescribeTrainingJob shows, cut to its 1,024 characters at the message's end."""
        tail = f", exit code: {self.exit_code}"
        return f"{self.kind}: {self.message}"[: _MAX_REASON - len(tail)] + tail


class InvalidImage(ValueError):  # noqa: N818 - says what it is
    """A body that is not an image.

    The container answers 400, which InvokeEndpoint reports as a ModelError.
    """


class UnsupportedContentType(InvalidImage):
    """A content type that the container does not take."""
