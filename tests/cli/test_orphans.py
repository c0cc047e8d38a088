"""`orphans`: what is listed and what is not, on a real API server and the emulated AWS, without an operator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import yaml
from click.testing import CliRunner, Result

from classifier_operator.api.kinds import CLUSTER_TAG, OBJECT_TAG, UID_TAG
from classifier_operator.cli import main
from control_plane import ControlPlane
from sagemaker_emulator.control import Control
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver.world import endpoint, training
from tests.cli.conftest import CREDENTIALS

REGION = "us-east-1"
ROLE = "arn:aws:iam::222222222222:role/Classifiers"
EXECUTION = "arn:aws:iam::123456789012:role/SageMakerExecution"
CLUSTER = "production"
Run = Callable[..., Result]
Make = Callable[..., str]


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorProcess]:
    """The emulated AWS; what runs there runs for long."""
    settings = {"training": {"work": "none", "training_seconds": 100_000}, "endpoint": {"load_model": False}}
    with EmulatorProcess("--settings", json.dumps({**settings, "check_model_data": False})) as process:
        yield process


@pytest.fixture
def aws(emulator: EmulatorProcess) -> Control:
    """An account with nothing in it."""
    emulator.control.reset()
    emulator.control.clear_faults()
    emulator.control.change_settings(tags_page=50)
    return emulator.control


@pytest.fixture
def run(aws: Control, kinds: ControlPlane, namespace: str) -> Run:
    """Run the command for the test's namespace."""

    def run(*arguments: str, name: str = CLUSTER) -> Result:
        environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": aws.url, "COLUMNS": "300"}
        own = ("--kubeconfig", str(kinds.kubeconfig), "-n", namespace, *(("--cluster-name", name) if name else ()))
        return CliRunner().invoke(main, ["orphans", *own, *arguments], env=environment)

    return run


def client(aws: Control, region: str = REGION, role: str = "") -> Any:
    keys = {"aws_access_key_id": "demo", "aws_secret_access_key": "demo"}
    if role:
        given = client_of(aws, "sts", region, keys).assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        keys = {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
    return client_of(aws, "sagemaker", region, keys)


def client_of(aws: Control, service: str, region: str, keys: dict[str, str]) -> Any:
    return boto3.client(service, endpoint_url=aws.url, region_name=region, **keys)


@pytest.fixture
def make(aws: Control, namespace: str) -> Make:
    """Make a model at AWS with the tags of an owner; returns its name."""

    def make(
        name: str, uid: str, *, cluster: str = CLUSTER, region: str = REGION, role: str = "", more: int = 0, **tags: str
    ) -> str:
        owner = {UID_TAG: uid, OBJECT_TAG: f"ClassifierEndpoint/{namespace}/digits", CLUSTER_TAG: cluster}
        found = {**{f"a{number:02}": "x" for number in range(more)}, **owner, **tags}
        listed = [{"Key": key, "Value": value} for key, value in found.items() if value]
        client(aws, region, role).create_model(
            ModelName=name, ExecutionRoleArn=EXECUTION, PrimaryContainer={"Image": "x:1"}, Tags=listed
        )
        return name

    return make


@pytest.fixture
def apply(kinds: ControlPlane, namespace: str) -> Callable[..., str]:
    """Make an object with a status; returns its UID."""

    def apply(manifest: dict[str, Any], *names: str, account: str = "123456789012", **place: str) -> str:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        kinds.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(manifest))
        entries = [{"type": "Model", "name": one, "region": REGION, **place} for one in names]
        patch = json.dumps({"status": {"resources": entries, **({"account": account} if entries and account else {})}})
        kinds.kubectl("patch", kind, name, "-n", namespace, "--subresource=status", "--type=merge", "-p", patch)
        return kinds.kubectl("get", kind, name, "-n", namespace, "-o", "jsonpath={.metadata.uid}").stdout

    return apply


def found(done: Result) -> dict[str, str]:
    """The names that a run has listed as JSON, each with the reason."""
    return {one["name"]: one["reason"] for one in json.loads(done.stdout)["orphans"]}


def test_what_belongs_to_no_object_is_listed(run: Run, make: Make, apply: Any) -> None:
    uid = apply(endpoint(), "named")
    make("named", uid)
    make("left", uid)
    make("of-one-that-is-gone", "gone", more=47)
    make("of-another-cluster", "gone", cluster="clone")
    done = run("-o", "json")
    assert (done.exit_code, found(done)) == (3, {"left": "NotInStatus", "of-one-that-is-gone": "NoObject"})


def test_nothing_found_is_success(run: Run, make: Make, apply: Any) -> None:
    make("named", apply(endpoint(), "named"))
    done = run()
    assert (done.exit_code, done.stdout) == (0, "No orphans found.\n")


