"""What is left out of texts that somebody else wrote, and what is not."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from classifier_operator.api.redaction import LONGEST, OVERLAP, redacted

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
    "signature in Go's JSON": (
        rf'{{"m":"a=b\u0026X-Amz-Signature={CANARY}\u0026c=d"}}',
        r'{"m":"a=b\u0026X-Amz-Signature=***\u0026c=d"}',
    ),
    "address in Go's JSON": (rf'{{"url":"https://h/x?a=b\u0026sig={CANARY}"}}', '{"url":"https://h/x?***"}'),
    "token in a query": (f"/k.rec?a=b&token={CANARY}", "/k.rec?a=b&token=***"),
    "key of an API": (f"api_key={CANARY}, apiKey: {CANARY}", "api_key=***, apiKey: ***"),
    "key of an API in a header": (f"X-API-Key: {CANARY}\r\nHost: x", "X-API-Key: ***\r\nHost: x"),
    "variables": (f"HF_TOKEN={CANARY} DB_PASSWORD={CANARY} A=b", "HF_TOKEN=*** DB_PASSWORD=*** A=b"),
    "more variables": (
        "DB_PASS=x SMTP_PASSWD=y MYSQL_PWD=z CLIENT_SECRET=w",
        "DB_PASS=*** SMTP_PASSWD=*** MYSQL_PWD=*** CLIENT_SECRET=***",
    ),
    "name that goes on": ("PASSWORD_PROD=hunter password2=word", "PASSWORD_PROD=*** password2=***"),
    "variables as a list": (
        '[{"name": "DB_PASSWORD", "value": "a b"}, {"name": "A", "value": "b"}]',
        '[{"name": "DB_PASSWORD", "value": "***"}, {"name": "A", "value": "b"}]',
    ),
    "variables in YAML": (
        "- name: API_TOKEN\n  value: x1\n- name: A\n",
        "- name: API_TOKEN\n  value: ***\n- name: A\n",
    ),
    "block in YAML": (f"password: |\n  {CANARY}\nuser: x", "password: |\n  ***\nuser: x"),
    "environment in Python": (f"os.environ['API_TOKEN'] = '{CANARY}'", "os.environ['API_TOKEN'] = '***'"),
    "word with punctuation": ("password=hun,ter;2&x. Then", "password=***. Then"),
    "connection string": (
        f"Server=db;Password={CANARY};AccountKey={CANARY};Timeout=30",
        "Server=db;Password=***;AccountKey=***;Timeout=30",
    ),
    "options": (f"run --password {CANARY} --token={CANARY} --lr 0.1", "run --password *** --token=*** --lr 0.1"),
    "options in a list": (f"['run', '--api-key', '{CANARY}', '--lr']", "['run', '--api-key', '***', '--lr']"),
    "cookies": (f"Cookie: a={CANARY}; b={CANARY}\r\nHost: x", "Cookie: ***\r\nHost: x"),
    "cookies that are set": (f"< set-cookie: sid={CANARY}; Path=/\n< x: y", "< set-cookie: ***\n< x: y"),
    "cookies in a dictionary": (f"{{'Set-Cookie': 'sid={CANARY}'}}", "{'Set-Cookie': '***'}"),
    "jar of cookies": (f"<SimpleCookie: sid='{CANARY}'>", "<SimpleCookie: ***"),
    "key in PEM": (
        f"x\n-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n{CANARY}==\n-----END RSA PRIVATE KEY-----\ny",
        "x\n-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----\ny",
    ),
    "key in PEM in JSON": (
        rf'{{"k": "-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n"}}',
        r'{"k": "-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY-----\n"}',
    ),
    "key in PEM without an end": (f"-----BEGIN PRIVATE KEY-----\n{CANARY}", "-----BEGIN PRIVATE KEY-----***"),
    "key in PEM without a beginning": (f"no. {CANARY}\n-----END PRIVATE KEY-----.", "no.***-----END PRIVATE KEY-----."),
    "headers as tuples": (
        f"[('Authorization', 'Bearer {CANARY}'), ('Host', 'x')]",
        "[('Authorization', '***'), ('Host', 'x')]",
    ),
    "headers as tuples of bytes": (
        f"((b'authorization', b'{CANARY}'), (b'host', b'x'))",
        "((b'authorization', b'***'), (b'host', b'x'))",
    ),
    "headers as lists": (f'[["Cookie", "a={CANARY}"], ["a", "b"]]', '[["Cookie", "***"], ["a", "b"]]'),
    "headers of Go": (f"map[Authorization:[Bearer {CANARY}]]", "map[Authorization:[***]]"),
    "metadata of gRPC": (
        f"_Metadatum(key='authorization', value='{CANARY}')",
        "_Metadatum(key='authorization', value='***')",
    ),
    "request of botocore": (
        f"<AWSPreparedRequest stream_output=False, method=POST, url=https://sts.amazonaws.com/?Signature={CANARY}, "
        f"headers={{'User-Agent': b'x', 'X-Amz-Security-Token': b'{CANARY}', 'Authorization': "
        f"b'AWS4-HMAC-SHA256 Credential=AKID/x, Signature={CANARY}', 'Content-Length': '1'}}>",
        "<AWSPreparedRequest stream_output=False, method=POST, url=https://sts.amazonaws.com/?***, "
        "headers={'User-Agent': b'x', 'X-Amz-Security-Token': b'***', 'Authorization': b'***', 'Content-Length': '1'}>",
    ),
    "signature of botocore": (f"Signature:\n{CANARY}\nNext", "Signature:\n***\nNext"),
    "digest": (
        f'Authorization: Digest username="x", response="{CANARY}"\nHost: x',
        "Authorization: ***\nHost: x",
    ),
    "digest in JSON": (
        rf'{{"Authorization": "Digest username=\"x\", response=\"{CANARY}\"", "a": 1}}',
        '{"Authorization": "***", "a": 1}',
    ),
    "header of curl": (f"curl -H 'Authorization: Bearer {CANARY}' https://h", "curl -H 'Authorization: ***' https://h"),
    "basic authentication": ("sent Basic dXNlcjpwYXNzd29yZA== to", "sent Basic *** to"),
    "registry": ('{"auths": {"h": {"auth": "dXNlcjpwYXNz"}}}', '{"auths": {"h": {"auth": "***"}}}'),
    "password with a slash": ("https://user:pa/ss@host/x failed", "https://***@host/x failed"),
    "password with a question mark": ("https://user:pa?s#s@host", "https://***@host"),
    "password that begins as a port does": ("https://user:12/ss@db.example/x", "https://***@db.example/x"),
    "password with an at and a slash": ("https://user:p@s/s@db.example/x", "https://***@db.example/x"),
    "address in a path": (f"http://proxy/http://user:{CANARY}@host/x", "http://proxy/http://***@host/x"),
    "percent-encoded": (f"a%26X-Amz-Signature%3D{CANARY}%26c%3Dd", "a%26X-Amz-Signature%3D***%26c%3Dd"),
    "address in a query": (
        "to=https%3A%2F%2Fuser%3Aword%40host%2Fx%3Fsig%3Dx. Then",
        "to=https%3A%2F%2F***%40host%2Fx%3F***. Then",
    ),
    "address in JSON": (r'"https:\/\/user:word@host\/x"', r'"https:\/\/***@host\/x"'),
    "quotes that are escaped": (rf'"{{\"token\": \"{CANARY}\", \"a\": 1}}"', r'"{\"token\": \"***\", \"a\": 1}"'),
    "quotes that are escaped twice": (
        r"{\\\"password\\\": \\\"pa\\\\\\\"ss\\\", \\\"a\\\": 1}",
        r"{\\\"password\\\": \\\"***\\\", \\\"a\\\": 1}",
    ),
    "quotes in the value": (r'{"password": "quo\"te\\", "a": 1}', '{"password": "***", "a": 1}'),
    "HTML": ("&lt;Password&gt;word&lt;/Password&gt;", "&lt;Password&gt;***&lt;/Password&gt;"),
    "XML": (f"<ns:SecretKey><![CDATA[{CANARY}]]></ns:SecretKey>", "<ns:SecretKey><![CDATA[***</ns:SecretKey>"),
    "no end": (f"'SessionToken': '{CANARY}", "'SessionToken': '***"),
    "strings of several lines": (f'password = """{CANARY}\n{CANARY}"""\na = 1', 'password = """***"""\na = 1'),
    "attribute beside its name": (
        f'<add key="db-password" value="{CANARY}"/>',
        '<add key="db-password" value="***"/>',
    ),
    "element with attributes": (
        f'<password type="plain" enc="x">{CANARY}</password>',
        '<password type="plain" enc="x">***</password>',
    ),
    "part of a form": (
        f'Content-Disposition: form-data; name="password"\r\n\r\n{CANARY}\r\n--x',
        'Content-Disposition: form-data; name="password"\r\n\r\n***\r\n--x',
    ),
    "coloured log": (
        f"\x1b[36mtoken\x1b[0m=\x1b[35m{CANARY}\x1b[0m \x1b[36ma\x1b[0m=b",
        "\x1b[36mtoken\x1b[0m=\x1b[35m***\x1b[0m \x1b[36ma\x1b[0m=b",
    ),
    "user of curl": (f"curl -u joe:{CANARY} https://h", "curl -u joe:*** https://h"),
    "user of curl in a list": (f"['curl', '--user', 'joe:{CANARY}']", "['curl', '--user', 'joe:***']"),
    "key of a customer": (
        f"x-amz-server-side-encryption-customer-key: {CANARY}\nHost: x",
        "x-amz-server-side-encryption-customer-key: ***\nHost: x",
    ),
    "behind an underscore": (f"k_AKIAIOSFODNN7EXAMPLE and t_{JWT}.", "k_AKIA*** and t_***."),
    "encrypted JWT": ("t eyJhbGciOiJkaXIifQ..48V1_ALb6US04U3b.5eym8TW_c8SuK0lt", "t ***"),
    "tokens with their issuer's mark": (
        f"hf_{'a1' * 17}, ghp_{'B2' * 18}",
        "hf_***, ghp_***",
    ),
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
    "basic authentication is needed",
    "s3://bucket/train?a=b/x.rec and s3://bucket/key=1/token/",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf",
    "arn:aws:sagemaker:eu-west-1:123456789012:training-job/token-classifier",
    "tokenizer=bert max_tokens=512 num_tokens: 7 tokens=3 eos_token='</s>' pad_token=[PAD] token=5",
    "hyperparameters {'num_tokens': '7', 'tokenizer': 'bert', 'learning_rate': '0.1', 'use_auth_token': 'true'}",
    "secretName: db, secretKeyRef: {name: db, key: password}, secret: {}",
    'secrets "db-credentials" is forbidden: User "x" cannot get resource "secrets" in API group ""',
    "ExpiredToken: The security token included in the request is expired",
    "UnrecognizedClientException: The security token included in the request is invalid.",
    "SyntaxError: Unexpected token: }",
    "passwordPolicy=strict password_file=/run/x PASSWORD_MIN_LENGTH=8 PWD=/root",
    "bypass=1 compass=2 config=abc design=abc key=train.rec Key: images/train.rec",
    "the model's signature: serving_default(x)",
    '{"NextToken": null, "Token": "", "password": None}',
    "fields ['password', 'username', 'email'] are missing",
    "https://host:8080/npm/@scope/name and https://medium.example/@user/x",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com/image@sha256:0123456789abcdef0123456789abcdef",
    "https://registry.example/image:1.0@sha256:0123456789abcdef0123456789abcdef",
    "http://[::1]:8080/x@y",
    "rbac.authorization.k8s.io/v1 and authorization-mode=RBAC",
    "hf_transformers_are_not_used sk-learn-image-classifier-2024",
    '{"message": "there is no token=", "code": 1}',
    "Token::parse failed at token.rs:12",
    "must not contain a user name or password: put the file where it can be fetched without",
    "    token = page.get('NextToken')\n    self._session.headers['Host'] = host",
    "docker run -u 1000:1000 image, <Token id='1'/> and the form's name=\"password\" field",
    "CN=host, ----- BEGIN -----, ends with -----BEGIN",
]


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    "text",
    ["the password is hunter", "password=*** hunter", "https://to/ken@host/x", "5f2c9a81d4e7b3a06c19", "key hunter"],
)
def test_what_cannot_be_recognised(text: str) -> None:
    """A limit, not a promise: docs/operations/security.md names it."""
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


def test_many_are_hidden_as_few_are() -> None:
    """The sessions of hundreds of roles."""
    known = {f"{number:04}-{CANARY}" for number in range(1000)}
    text = f"0001-{CANARY} {CANARY} 0999-{CANARY} 1000-{CANARY}\n0500-cAnArY\n  0123456789+/AB"
    assert redacted(text, known) == f"*** {CANARY} *** 1000-{CANARY}\n***"


def test_the_longer_of_two_is_hidden_as_a_whole() -> None:
    assert redacted("abcdefghij-klmno", {"abcdefghij", "abcdefghij-klmno"}) == "***"


def test_short_values_are_words() -> None:
    assert redacted("1 of true things", {"1", "true", ""}) == "1 of true things"


WRITTEN = {
    "as it is": lambda text: text,
    "in a query": lambda text: quote(text, safe=""),
    "in a query, in lower case": lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
    "in a form": quote_plus,
    "in JSON": json.dumps,
    "in JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "in JSON of PHP": lambda text: json.dumps(text).replace("/", "\\/"),
    "in JSON of Go": lambda text: json.dumps(text).replace("&", "\\u0026").replace("<", "\\u003c"),
    "in Python": repr,
    "as bytes": lambda text: repr(text.encode()),
    "in HTML": html.escape,
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in two lines": lambda text: f"{text[:5]}\n    {text[5:]}",
    "in lines that JSON escapes": lambda text: json.dumps(f"{text[:5]}\n{text[5:9]}\r\n{text[9:]}"),
    "in lines of a shell": lambda text: f"{text[:7]}\\\n{text[7:]}",
}
VALUES = [CANARY, "quo\"te's\\and&<>", "has a space in it", "ümlaut-secret"]


@pytest.mark.parametrize("secret", VALUES)
@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN.keys())
def test_what_is_known_is_hidden_however_it_is_written(secret: str, write: Callable[[str], str]) -> None:
    written = write(secret)
    shown = redacted(f"said {written}, and no more", {secret})
    assert shown.startswith("said ")
    assert shown.endswith(", and no more")
    assert len(shown) < len("said , and no more") + 12, shown


def test_a_text_that_is_cut_shows_no_half_of_a_secret() -> None:
    limit = OVERLAP + 1000
    for offset in range(limit - len(JWT) - 2, limit + 2):
        text = "x" * (offset - 1) + " " + JWT + " y" * 100
        assert "eyJ" not in redacted(text, limit=limit)
        text = "x" * offset + CANARY + " y" * 100
        assert CANARY[:4] not in redacted(text, {CANARY}, limit=limit)


def test_a_text_that_is_cut_says_so() -> None:
    text = "a b " * 5000
    shown = redacted(text, limit=OVERLAP + 1000)
    assert shown.startswith(text[:1000])
    assert shown.endswith("(19000 characters left out)")
    assert redacted(text, limit=len(text)) == text
    assert len(redacted("a b " * 1_000_000)) < LONGEST
