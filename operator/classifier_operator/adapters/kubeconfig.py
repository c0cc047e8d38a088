"""Which cluster a process asks, and, where it can ask none, why not and what to do: in one line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from classifier_operator.api.cut import cut, one_line
from classifier_operator.runtime.start import StartError

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient

# The Kubernetes client begins its errors with this, whatever is wrong.
_PREFIX = "Invalid kube-config file."
_SHOWN = 200
_DEFAULT = Path("~/.kube/config")


async def client_of_process() -> ApiClient:
    """Return a client as the pod's service account or, outside of a cluster, as the kubeconfig's current user.

    Raises:
        StartError: there is nothing to connect to.

    """
    # Imported here: commands that read their kubeconfig by another client need only the words below.
    from kubernetes.aio import config
    from kubernetes.aio.client import ApiClient

    try:
        try:
            config.load_incluster_config()
        except config.ConfigException as error:
            files = kubeconfig_files()
            if not any(path.exists() for path in files):
                raise StartError(kubeconfig_trouble(error)) from error
            await config.load_kube_config(config_file=os.pathsep.join(map(str, files)))
        # It reads the certificates.
        client = ApiClient()
    except StartError:
        raise
    except Exception as error:
        raise StartError(kubeconfig_trouble(error)) from error
    if not client.configuration.host.startswith(("https://", "http://")):
        # The client takes a cluster without `server`, or with an address of no scheme, and fails with each request.
        await client.close()
        raise StartError(kubeconfig_trouble(ValueError("its cluster has no server such as https://10.0.0.1:6443")))
    return client


def kubeconfig_files(given: Path | None = None) -> list[Path]:
    """Return the files that the client reads: the one given, else those of KUBECONFIG, else ~/.kube/config."""
    if given is not None:
        return [given]
    named = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return [path.expanduser() for path in named or [_DEFAULT]]


def kubeconfig_trouble(error: Exception, given: Path | None = None) -> str:
    """Return why there is no cluster to ask, with what to set.

    error: what the Kubernetes client has raised; of a file that is no kubeconfig it may be anything.
    """
    files = kubeconfig_files(given)
    names = ", ".join(map(str, files))
    if not any(path.exists() for path in files):
        return (
            f"no cluster to ask: there is no kubeconfig {names}, and this is no pod with a service account: "
            "set KUBECONFIG to a kubeconfig"
        )
    return (
        f"no cluster to ask: the kubeconfig {names} cannot be used: {_words(error)}: "
        "set KUBECONFIG to one that kubectl can use"
    )


def _words(error: Exception) -> str:
    text = one_line(" ".join(str(error).split())).removeprefix(_PREFIX).strip()
    # A file of another shape: the client has looked for keys in what is no mapping.
    shape = isinstance(error, TypeError | AttributeError | KeyError | IndexError)
    return "it is no kubeconfig" if shape or not text else cut(text, _SHOWN).rstrip(".")
