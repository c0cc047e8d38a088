"""A scheduler and kubelet for the embedded control plane: pods run as processes of this machine.

A pod's container becomes a process with exactly its command, arguments and environment, as its service account. What a
container brings and a process has not is put in its place: the image is this checkout's command, mounts are folders
whose paths are put into the arguments and the environment, the network is an address of 127/8 for each pod, and the
service account's token comes in a kubeconfig.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import secrets
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from control_plane import ControlPlane
from control_plane.credentials import make_credentials
from tests.contract.manifests import REPOSITORY

NODE: Final = "test-node"
_ENTRYPOINT: Final = [sys.executable, "-P", "-m", "classifier_operator"]
_PERIOD: Final = 0.1
Json = dict[str, Any]


class Kubelet:
    """Runs the pods of a control plane until the `with` block ends."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        configuration = client.Configuration()
        config.load_kube_config(str(plane.kubeconfig), client_configuration=configuration)
        configuration.proxy = None
        self._plane = plane
        self._folder = folder
        self._client = client.ApiClient(configuration)
        self._core = client.CoreV1Api(self._client)
        self._pods: dict[str, PodProcess] = {}
        # Another control plane's pods are elsewhere, whatever runs beside this test.
        self._network = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(256)}"
        self._addresses = count(2)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._logs = LogServer(folder)
        self.error: BaseException | None = None

    def __enter__(self) -> Kubelet:
        self._logs.start()
        self._register()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(30)
        for pod in self._pods.values():
            pod.kill()
        self._logs.stop()
        self._client.close()

    def log(self, namespace: str, component: str = "operator") -> str:
        """What all pods of a namespace and component have written."""
        files = sorted(self._folder.glob(f"{namespace}/*/{component}.log"))
        return "\n".join(file.read_text() for file in files)

    def _register(self) -> None:
        self._core.create_node({"metadata": {"name": NODE}})
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._logs.port}},
        }
        self._core.patch_node_status(NODE, {"status": status})

    def _run(self) -> None:
        try:
            while not self._ended.wait(_PERIOD):
                found = self._core.list_pod_for_all_namespaces(_preload_content=False)
                self._look_at(_json(found))
        except BaseException as error:
            self.error = error
            raise

    def _look_at(self, listed: Json) -> None:
        pods = {pod["metadata"]["uid"]: pod for pod in listed["items"]}
        for uid in self._pods.keys() - pods.keys():
            self._pods.pop(uid).kill()
        for uid, pod in pods.items():
            # A pod that somebody has deleted meanwhile is seen as gone the next time.
            with suppress(ApiException):
                self._tend(uid, pod)

    def _tend(self, uid: str, pod: Json) -> None:
        metadata = pod["metadata"]
        process = self._pods.get(uid)
        if "deletionTimestamp" in metadata:
            if process is None or process.has_been_told_to_end():
                self._core.delete_namespaced_pod(metadata["name"], metadata["namespace"], grace_period_seconds=0)
        elif process is None:
            self._start(uid, pod)
        elif (status := process.status()) != process.published:
            self._core.patch_namespaced_pod_status(metadata["name"], metadata["namespace"], {"status": status})
            process.published = status

    def _start(self, uid: str, pod: Json) -> None:
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        if not pod["spec"].get("nodeName"):
            binding = {"metadata": {"name": name}, "target": {"apiVersion": "v1", "kind": "Node", "name": NODE}}
            self._core.create_namespaced_pod_binding(name, namespace, binding, _preload_content=False)
        folder = self._folder / namespace / name
        folder.mkdir(parents=True)
        account = pod["spec"]["serviceAccountName"]
        kubeconfig = self._plane.service_account_kubeconfig(namespace, account)
        surroundings = Surroundings(self._core, pod, f"{self._network}.{next(self._addresses)}", folder)
        self._pods[uid] = PodProcess(surroundings, kubeconfig)


@dataclass
class Surroundings:
    """What a pod's container finds around itself."""

    core: Any
    pod: Json
    address: str
    folder: Path

    @property
    def container(self) -> Json:
        """The pod's one container."""
        (container,) = self.pod["spec"]["containers"]
        assert isinstance(container, dict)
        return container

    def command(self) -> list[str]:
        """The process' command line."""
        variables = self.variables()
        container = self.container
        given = [self._mounted(_expanded(word, variables)) for word in container.get("args", ())]
        return [*container.get("command", _ENTRYPOINT), *given]

    def environment(self, kubeconfig: Path) -> dict[str, str]:
        """The process' environment: nothing of the developer's but where programs are."""
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL")}
        given = {name: self._mounted(value) for name, value in self.variables().items()}
        # Where a container has an address of its own, and the token in a file.
        place = {"CLASSIFIER_OPERATOR_RUN_HEALTH_HOST": self.address, "KUBECONFIG": str(kubeconfig)}
        code = {"PYTHONPATH": str(REPOSITORY / "operator"), "PYTHONWARNINGS": "default"}
        return {**inherited, **code, "TMPDIR": self._mounted("/tmp"), "HOSTNAME": self._name, **given, **place}

    def variables(self) -> dict[str, str]:
        """The container's environment variables."""
        found: dict[str, str] = {}
        for variable in self.container.get("env", ()):
            value = variable.get("value", "") if "valueFrom" not in variable else self._looked_up(variable["valueFrom"])
            if value is not None:
                found[variable["name"]] = _expanded(value, found)
        return found

    def mount(self) -> None:
        """Make the volumes' folders."""
        volumes = {volume["name"]: volume for volume in self.pod["spec"].get("volumes", ())}
        for mount in self.container.get("volumeMounts", ()):
            folder = self._place(mount["name"])
            folder.mkdir(exist_ok=True)
            if source := volumes[mount["name"]].get("configMap"):
                for key, text in self._config_map(source["name"]).items():
                    (folder / key).write_text(text)

    @property
    def _name(self) -> str:
        return str(self.pod["metadata"]["name"])

    def _place(self, volume: str) -> Path:
        return self.folder / f"volume-{volume}"

    def _mounted(self, text: str) -> str:
        for mount in self.container.get("volumeMounts", ()):
            path = re.escape(mount["mountPath"])
            text = re.sub(rf"(^|[=:]){path}(?=$|/)", rf"\1{self._place(mount['name'])}", text)
        return text

    def _looked_up(self, source: Json) -> str | None:
        if reference := source.get("fieldRef"):
            values = {"metadata.name": self._name, "metadata.namespace": self._namespace, "status.podIP": self.address}
            return values[reference["fieldPath"]]
        reference = source["secretKeyRef"]
        secret = _json(self.core.read_namespaced_secret(reference["name"], self._namespace, _preload_content=False))
        if reference["key"] in secret["data"]:
            return _decoded(secret["data"][reference["key"]])
        assert reference.get("optional"), f"the Secret {reference['name']} has no {reference['key']}"
        return None

    @property
    def _namespace(self) -> str:
        return str(self.pod["metadata"]["namespace"])

    def _config_map(self, name: str) -> Mapping[str, str]:
        found = _json(self.core.read_namespaced_config_map(name, self._namespace, _preload_content=False))
        data: dict[str, str] = found["data"]
        return data


