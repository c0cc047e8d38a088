"""Tells the demo in order: start all, apply, watch, classify, delete, ask what is left."""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier_operator.api.kinds import Kind
from classifier_operator.demo import report
from classifier_operator.demo.aws import EMULATED_SECONDS, DemoAws
from classifier_operator.demo.classification import classify, invoker, require_accuracy
from classifier_operator.demo.cluster import DemoCluster, own_cluster, users_cluster
from classifier_operator.demo.dataset import DemoData, make_data, upload, write_held_out
from classifier_operator.demo.errors import DemoError
from classifier_operator.demo.example import Example
from classifier_operator.demo.installation import installed_kinds, operator_account
from classifier_operator.demo.operator_process import OperatorProcess
from classifier_operator.demo.view import View
from classifier_operator.demo.watching import Watcher, are_gone, are_serving
from control_plane import find_tools
from control_plane.plane import TOOLS


@dataclass(frozen=True)
class Options:
    """What the user chose. `kubeconfig`: that of a cluster of the user's own; `crds`: the folder of the kinds."""

    example: Example
    crds: Path
    kubeconfig: Path | None
    speed: float
    keep: bool

    @property
    def patience(self) -> float:
        """Seconds after which something hangs."""
        return 60 + 3 * EMULATED_SECONDS / self.speed


@dataclass(frozen=True)
class Stage:
    """Everything that runs."""

    cluster: DemoCluster
    aws: DemoAws
    operator: OperatorProcess
    data: DemoData
    folder: Path


def play(options: Options, view: View, wait: Callable[[], None]) -> None:
    """Play the demo; `wait` returns when the user has seen enough of what `keep` keeps.

    Raises:
        DemoError: it did not go as it should. If the operator ran, the end of its log is a note of the error,
            as it is of any other error.

    """
    if options.kubeconfig is None:
        # A first build takes minutes and says so itself.
        find_tools(*TOOLS)
    with ExitStack() as stack:
        stage = _set(stack, options, view)
        try:
            _act(stage, options, view, wait)
        except Exception as error:
            error.add_note(stage.operator.tail())
            raise
        with view.step("Stop everything"):
            stack.close()
    report.show_summary(view.console, view.timings, view.elapsed)
    if not options.keep:
        view.say("To try more by hand, the same again, kept running before it deletes:")
        view.say(f"  {_program()} demo --keep")
        view.say("Your own images, step by step: docs/tutorial/README.md")


def _set(stack: ExitStack, options: Options, view: View) -> Stage:
    """Start all, so that `stack` ends it in the right order: the operator and AWS outlive the objects."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="classifier-demo-")))
    with view.step(_cluster_step(options)):
        cluster = stack.enter_context(
            users_cluster(options.kubeconfig, folder) if options.kubeconfig else own_cluster(folder)
        )
        stack.enter_context(installed_kinds(cluster, options.crds))
        account = stack.enter_context(operator_account(cluster, folder))
    with view.step("Start the stand-in for AWS"):
        aws = DemoAws.start(folder, speed=options.speed)
        stack.callback(aws.close)
    with view.step("Pack scikit-learn's digits into RecordIO and put them into S3"):
        data = make_data(folder / "dataset")
        upload(data, options.example, aws.client("s3", options.example.training.region))
    with view.step("Start the operator"):
        keeps_proxies = not cluster.is_on_this_machine()
        operator = OperatorProcess.start(folder, account, cluster.namespace, aws.url, keeps_proxies=keeps_proxies)
        stack.callback(operator.close)
    return Stage(cluster, aws, operator, data, folder)


def _cluster_step(options: Options) -> str:
    if options.kubeconfig:
        return f"Prepare a namespace of the cluster of {options.kubeconfig}"
    return "Start etcd and kube-apiserver"


def _act(stage: Stage, options: Options, view: View, wait: Callable[[], None]) -> None:
    with _applied(stage, options, view):
        with view.watching("Train and deploy") as show:
            _watcher(stage, options, show).until(are_serving, "training and deployment", options.patience)
        _classify(stage, options, view)
        if options.keep:
            _keep(stage, options, view)
            wait()
        _delete(stage, options, view)
    _require_nothing_left(stage, view)


@contextmanager
def _applied(stage: Stage, options: Options, view: View) -> Iterator[None]:
    """Apply the manifest; whatever happens, the objects do not stay in the user's cluster."""
    cluster, example = stage.cluster, options.example
    try:
        _make_sample(cluster, example, stage.data)
        with view.step(f"kubectl apply -f {_short(example.path)}"):
            view.say(cluster.kubectl("apply", f"--filename={example.path}").stdout.rstrip())
        yield
    finally:
        if not cluster.is_own:
            _remove_objects(cluster, example)