@pytest.mark.parametrize("page", [1, 7])
def test_tags_are_read_to_the_last_page(run: Run, make: Make, apply: Any, aws: Control, page: int) -> None:
    aws.change_settings(tags_page=page)
    apply(endpoint())
    make("orphan", "gone", more=40)
    assert found(run("-o", "json")) == {"orphan": "NoObject"}


def test_what_bears_no_name_is_counted_and_listed_on_request(run: Run, make: Make, apply: Any) -> None:
    apply(endpoint())
    make("old", "gone", cluster="")
    done = run("-o", "json")
    assert (done.exit_code, found(done)) == (0, {})
    assert "1 more bear no cluster's name and belong to no object; --unnamed lists them" in done.stderr
    done = run("-o", "json", "--unnamed")
    assert (done.exit_code, found(done)) == (3, {"old": "NoObject"})


def test_a_former_name_is_the_clusters_too(run: Run, make: Make, apply: Any) -> None:
    apply(endpoint())
    make("of-before", "gone", cluster="former")
    assert found(run("-o", "json")) == {}
    assert found(run("-o", "json", "--former-cluster-name", "former")) == {"of-before": "NoObject"}


def test_without_a_name_it_is_that_of_kube_system(run: Run, make: Make, apply: Any, kinds: ControlPlane) -> None:
    uid = kinds.kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}").stdout
    apply(endpoint())
    make("learnt", "gone", cluster=uid)
    make("named", "gone")
    assert found(run("-o", "json", name="")) == {"learnt": "NoObject"}


def test_a_strangers_resources_are_none(run: Run, aws: Control, apply: Any) -> None:
    apply(endpoint())
    client(aws).create_model(ModelName="x", ExecutionRoleArn=EXECUTION, PrimaryContainer={"Image": "x:1"})
    assert run().exit_code == 0


def test_ended_jobs_are_a_record_and_running_ones_are_not(run: Run, aws: Control, apply: Any, namespace: str) -> None:
    uid = apply(training())
    tags = {UID_TAG: "gone", OBJECT_TAG: f"ClassifierTraining/{namespace}/x", CLUSTER_TAG: CLUSTER}
    sagemaker = client(aws)
    for name, owner in (("running", "gone"), ("ended", "gone"), ("ended-of-an-object", uid), ("forgotten", uid)):
        sagemaker.create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification={"TrainingImage": "x:1", "TrainingInputMode": "File"},
            RoleArn=EXECUTION,
            OutputDataConfig={"S3OutputPath": "s3://bucket/x"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 100_000},
            Tags=[{"Key": key, "Value": owner if key == UID_TAG else value} for key, value in tags.items()],
        )
    for name in ("ended", "ended-of-an-object"):
        aws.end_training(name, "stop")
    assert found(run("-o", "json")) == {"running": "NoObject", "forgotten": "NotInStatus"}
    with_ended = found(run("-o", "json", "--ended-jobs"))
    assert with_ended == {"running": "NoObject", "forgotten": "NotInStatus", "ended": "NoObject"}


def test_all_places_in_use_are_looked_at(run: Run, make: Make, apply: Any, kinds: ControlPlane, namespace: str) -> None:
    apply(endpoint("by-spec", region="eu-west-1"))
    apply(endpoint("by-status", region="eu-west-1", assumeRoleArn=ROLE), "x", assumeRoleArn=ROLE)
    kinds.kubectl("annotate", "namespace", namespace, "classifiers.sagemaker.dev/region=eu-central-1")
    make("spec", "gone", region="eu-west-1")
    make("status", "gone", role=ROLE)
    make("annotation", "gone", region="eu-central-1")
    make("option", "gone", region="us-west-2")
    make("role", "gone", region="us-west-2", role=ROLE)
    assert set(found(run("-o", "json"))) == {"spec", "status", "annotation"}
    options = ("--region", "us-west-2")
    assert set(found(run("-o", "json", *options))) == {"spec", "status", "annotation", "option"}
    assert set(found(run("-o", "json", *options, "--assume-role-arn", ROLE))) == {
        "spec",
        "status",
        "annotation",
        "role",
    }


def test_a_region_that_is_denied_is_said_and_the_others_are_looked_at(
    run: Run, make: Make, apply: Any, aws: Control
) -> None:
    apply(endpoint("here"))
    apply(endpoint("there", region="eu-west-1"))
    make("orphan", "gone")
    words = "User is not authorized to perform: sagemaker:ListModels"
    # Regions are looked at in the order of their names.
    aws.fail_next("ListModels", 1, code="AccessDeniedException", message=words, status=400)
    done = run("-o", "json")
    assert (done.exit_code, found(done)) == (1, {"orphan": "NoObject"})
    (failure,) = json.loads(done.stdout)["failures"]
    assert failure["region"] == "eu-west-1"
    assert words in failure["message"]
    assert "Error: eu-west-1 was not looked at to the end" in done.stderr


