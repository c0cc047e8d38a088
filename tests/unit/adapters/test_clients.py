"""Clients: which are kept, which are closed and when, and by whom their requests are signed."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError
from urllib3 import HTTPResponse

from classifier_operator.adapters.aws import CONFIG
from classifier_operator.adapters.clients import Clients, UnknownRegionError, acting_as

OWN = Credentials("own", "secret")


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's credentials are of no use to a shared client."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-the-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


@pytest.fixture
def clients() -> Clients:
    return Clients(Config(), most=2)


class Closed:
    """Remembers which clients were closed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.regions: list[str] = []
        monkeypatch.setattr("botocore.client.BaseClient.close", lambda one: self.regions.append(one.meta.region_name))


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> Closed:
    return Closed(monkeypatch)


def used(clients: Clients, region: str) -> Any:
    with clients.use("sts", region) as client:
        return client


def test_there_is_one_client_for_each_service_and_region(clients: Clients) -> None:
    assert used(clients, "us-east-1") is used(clients, "us-east-1")
    assert used(clients, "us-east-1") is not used(clients, "eu-west-1")


def test_those_that_were_not_used_for_longest_are_closed(clients: Clients, closed: Closed) -> None:
    for region in ("us-east-1", "us-east-2", "us-east-1", "us-west-1", "us-west-2", "us-west-1"):
        used(clients, region)
    assert (closed.regions, len(clients)) == (["us-east-2", "us-east-1"], 2)


def test_one_that_is_in_use_is_closed_by_the_last_one_who_uses_it(clients: Clients, closed: Closed) -> None:
    with clients.use("sts", "us-east-1"):
        with clients.use("sts", "us-east-1"):
            for region in ("us-east-2", "us-west-1", "us-west-2"):
                used(clients, region)
            assert closed.regions == ["us-east-2"]
        assert closed.regions == ["us-east-2"]
    assert closed.regions == ["us-east-2", "us-east-1"]


@pytest.mark.parametrize("region", ["us-east-99", "xx-made-1", "nowhere", "no region", ""])
def test_a_region_that_is_made_up_is_refused_before_there_is_a_client(clients: Clients, region: str) -> None:
    with pytest.raises(UnknownRegionError), clients.use("sagemaker", region):
        pass
    assert len(clients) == 0


def test_a_region_that_the_operator_was_told_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = Clients(Config(), regions=("us-east-99",))
    assert used(clients, "us-east-99").meta.region_name == "us-east-99"


def test_a_request_is_signed_by_whoever_acts_in_the_thread(clients: Clients) -> None:
    both = threading.Barrier(2, timeout=30)

    def signed_by(name: str) -> str:
        with acting_as(Credentials(name, "secret")), clients.use("sts", "us-east-1") as client:
            both.wait()
            return str(client.generate_presigned_url("get_caller_identity"))

    with ThreadPoolExecutor(2) as pool:
        urls = list(pool.map(signed_by, ("team-a", "team-b")))
    assert ["Credential=team-a" in urls[0], "Credential=team-b" in urls[1]] == [True, True]


def test_where_nobody_has_said_who_acts_nothing_is_signed(clients: Clients) -> None:
    with clients.use("sts", "us-east-1") as client:
        with acting_as(OWN):
            assert "Credential=own" in client.generate_presigned_url("get_caller_identity")
        with pytest.raises(NoCredentialsError):
            client.generate_presigned_url("get_caller_identity")
        with acting_as(None), pytest.raises(NoCredentialsError):
            client.get_caller_identity()


def test_no_identity_gets_the_session_that_another_has_of_a_directory_bucket() -> None:
    sent: list[tuple[str, str]] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        found = re.search(r"Credential=([^/]+)/", str(request.headers["Authorization"]))
        sent.append((request.url, found[1] if found else ""))
        return AWSResponse(request.url, 200, {}, HTTPResponse(BytesIO(), preload_content=False))

    with Clients(CONFIG).use("s3", "us-east-1") as client:
        client.meta.events.register_first("before-send.s3", answer)
        for name in ("team-a", "team-b"):
            with acting_as(Credentials(name, "secret")):
                client.head_object(Bucket="data--use1-az4--x-s3", Key="a")
    assert [name for _, name in sent] == ["team-a", "team-b"]
    assert all(url.endswith("/a") for url, _ in sent)
