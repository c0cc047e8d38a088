"""Owns what the demo's processes see of the user's environment: nothing that leads to a real account or cluster.

The user's own variables stay as they are in this process, because kubectl may need them: on EKS it gets its token from
the AWS command line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Final

ACCESS_KEY: Final = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY: Final = "demo"  # noqa: S105 - the emulator checks no signature
LOOPBACK: Final = "127.0.0.1"

# In a pod, the service account's API server would come before the kubeconfig's.
_MISLEADING: Final = re.compile(r"AWS_.*|CLASSIFIER_OPERATOR_.*|KUBECONFIG|KUBERNETES_SERVICE_.*")
_PROXY: Final = re.compile(r"(https?|all|ftp)_proxy", re.IGNORECASE)


def isolated(
    command: Sequence[str], settings: Mapping[str, str], environ: Mapping[str, str], *, keeps_proxies: bool = False
) -> list[str]:
    """The command under `env`, without the variables that mislead, with those of `settings`.

    `keeps_proxies` is for what has to reach a cluster elsewhere; loopback goes past a proxy then too.
    """
    dropped = [name for name in environ if _MISLEADING.fullmatch(name) or _is_dropped_proxy(name, keeps_proxies)]
    removals = [part for name in sorted(dropped) for part in ("-u", name)]
    values = {**settings, **_past_proxies(environ)}
    return ["env", *removals, *(f"{name}={value}" for name, value in values.items()), *command]


def emulated_aws(url: str) -> dict[str, str]:
    """Variables that lead every AWS client of a process to the emulator, with credentials that are nobody's."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        # The user's profiles may name endpoints, roles and sign-in programs of their own.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _is_dropped_proxy(name: str, keeps_proxies: bool) -> bool:
    return not keeps_proxies and _PROXY.fullmatch(name) is not None


def _past_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    exempt = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    value = ",".join(filter(None, [exempt, LOOPBACK, "localhost"]))
    return {"NO_PROXY": value, "no_proxy": value}
