"""Texts without what is secret in them: all that is shown, and was written by somebody else, goes through here.

AWS's refusal of a signature repeats what was to be signed, the session's token included; an error of an HTTP library
repeats an address with a password or a signature in it; a job's failure repeats what its image has printed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import NamedTuple
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


class _Rule(NamedTuple):
    """What looks like a secret, and how it is hidden. A text without any of `marks`, in lower case, has none of it."""

    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    instead: str = HIDDEN


def _rule(marks: str, pattern: str, instead: str, flags: re.RegexFlag = re.IGNORECASE) -> _Rule:
    return _Rule(tuple(marks.split()), re.compile(pattern, flags), instead)


_OF_NAMES = "token sig credential key passw secret"
_RULES = (
    # A user and a password before a host.
    _rule("://", r"(\b[a-z][a-z0-9+.-]*://)[^\s/?#\"'@]*(?:@[^\s/?#\"'@]*)*@", rf"\1{HIDDEN}@"),
    # All of an address's query: what signs it is called differently everywhere. A key in S3 may have a question mark.
    _rule("://", r"(\b(?!s3:)[a-z][a-z0-9+.-]*://[^\s\"'<>?#\\]*)\?[^\s\"'<>\\]+", rf"\1?{HIDDEN}"),
    _rule(
        "authorization",
        r"(\bauthorization\b[\"']?\s*[:=]\s*(?:b(?=[\"']))?[\"']?)[^\r\n\"'\\]+",
        rf"\1{HIDDEN}",
    ),
    _rule("bearer", r"\b(bearer\s+)[\w.~+/=-]{16,}", rf"\1{HIDDEN}"),
    _rule(
        _OF_NAMES,
        rf"({_BEGIN}(?:{_NAMES})(?:[\"']?\s*[:=]\s*(?:b(?=[\"']))?[\"']?|%3D)){_VALUE}",
        rf"\1{HIDDEN}",
    ),
    # Credentials as a container or a cluster gets them.
    _rule("token", r"([\"']\w*token[\"']\s*:\s*[\"'])[^\"'\\]+", rf"\1{HIDDEN}"),
    # In S3's errors, which are XML.
    _rule(_OF_NAMES, rf"(<(?:{_NAMES})>)[^<]+", rf"\1{HIDDEN}"),
    _rule("eyj", r"\beyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*", HIDDEN, re.RegexFlag(0)),
    _rule("akia asia", r"\b(AKIA|ASIA)[A-Z0-9]{12,}\b", rf"\1{HIDDEN}", re.RegexFlag(0)),
)


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """The text without these values, however they are written in it, and without what looks like a secret."""
    for secret in sorted({one for one in known if len(one) >= SHORTEST}, key=len, reverse=True):
        for written in {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1]}:
            text = text.replace(written, HIDDEN)
    lower = text.lower()
    for marks, pattern, instead in _RULES:
        # Looking for a word is a hundred times as fast as looking for what stands around it, and most texts have none.
        if any(mark in lower for mark in marks):
            text = pattern.sub(instead, text)
    return text
