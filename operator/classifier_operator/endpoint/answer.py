"""An endpoint's answer, read within limits: what answers is a container of the user's own, or somebody else's.

The algorithm answers with a JSON array of one probability for each class (SageMaker's guide to the built-in image
classifier), or with `{"prediction": [...]}` where it is asked for JSON lines.
"""

from __future__ import annotations

import msgspec

from classifier_operator.api.redaction import redacted

# Of an answer so many bytes are read: enough for 30,000 classes, of which the algorithm has fewer.
ANSWER_LIMIT = 1024 * 1024
# What is repeated of an answer that cannot be used. More is read for it, as a secret that is cut is not recognised.
SHOWN, _READ = 200, 8192
# Probabilities are 32-bit floats, and a sum of some may be a little more than 1.
_MOST = 1.001


class AnswerError(ValueError):
    """The endpoint's answer is not an array of probabilities; the message says what is wrong and how it begins."""


class _Wrapped(msgspec.Struct):
    prediction: list[float]


# Typed: whatever nests more deeply is refused where it begins, and numbers that are none are refused by their place.
_DECODER = msgspec.json.Decoder(list[float] | _Wrapped)


def probabilities_in(body: bytes) -> list[float]:
    """The probabilities of the classes, in their order; at least one.

    Raises:
        AnswerError: the answer is longer than ANSWER_LIMIT, no JSON, of another shape, or has numbers that are no
            probabilities.

    """
    if len(body) > ANSWER_LIMIT:
        raise _error(f"it has more than {ANSWER_LIMIT} bytes", body)
    try:
        answer = _DECODER.decode(body)
    except msgspec.MsgspecError as error:
        raise _error(str(error), body) from error
    except RecursionError as error:
        raise _error("it is nested too deeply", body) from error
    values = answer.prediction if isinstance(answer, _Wrapped) else answer
    if not values:
        raise _error("it is empty", body)
    for index, value in enumerate(values):
        # Written so that what compares with nothing is refused, too.
        if not 0.0 <= value <= _MOST:
            raise _error(f"number {index} is {value:.4g}, which is no probability", body)
    return values


def _error(problem: str, body: bytes) -> AnswerError:
    begin = redacted(repr(body[:_READ]))
    begin = begin if len(begin) <= SHOWN else f"{begin[:SHOWN]}..."
    return AnswerError(f"the answer is not an array of probabilities: {problem}; it begins with {begin}")
