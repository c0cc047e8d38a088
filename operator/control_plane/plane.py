"""Owns a running control plane: etcd, kube-apiserver and, on request, kube-controller-manager, as one object.

The binaries come from `binaries`, the command lines from `servers`, the secrets from `credentials`; here they
are put together in order, broken on purpose for tests of faults, and taken down again.
"""

from __future__ import annotations

import atexit
import base64
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from control_plane import servers
from control_plane.binaries import find_tools
from control_plane.client import LoopbackClient
from control_plane.credentials import Credentials, make_credentials
from control_plane.errors import ControlPlaneError
from control_plane.kubeconfig import write_kubeconfig
from control_plane.kubectl import Kubectl
from control_plane.processes import ChildProcess
from control_plane.servers import Ports
from control_plane.state import StateFolder

TOOLS: Final = ("etcd", "kube-apiserver", "kubectl")
CONTROLLER_MANAGER: Final = "kube-controller-manager"

_START_SECONDS: Final = 60.0
_INSTALL_SECONDS: Final = 30.0
# A port that was free when chosen may be gone when used.
_ATTEMPTS: Final = 3
_TOKEN_SECONDS: Final = 24 * 3600


class ControlPlane:
    """A Kubernetes API server of one's own, on loopback, until the `with` block or the process ends."""

    def __init__(self, state: StateFolder, tools: Mapping[str, Path], *, controllers: bool) -> None:
        """Prepare, without starting anything: use `start`."""
        self._state = state
        self._tools = tools
        self._controllers = controllers
        self._credentials: Credentials = make_credentials(state.work / "pki")
        self._ports: Ports = servers.free_ports()
        self._processes: dict[str, ChildProcess] = {}
        self._closing = threading.Lock()
        self._closed = False
        self._owner = os.getpid()

    @classmethod
    def start(cls, state: Path | None = None, *, controllers: bool = False) -> Self:
        """Start a control plane and return it once it serves.

        `state` is the folder to keep everything in (a temporary one if not given); `controllers` adds the
        garbage collector, the namespace and the service-account controllers. Without them, deleted namespaces
        stay Terminating, and the aggregated roles `view`, `edit` and `admin` are empty.
        Finds or builds the tools first.
        Raises ControlPlaneError (with the end of the server's log), ToolError.
        """
        tools = find_tools(*TOOLS, *([CONTROLLER_MANAGER] if controllers else []))
        folder = StateFolder.take(state)
        try:
            plane = cls(folder, tools, controllers=controllers)
        except BaseException:
            folder.release()
            raise
        atexit.register(plane.close)
        try:
            plane._start_all()
        except BaseException:
            plane.close()
            raise
        return plane

    @property
    def url(self) -> str:
        """The API server's address."""
        return f"https://127.0.0.1:{self._ports.api}"

    @property
    def ca_file(self) -> Path:
        """The certificate authority that signed the API server's certificate."""
        return self._credentials.ca

    @property
    def token(self) -> str:
        """The administrator's bearer token."""
        return self._credentials.token

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig file."""
        return self._state.kubeconfig

    @property
    def kubectl_path(self) -> Path:
        """The kubectl that fits this API server."""
        return self._tools["kubectl"]

    @property
    def folder(self) -> Path:
        """The state folder."""
        return self._state.folder

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002 - as subprocess calls it
        check: bool = True,
        timeout: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator; raises KubectlError if it fails and `check` is set.

        A `--kubeconfig` among the arguments takes the place of the administrator's.
        """
        kubectl = Kubectl(self.kubectl_path, self.kubeconfig, self._state.work / "kubectl-cache")
        return kubectl.run(arguments, text=input, check=check, timeout=timeout)

    def install(self, definitions: Path) -> None:
        """Install CustomResourceDefinitions, a file or a folder of them, and return when kubectl knows their kinds.

        Raises KubectlError when one of them is refused, or is not served within half a minute.
        """
        self.kubectl("apply", "--server-side", f"--filename={definitions}")
        self.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"--filename={definitions}")
        names = self.kubectl("get", f"--filename={definitions}", "--output=name").stdout.split()
        kinds = ",".join(name.partition("/")[2] for name in names)
        # Discovery follows a moment later, and kubectl keeps for minutes what it was told.
        end = time.monotonic() + _INSTALL_SECONDS
        while self.kubectl("get", kinds, check=time.monotonic() > end).returncode:
            self.kubectl("api-resources", "--cached=false", "--output=name")

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """Write a kubeconfig with a one-day token of an existing service account and return its path."""
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": _TOKEN_SECONDS},
        }
        segments = ("api", "v1", "namespaces", namespace, "serviceaccounts", name, "token")
        path = "".join(f"/{quote(segment, safe='')}" for segment in segments)
        token = self._api().post(path, request)["status"]["token"]
        folder = self._state.work / "kubeconfigs"
        folder.mkdir(exist_ok=True)
        return self._write_kubeconfig(folder / f"{namespace}.{name}", token, f"{namespace}:{name}", namespace)

    def stop_apiserver(self) -> None:
        """End the API server gently; its address stays its own."""
        self._stop("kube-apiserver")

    def kill_apiserver(self) -> None:
        """End the API server as a crash would."""
        self._stop("kube-apiserver", kill=True)

    def start_apiserver(self) -> None:
        """Start the API server (again), at the same address; returns once it serves."""
        arguments = servers.apiserver_arguments(
            self._ports, self._credentials, self._state.work, controllers=self._controllers
        )
        api = self._api()
        # Ready, and has made the namespace that everybody expects: a loop of its own does that.
        self._run("kube-apiserver", arguments).wait_until(
            lambda: api.is_ok("/readyz") and api.is_ok("/api/v1/namespaces/default"), timeout=_START_SECONDS
        )

    def stop_etcd(self) -> None:
        """End etcd; the API server lives on without its store."""
        self._stop("etcd")

    def start_etcd(self) -> None:
        """Start etcd (again) with its data; returns once it serves."""
        etcd = LoopbackClient.for_etcd(self._ports.etcd, self._credentials)
        arguments = servers.etcd_arguments(self._data, self._ports, self._credentials)
        remove = self.folder if self._state.is_temporary else None
        process = self._run("etcd", arguments, remove=remove)
        process.wait_until(lambda: etcd.is_ok("/health"), timeout=_START_SECONDS)

    def snapshot(self, folder: Path) -> None:
        """Copy etcd's data into a new folder; etcd is away meanwhile."""
        self.stop_etcd()
        shutil.copytree(self._data, folder)
        self.start_etcd()

    def restore(self, folder: Path) -> None:
        """Put etcd's data back to what a snapshot has, and start the API server anew; its revisions go back, too."""
        self.stop_apiserver()
        self.stop_etcd()
        shutil.rmtree(self._data)
        shutil.copytree(folder, self._data)
        self.start_etcd()
        self.start_apiserver()

    def compact(self) -> None:
        """Make etcd forget all old revisions.

        A watch from an older resourceVersion gets 410 Gone once the API server has been restarted; until then
        it may still be served from the API server's memory.
        """
        etcd = LoopbackClient.for_etcd(self._ports.etcd, self._credentials)
        answer = etcd.post("/v3/kv/range", {"key": base64.b64encode(b"\0").decode()})
        etcd.post("/v3/kv/compaction", {"revision": answer["header"]["revision"], "physical": True})

    def refuse_writes(self) -> None:
        """Let etcd take nothing more than deletions, as when its quota of space is used up."""
        self._alarm("ACTIVATE")

    def accept_writes(self) -> None:
        """Let etcd take writes again."""
        self._alarm("DEACTIVATE")

    def dead_process(self) -> str | None:
        """Return the name of a server that ended without having been asked to, if there is one."""
        return next((name for name, process in self._processes.items() if not process.is_running()), None)

    def is_in_place(self) -> bool:
        """Tell whether the state folder is still the one that was taken, and not removed meanwhile."""
        return self._state.is_in_place()

    def close(self) -> None:
        """Stop everything, remove a temporary folder. Does nothing a second time, or in a forked child."""
        with self._closing:
            if self._closed or os.getpid() != self._owner:
                return
            self._closed = True
            atexit.unregister(self.close)
            try:
                self._kill_all()
            finally:
                self._state.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _data(self) -> Path:
        return self._state.work / "etcd"

    def _start_all(self) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._start_servers()
                break
            except ControlPlaneError as error:
                if attempt == _ATTEMPTS or not re.search("address already in use", str(error)):
                    raise
            self._kill_all()
            self._ports = servers.free_ports()
        self._write_kubeconfig(self.kubeconfig, self.token, "admin", "default")
        if self._controllers:
            self._start_controllers()

    def _start_servers(self) -> None:
        self.start_etcd()
        self.start_apiserver()

    def _start_controllers(self) -> None:
        arguments = servers.controller_manager_arguments(self.kubeconfig, self._credentials)
        api = self._api()
        self._run(CONTROLLER_MANAGER, arguments).wait_until(
            lambda: api.is_ok("/api/v1/namespaces/default/serviceaccounts/default"), timeout=_START_SECONDS
        )

    def _run(self, name: str, arguments: Sequence[str], *, remove: Path | None = None) -> ChildProcess:
        if name in self._processes:
            raise ControlPlaneError(f"{name} is already running")
        command = [str(self._tools[name]), *arguments]
        self._processes[name] = ChildProcess(name, command, self._state.log(name), remove=remove)
        return self._processes[name]

    def _stop(self, name: str, *, kill: bool = False) -> None:
        process = self._processes.pop(name, None)
        if process is None:
            raise ControlPlaneError(f"{name} is not running")
        process.kill() if kill else process.stop()

    def _kill_all(self) -> None:
        # A gentle end would gain nothing: the data goes too, and an API server waits for its open watches.
        for name in list(self._processes):
            self._stop(name, kill=True)

    def _alarm(self, action: str) -> None:
        etcd = LoopbackClient.for_etcd(self._ports.etcd, self._credentials)
        member = etcd.post("/v3/maintenance/status", {})["header"]["member_id"]
        etcd.post("/v3/maintenance/alarm", {"action": action, "memberID": member, "alarm": "NOSPACE"})

    def _api(self) -> LoopbackClient:
        return LoopbackClient.for_apiserver(self._ports.api, self._credentials)

    def _write_kubeconfig(self, path: Path, token: str, user: str, namespace: str) -> Path:
        ca = self.ca_file.read_bytes()
        return write_kubeconfig(path, url=self.url, ca=ca, token=token, user=user, namespace=namespace)
