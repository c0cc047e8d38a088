"""What is left out of texts that somebody else wrote, and what is not."""

from __future__ import annotations

import pytest

from classifier_operator.api.redaction import redacted

CANARY = "cAnArY0123456789+/AB"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl-_"

HIDDEN = {
    "presigned": (
        f"GET https://b.s3.amazonaws.com/k.rec?X-Amz-Algorithm=A&X-Amz-Signature={CANARY} failed",
        "GET https://b.s3.amazonaws.com/k.rec?*** failed",
    ),
    "presigned, in quotes": (
        f'Could not connect to the endpoint URL: "http://host/k?sig={CANARY}"',
        'Could not connect to the endpoint URL: "http://host/k?***"',
    ),
    "another cloud's": (
        f"https://a.blob.core.windows.net/x?sv=1&sig={CANARY}",
        "https://a.blob.core.windows.net/x?***",
    ),
    "only the query": (
        f"/k.rec?partNumber=1&X-Amz-Signature={CANARY}&x=1",
        "/k.rec?partNumber=1&X-Amz-Signature=***&x=1",
    ),
    "user": ("https://canary-user@host/x", "https://***@host/x"),
    "user and password": ("proxy http://joe:canary%2Fword@proxy:3128/", "proxy http://***@proxy:3128/"),
    "password with an at": ("http://joe:can@ary@proxy:3128", "http://***@proxy:3128"),
    "canonical request": (
        f"should have been 'POST\n/\n\nhost:x\nx-amz-security-token:{CANARY}\n\nhost;x-amz-date\n'",
        "should have been 'POST\n/\n\nhost:x\nx-amz-security-token:***\n\nhost;x-amz-date\n'",
    ),
    "authorization": (
        f"Authorization: AWS4-HMAC-SHA256 Credential=AKIDX/20260101, Signature={CANARY}\nHost: x",
        "Authorization: ***\nHost: x",
    ),
    "authorization in JSON": (f'{{"Authorization": "Basic {CANARY}"}}', '{"Authorization": "***"}'),
    "bearer": (f"sent Bearer {CANARY} to", "sent Bearer *** to"),
    "token": (f"token {JWT}, expired", "token ***, expired"),
    "access key": ("key AKIAIOSFODNN7EXAMPLE is", "key AKIA*** is"),
    "temporary access key": ("key ASIAIOSFODNN7EXAMPLE is", "key ASIA*** is"),
    "S3's error": (
        "<AWSAccessKeyId>canarycanary</AWSAccessKeyId><Message>no</Message>",
        "<AWSAccessKeyId>***</AWSAccessKeyId><Message>no</Message>",
    ),
    "STS's answer": (
        f"'SecretAccessKey': '{CANARY}', 'SessionToken': '{CANARY}', 'Expiration'",
        "'SecretAccessKey': '***', 'SessionToken': '***', 'Expiration'",
    ),
    "a container's credentials": (f'{{"Token" : "{CANARY}", "Expiration": 1}}', '{"Token" : "***", "Expiration": 1}'),
    "begins with a b": ("password=bcd", "password=***"),
    "profile": (f"aws_secret_access_key = {CANARY}", "aws_secret_access_key = ***"),
    "environment": (f"AWS_SESSION_TOKEN={CANARY}", "AWS_SESSION_TOKEN=***"),
    "bytes of a header": (
        f"'X-Amz-Security-Token': b'{CANARY}', 'Authorization': b'AWS4 Credential=x'",
        "'X-Amz-Security-Token': b'***', 'Authorization': b'***'",
    ),
    "line breaks that are written": (
        rf"POST\n/\n\nx-amz-security-token:{CANARY}\n",
        r"POST\n/\n\nx-amz-security-token:***\n",
    ),
    "form": (f"password={CANARY}&grant=x", "password=***&grant=x"),
}


@pytest.mark.parametrize(("text", "expected"), HIDDEN.values(), ids=HIDDEN.keys())
def test_what_looks_like_a_secret_is_hidden(text: str, expected: str) -> None:
    assert redacted(text) == expected


PLAIN = [
    'Could not find model "vision-digits-5f2c9a81".',
    "1 validation error detected: Value 'ml.x' at 'productionVariants.1.member.instanceType' failed to satisfy",
    "User: arn:aws:iam::123456789012:user/op is not authorized to perform: sts:AssumeRole on: arn:aws:iam::1:role/x",
    "fetching https://example.org/data/train.rec to s3://bucket/train/train.rec",
    "see https://docs.aws.amazon.com/sagemaker/latest/dg/ecr.html#anchor for more",
    "The security token included in the request is expired",
    "The request signature we calculated does not match the signature you provided.",
    'No S3 objects found under S3 URL "s3://bucket/train" given in input data source. ',
    "s3://bucket/what?is this",
    "spec.inputs[train].source.url: https://example.org/x.rec answered 404 Not Found",
    "GET /apis/classifiers.sagemaker.dev/v1alpha1/classifiertrainings: HTTP 403: forbidden",
    "operator@example.org is nobody",
    "InvalidIdentityToken: Couldn't retrieve verification key from your identity provider",
    "bearer authentication is needed",
]


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    "written",
    [CANARY, "cAnArY0123456789%2B%2FAB", "cAnArY0123456789%2B/AB"],
    ids=["as it is", "in a query", "in a path"],
)
def test_what_is_known_is_hidden_wherever_it_is(written: str) -> None:
    assert redacted(f"said {written}.", {CANARY}) == "said ***."


def test_what_is_known_is_hidden_in_json() -> None:
    assert redacted(r'{"a": "quo\"te\\d-secret"}', {'quo"te\\d-secret'}) == '{"a": "***"}'


def test_the_longer_of_two_is_hidden_as_a_whole() -> None:
    assert redacted("abcdefghij-klmno", {"abcdefghij", "abcdefghij-klmno"}) == "***"


def test_short_values_are_words() -> None:
    assert redacted("1 of true things", {"1", "true", ""}) == "1 of true things"


def test_a_long_text_takes_no_time() -> None:
    assert redacted("x://" * 20000 + "?" * 20000)
    assert redacted("authorization " * 5000 + "a=" * 20000)
