"""Texts without what is secret in them: all that is shown, and was written by somebody else, goes through here.

AWS's refusal of a signature repeats what was to be signed, the session's token included; an error of an HTTP library
repeats an address with a password or a signature in it; a job's failure repeats what its image has printed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "***"
# Shorter ones are words and numbers: hiding those would make texts unreadable, and keep nothing secret.
SHORTEST = 8

_VALUE = r"[^\s\"'&<>,;\\]+"
_NAMES = (
    "x-amz-security-token|x-amz-signature|x-amz-credential|x-goog-signature|x-goog-credential|awsaccesskeyid|"
    "signature|credential|sig|sessiontoken|session_token|secretaccesskey|secret_access_key|secretkey|accesskeyid|"
    "access_key_id|aws_access_key_id|aws_secret_access_key|aws_session_token|accesskey|password|passwd|"
    "client_secret|access_token|id_token|refresh_token|webidentitytoken"
)
# A name begins where a word does, or after a line break that is written as such.
_BEGIN = r"(?:(?<![\w-])|(?<=\\[nrt]))"
_RULES = (
    # A user and a password before a host.
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/?#\"'@]*(?:@[^\s/?#\"'@]*)*@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    # All of an address's query: what signs it is called differently everywhere. A key in S3 may have a question mark.
    (re.compile(r"(\b(?!s3:)[a-z][a-z0-9+.-]*://[^\s\"'<>?#\\]*)\?[^\s\"'<>\\]+", re.IGNORECASE), rf"\1?{HIDDEN}"),
    (
        re.compile(r"(\bauthorization\b[\"']?\s*[:=]\s*(?:b(?=[\"']))?[\"']?)[^\r\n\"'\\]+", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(bearer\s+)[\w.~+/=-]{16,}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (
        re.compile(rf"({_BEGIN}(?:{_NAMES})(?:[\"']?\s*[:=]\s*(?:b(?=[\"']))?[\"']?|%3D)){_VALUE}", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    # Credentials as a container or a cluster gets them.
    (re.compile(r"([\"']\w*token[\"']\s*:\s*[\"'])[^\"'\\]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    # In S3's errors, which are XML.
    (re.compile(rf"(<(?:{_NAMES})>)[^<]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*"), HIDDEN),
    (re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{12,}\b"), rf"\1{HIDDEN}"),
)


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """The text without these values, however they are written in it, and without what looks like a secret."""
    for secret in sorted({one for one in known if len(one) >= SHORTEST}, key=len, reverse=True):
        for written in {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1]}:
            text = text.replace(written, HIDDEN)
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text