def _make_sample(cluster: DemoCluster, example: Example, data: DemoData) -> None:
    """The ConfigMap with the smoke test's image, if the manifest refers to one."""
    if example.sample is None:
        return
    image = base64.b64encode(data.sample(example.sample_class).image).decode()
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": example.sample.name},
        "binaryData": {example.sample.key: image},
    }
    cluster.kubectl("apply", "--filename=-", input=json.dumps(config_map))


def _watcher(stage: Stage, options: Options, show: Callable[..., None]) -> Watcher:
    def problem() -> str:
        return "" if stage.operator.is_running() else "the operator has ended"

    return Watcher(stage.cluster, options.example.names, show, problem)


def _classify(stage: Stage, options: Options, view: View) -> None:
    status = _endpoint_status(stage, options.example)
    labels = options.example.labels
    runtime = stage.aws.client("sagemaker-runtime", status["region"])
    images = stage.data.held_out
    with view.step(f"Classify {len(images)} held-out images through endpoint {status['endpointName']}"):
        classified = classify(images, invoker(runtime, status["endpointName"]), labels)
    report.show_predictions(view.console, classified, labels)
    require_accuracy(classified)


def _endpoint_status(stage: Stage, example: Example) -> dict[str, Any]:
    body = stage.cluster.read(Kind.ENDPOINT.plural, example.endpoint_name)
    status: dict[str, Any] = body["status"]
    return status


def _keep(stage: Stage, options: Options, view: View) -> None:
    """Say how to go on by hand."""
    images = stage.folder / "images"
    write_held_out(stage.data.held_out, images, options.example.labels)
    aws, kubeconfig = stage.aws, stage.cluster.client.kubeconfig
    credentials = "AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo"
    view.say("Kept running until Ctrl-C. In another terminal:")
    view.say(f"  export KUBECONFIG={kubeconfig} AWS_ENDPOINT_URL={aws.url} {credentials}")
    view.say(f"  {stage.cluster.client.path} -n {stage.cluster.namespace} get ctrain,cep,events")
    program, namespace = _program(), stage.cluster.namespace
    view.say(f"  {program} predict {options.example.endpoint_name} {images}/*.png -n {namespace}")
    view.say(f"  {program} logs {options.example.training_name} -n {namespace}")


def _delete(stage: Stage, options: Options, view: View) -> None:
    example = options.example
    with view.watching(f"kubectl delete -f {_short(example.path)}") as show:
        watcher = _watcher(stage, options, show)
        stage.cluster.kubectl("delete", "--wait=false", f"--filename={example.path}")
        watcher.until(are_gone, "deletion", options.patience)


def _require_nothing_left(stage: Stage, view: View) -> None:
    """AWS itself is asked, not the operator."""
    if left := stage.aws.resources():
        raise DemoError(f"left behind at AWS: {', '.join(left)}")
    view.say("Nothing is left at AWS: no training jobs, models, endpoint configurations or endpoints.")
    view.say(f"S3 keeps what nobody asked to delete, the images and the model: {', '.join(stage.aws.objects())}")


def _remove_objects(cluster: DemoCluster, example: Example) -> None:
    """Delete the objects; if the operator cannot let go of them, let go in its place, as its AWS ends anyway."""
    for kind, name in example.names.items():
        cluster.kubectl("delete", kind.plural, name, "--ignore-not-found", "--timeout=30s", check=False, timeout=60)
        release = json.dumps({"metadata": {"finalizers": None}})
        cluster.kubectl("patch", kind.plural, name, "--type=merge", f"--patch={release}", check=False)


def _program() -> str:
    """Return this program as it can be typed here: after `make demo` it is in no folder of PATH."""
    return _short(Path(sys.executable).parent / "classifier-operator")


def _short(path: Path) -> str:
    """The path as one would type it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