def test_credentials_of_another_account_are_said(run: Run, make: Make, apply: Any) -> None:
    apply(endpoint(), "x", account="999999999999")
    make("orphan", "gone")
    done = run("-o", "json")
    assert (done.exit_code, found(done)) == (1, {"orphan": "NoObject"})
    words = "objects have something in account 999999999999, and your credentials are of account 123456789012"
    assert words in done.stderr


def test_a_role_reaches_the_other_account_in_its_region_only(run: Run, make: Make, apply: Any) -> None:
    role = ("--region", REGION, "--assume-role-arn", ROLE)
    uid = apply(endpoint("here"), "x", account="222222222222")
    make("x", uid, role=ROLE)
    make("orphan", "gone", role=ROLE)
    done = run("-o", "json", *role)
    assert (done.exit_code, found(done)) == (3, {"orphan": "NoObject"})
    apply(endpoint("there", region="eu-west-1"), "x", account="222222222222", region="eu-west-1")
    done = run("-o", "json", *role)
    assert (done.exit_code, found(done)) == (1, {"orphan": "NoObject"})
    assert [one["region"] for one in json.loads(done.stdout)["failures"]] == ["eu-west-1"]


@pytest.mark.parametrize("account", ["222222222222", ""], ids=["recorded", "not recorded"])
def test_a_name_is_an_objects_in_its_own_account_only(run: Run, make: Make, apply: Any, account: str) -> None:
    """The object has been in another account; a status that does not tell its account names it in every one."""
    uid = apply(endpoint(), "x", account=account)
    make("x", uid)
    make("x", uid, role=ROLE)
    done = run("-o", "json", "--region", REGION, "--assume-role-arn", ROLE)
    listed = [(one["account"], one["reason"]) for one in json.loads(done.stdout)["orphans"]]
    assert listed == ([("123456789012", "NotInStatus")] if account else [])


def test_what_is_gone_meanwhile_is_none(run: Run, make: Make, apply: Any, aws: Control) -> None:
    apply(endpoint())
    make("orphan", "gone")
    words = "The resource arn:aws:sagemaker:us-east-1:123456789012:model/orphan does not exist."
    aws.fail_next("ListTags", 1, code="ValidationException", message=words, status=400)
    assert run().exit_code == 0


def test_throttling_is_waited_out(run: Run, make: Make, apply: Any, aws: Control) -> None:
    apply(endpoint())
    for number in range(5):
        make(f"orphan-{number}", "gone")
    aws.fail_next("ListTags", 3, code="ThrottlingException", message="Rate exceeded", status=400)
    done = run("-o", "json")
    assert (done.exit_code, len(found(done))) == (3, 5)


def test_output_is_a_table_or_json_or_yaml(run: Run, make: Make, apply: Any, namespace: str) -> None:
    apply(endpoint())
    make("orphan", "gone")
    header, row = run().stdout.splitlines()
    assert header.split() == ["ACCOUNT", "REGION", "TYPE", "NAME", "STATUS", "OBJECT", "REASON"]
    owner = f"ClassifierEndpoint/{namespace}/digits"
    assert row.split() == ["123456789012", REGION, "Model", "orphan", "-", owner, "NoObject"]
    as_json = json.loads(run("-o", "json").stdout)
    assert yaml.safe_load(run("-o", "yaml").stdout) == as_json
    assert as_json["orphans"] == [
        {
            "type": "Model",
            "name": "orphan",
            "arn": f"arn:aws:sagemaker:{REGION}:123456789012:model/orphan",
            "account": "123456789012",
            "region": REGION,
            "status": "",
            "object": owner,
            "uid": "gone",
            "cluster": CLUSTER,
            "reason": "NoObject",
        }
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "there is no region to look in"),
        (["--cluster-name", "a b"], "'a b' is no name of a cluster"),
        (["--output", "xml"], "'xml' is not one of"),
    ],
    ids=["nowhere", "no name", "no format"],
)
def test_usage(run: Run, options: list[str], words: str) -> None:
    done = run(*options, name="")
    assert done.exit_code == 2
    assert words in " ".join(done.output.replace("│", " ").split())


def test_it_changes_nothing(run: Run, make: Make, apply: Any, aws: Control) -> None:
    apply(endpoint())
    make("orphan", "gone")
    aws.clear_calls()
    run()
    assert [name for name in aws.counts() if not name.startswith(("List", "sts."))] == []
