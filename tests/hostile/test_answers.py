"""Models that answer whatever they like: a smoke test says what is wrong, and the operator is none the worse."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier_operator.adapters.aws import Aws
from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.endpoint.answer import ANSWER_LIMIT
from classifier_operator.endpoint.smoke_test import Answered, SmokeTestCall, judge
from classifier_operator.endpoint.spec import Expectation, SmokeTest, TestImage
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.pacing.limits import RateLimits
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from tests.apiserver.mirror import Mirror
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import of_model, settled, stalled
from tests.apiserver.world import BUCKET, World, until

TestImage.__test__ = False  # type: ignore[attr-defined]
CALL = SmokeTestCall(
    resource=Resource(Place("us-east-1"), ResourceType.ENDPOINT, "e"),
    config_name="c",
    namespace="vision",
    test=SmokeTest(image=TestImage(s3_uri="s3://bucket/x"), expect=Expectation(label="cat", min_probability="0.5")),
)
PIECES = [
    "[",
    "]",
    "{",
    "}",
    '"prediction"',
    ":",
    ",",
    "0.5",
    "1",
    "-",
    "e",
    "9" * 400,
    "NaN",
    "true",
    "null",
    '"',
    "\\",
]
BODIES = st.binary(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=30).map(
    lambda found: "".join(found).encode()
)


@given(BODIES, st.lists(st.text(max_size=5), max_size=3))
def test_any_bytes_are_judged(body: bytes, labels: list[str]) -> None:
    answered = Answered(body=body, first_milliseconds=1, milliseconds=1)
    outcome = judge(CALL, [answered], labels, "2026-03-01T12:00:00Z")
    assert outcome.outcome in ("Passed", "Failed")
    assert bool(outcome.message) == (outcome.outcome == "Failed")


def test_a_secret_is_hidden_wherever_the_answer_is_cut() -> None:
    """Of an address whose end is cut off nobody could tell that there is a password in it."""
    for length in range(220):
        body = b'{"error": "' + b"x" * length + b' postgres://user:hunter2-and-more@host/db"}'
        answered = Answered(body=body, first_milliseconds=1, milliseconds=1)
        assert "hunter2" not in judge(CALL, [answered], [], "2026-03-01T12:00:00Z").message


class Endless:
    """A server that answers every request with a body of so many bytes, and counts those that were taken."""

    def __init__(self, size: int, *, announced: int | None = None) -> None:
        self.sent = 0
        self._size = size
        self._announced = size if announced is None else announced
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Endless:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
            connection.recv(65536)
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {self._announced}\r\n\r\n"
            try:
                connection.sendall(head.encode())
                while self.sent < self._size:
                    self.sent += connection.send(b" " * min(65536, self._size - self.sent))
            except OSError:
                return


@pytest.fixture
def runtime_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Aws]]:
    """The operator's side of AWS, which finds SageMaker Runtime at an address."""
    made: list[Aws] = []

    def at(url: str) -> Aws:
        for name, value in {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }.items():
            monkeypatch.setenv(name, value)
        made.append(Aws(RateLimits(lambda: 0.0, {"": (1000.0, 1000.0)}), Metrics()))
        return made[-1]

    yield at
    for aws in made:
        aws.close()


async def test_of_an_answer_without_end_no_more_is_read_than_is_of_use(runtime_at: Callable[[str], Aws]) -> None:
    with Endless(64 * ANSWER_LIMIT) as server:
        aws = runtime_at(server.url)
        body = await aws.invoke(Place("us-east-1"), "e", b"x", "image/png", limit=ANSWER_LIMIT + 1)
    assert len(body) == ANSWER_LIMIT + 1
    # What the kernel holds in between is a few megabytes at most.
    assert server.sent < 32 * ANSWER_LIMIT


async def test_an_answer_that_is_cut_off_is_none(runtime_at: Callable[[str], Aws]) -> None:
    with Endless(100, announced=1000) as server:
        aws = runtime_at(server.url)
        with pytest.raises(AwsRefusal) as refused:
            await aws.invoke(Place("us-east-1"), "e", b"x", "image/png", limit=ANSWER_LIMIT + 1)
    assert refused.value.kind is RefusalKind.UNAVAILABLE


HOSTILE = {
    "Expected `float`, got `array`": b"[" * 500_000,
    "it is nested too deeply": b'{"a":' * 100_000,
    "Number out of range": b"[" + b"9" * 400 + b"]",
    "it has more than": b"[0.5]" + b" " * (2 * ANSWER_LIMIT),
}


def test_a_hostile_model_fails_its_smoke_test(world: World, start: Callable[..., OperatorProcess]) -> None:
    world.s3.put_object(Bucket=BUCKET, Key="sample.png", Body=b"image")
    test = {"image": {"s3Uri": f"s3://{BUCKET}/sample.png"}, "contentType": "image/png"}
    with Mirror(world.aws.url) as mirror:
        operator = start(environment={"AWS_ENDPOINT_URL": mirror.url})
        for count, (why, mirror.invocation) in enumerate(HOSTILE.items()):
            world.apply(of_model(world, smokeTest={**test, "warmUps": count}))
            until(lambda: why in stalled(world, "SmokeTestFailed")["message"], f"the object to say {why}")  # noqa: B023
        # It goes on with the same object, and says what is so once the model answers well.
        mirror.invocation = None
        world.patch_spec("cep", "digits", {"smokeTest": {"warmUps": len(HOSTILE)}})
        settled(world)
    assert "unforeseen" not in operator.log.read_text()