class PodProcess:
    """A pod's container as a process: started anew where the pod says so."""

    def __init__(self, surroundings: Surroundings, kubeconfig: Path) -> None:
        self._surroundings = surroundings
        self._kubeconfig = kubeconfig
        self._container = surroundings.container
        self._log = surroundings.folder / f"{self._container['name']}.log"
        self._restarts = 0
        self._started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._is_ready = False
        self._told = 0.0
        self.published: Json = {}
        surroundings.mount()
        self._process = self._spawn()

    def status(self) -> Json:
        """The pod's status as of now; a container that ended is started again if it is to run for ever."""
        code = self._process.poll()
        forever = self._surroundings.pod["spec"].get("restartPolicy", "Always") == "Always"
        if code is not None and forever:
            self._restarts += 1
            self._is_ready = False
            self._process = self._spawn()
            code = None
        self._is_ready = code is None and (self._is_ready or self._answers())
        phase = "Running" if code is None else "Failed" if code else "Succeeded"
        return {
            "phase": phase,
            "podIP": self._surroundings.address,
            "podIPs": [{"ip": self._surroundings.address}],
            "startTime": self._started,
            "conditions": [
                {"type": "Initialized", "status": "True"},
                {"type": "ContainersReady", "status": str(self._is_ready)},
                {"type": "Ready", "status": str(self._is_ready)},
            ],
            "containerStatuses": [self._container_status(code)],
        }

    def has_been_told_to_end(self) -> bool:
        """Ask it to end, and whether it has; when its time is over it is killed."""
        if not self._told:
            self._told = time.monotonic()
            self._process.send_signal(signal.SIGTERM)
        grace = self._surroundings.pod["metadata"].get("deletionGracePeriodSeconds", 30)
        if time.monotonic() > self._told + grace:
            self.kill()
        return self._process.poll() is not None

    def kill(self) -> None:
        """End it at once."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._surroundings.command(),
                env=self._surroundings.environment(self._kubeconfig),
                cwd=self._surroundings.folder,
                stdout=log,
                stderr=log,
            )

    def _container_status(self, code: int | None) -> Json:
        running = {"running": {"startedAt": self._started}}
        return {
            "name": self._container["name"],
            "image": self._container["image"],
            "imageID": "",
            "ready": self._is_ready,
            "restartCount": self._restarts,
            "state": running if code is None else {"terminated": self._end(code)},
        }

    def _end(self, code: int) -> Json:
        is_said = code and self._container.get("terminationMessagePolicy") == "FallbackToLogsOnError"
        message = self._log.read_text()[-2048:] if is_said else ""
        return {"exitCode": code, "reason": "Error" if code else "Completed", "message": message}

    def _answers(self) -> bool:
        """Whether the readiness probe succeeds; without one, running is enough."""
        probe = self._container.get("readinessProbe")
        if probe is None:
            return True
        ports = {port["name"]: port["containerPort"] for port in self._container["ports"]}
        connection = http.client.HTTPConnection(self._surroundings.address, ports[probe["httpGet"]["port"]], timeout=2)
        try:
            connection.request("GET", probe["httpGet"]["path"])
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@dataclass
class LogServer:
    """Answers the API server's questions for a container's log, as a kubelet does."""

    folder: Path
    _server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        folder = self.folder

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                namespace, pod, container = self.path.partition("?")[0].removeprefix("/containerLogs/").split("/")
                text = (folder / namespace / pod / f"{container}.log").read_bytes()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Nothing is said of it."""

        credentials = make_credentials(self.folder / "pki")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(credentials.certificate, credentials.key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    def start(self) -> None:
        """Listen."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """Put variables in the place of `$(NAME)`; unknown ones stay."""
    return re.sub(r"\$\((\w+)\)", lambda match: variables.get(match[1], match[0]), text)


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()


def _json(answer: Any) -> Json:
    found: Json = json.loads(answer.data)
    return found
