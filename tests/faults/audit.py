"""What has to be true in the end: all as asked for, nothing twice, nothing that nobody knows of, nothing lost.

The rules look at the objects, at what there is at AWS, and at the log of what was carried out there; none asks the
operator.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from click.testing import CliRunner

from classifier_operator.cli import main
from classifier_operator.reconcile.account import account_in
from sagemaker_emulator.control import Control
from tests.apiserver.identity import ROOT
from tests.apiserver.serving import UID_TAG
from tests.apiserver.world import REGION, Json, until
from tests.faults.accounts import ELSEWHERE, HOME, root_role_of
from tests.faults.asked import OVER, AtAws, not_as_asked, strays
from tests.faults.objects import Name
from tests.faults.population import Population

_TYPES = {
    "TrainingJob": "training-jobs",
    "Model": "models",
    "EndpointConfig": "endpoint-configs",
    "Endpoint": "endpoints",
    "ScalableTarget": "scalable-targets",
}
# What is done again and again although all is done would be seen within the first, in seconds of AWS's; it ends within
# the second.
_STILL = 500.0
_REST_SECONDS = 60.0
# Fields of a request that tell nothing of what is made.
_NAMES = ("TrainingJobName", "ModelName", "EndpointConfigName", "EndpointName")
_MAKING = ("CreateTrainingJob", "CreateModel", "CreateEndpointConfig")
_STRAY_SECONDS = 120.0
# Whoever looks for orphans: the root of the operator's account, with nothing of the developer's own.
_ROOT = {
    "AWS_ACCESS_KEY_ID": ROOT,
    "AWS_SECRET_ACCESS_KEY": "unchecked",
    "AWS_SESSION_TOKEN": "",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def audit(population: Population, seconds: float, lost_events: int | None) -> None:
    """Wait until all is as it has to be and moves no more; then look at the traces.

    lost_events: how many Events the fault may have kept from being published: what comes after one that is missed may
    say the same as what came before it. None: Events tell nothing.
    """
    world = population.world
    until(
        lambda: not _unfinished(population), "everything to be as asked for", seconds, lambda: _unfinished(population)
    )
    # That something never was AWS has to say twice before it is believed, and forgotten.
    until(
        lambda: not _of_the_ledgers(population), "the ledgers to be true", seconds, lambda: _of_the_ledgers(population)
    )
    _comes_to_rest(population)
    calls = Carried.out(world.aws)
    complaints = [
        *_orphans(population),
        *listed_as_orphans(population),
        *_duplicates(population, calls),
        *_not_as_asked(population, calls),
        *([] if lost_events is None else told_twice(world.all_events())[lost_events:]),
    ]
    assert complaints == [], "\n".join(complaints)
    lacked = [one for one in world.aws.denials() if not is_about_nothing(one) and not is_about_another_account(one)]
    assert lacked == [], "the operator asked for what manifests/iam does not allow"


def stops_what_is_unwanted(population: Population) -> None:
    """Wait until no job runs that nobody wants, as long as jobs still take so long that none ends by itself."""
    found: list[str] = []
    kept = tuple(f"{population.world.namespace}-{name.name}-" for name in population.of("retained", "ctrain"))

    def are_stopped() -> bool:
        aws = population.world.aws
        requests = Carried.out(aws).requests("CreateTrainingJob")
        found[:] = strays(population.objects.all().values(), aws.resources(), requests, kept)
        return not found

    until(are_stopped, "what nobody wants to be stopped", _STRAY_SECONDS, lambda: found)


@dataclass(frozen=True)
class Carried:
    """The calls that took effect, in their order."""

    calls: list[Json]

    @classmethod
    def out(cls, aws: Control) -> Carried:
        """All that the emulator has on record."""
        changes = [call for call in aws.calls() if call["effect"] and call["service"] == "sagemaker"]
        return cls([call for call in changes if not call["operation"].startswith(("Describe", "List", "Invoke"))])

    def of(self, *operations: str) -> list[Json]:
        """Those of the operations."""
        return [call for call in self.calls if call["operation"] in operations]

    def requests(self, operation: str) -> dict[str, Json]:
        """The last request for each resource."""
        return {call["resource"]: call["request"] for call in self.of(operation)}


def _unfinished(population: Population) -> list[str]:
    """No lost object: all that were asked for are there and as asked for, all that were deleted are gone."""
    bodies = population.objects.all()
    ends = population.ends
    unfinished = [f"{name} {words}" for name, end in ends.items() if (words := end.missing_in(bodies.get(name)))]
    return unfinished + [f"{name} was never asked for" for name in bodies.keys() - ends.keys()]


def _comes_to_rest(population: Population) -> None:
    """Nobody writes into objects that are done, nor is anything changed at AWS, once what is left over is tidied up."""
    aws = population.world.aws
    news: list[str] = []

    def is_at_rest() -> bool:
        versions, at = _versions(population), len(Carried.out(aws).calls)
        end = aws.now() + _STILL
        until(lambda: aws.now() >= end, "some time to pass at AWS")
        written = [str(name) for name, version in _versions(population).items() if versions.get(name) != version]
        news[:] = written + [f"{call['operation']} of {call['resource']}" for call in Carried.out(aws).calls[at:]]
        return not news

    until(is_at_rest, "everything to come to rest", _REST_SECONDS, lambda: news)


def _versions(population: Population) -> dict[Name, str]:
    return {name: body["metadata"]["resourceVersion"] for name, body in population.objects.all().items()}


def _orphans(population: Population) -> list[str]:
    """Everything at AWS belongs to an object that is there and names it, or is kept on purpose; and that is kept."""
    bodies = population.objects.all().values()
    uids = {body["metadata"]["uid"] for body in bodies}
    named = {entry["name"] for body in bodies for entry in body.get("status", {}).get("resources", ())}
    resources = population.world.aws.resources()
    endpoints = {one["name"] for one in resources if one["kind"] == "endpoints"}
    complaints, retained = [], []
    for one in resources:
        if one["kind"] == "scalable-targets":
            words = "" if one["name"].split("/")[1] in endpoints else "scales an endpoint that is gone"
        elif _is_of(population, one, "retained"):
            retained.append(one["status"])
            words = ""
        else:
            words = _why_orphaned(population, one, uids, named)
        if words:
            complaints.append(f"{one['kind']} {one['name']} ({one['status']}) {words}: {one['tags']}")
    kept = len(population.of("retained", "cep"))
    wanted = Counter({"Completed": len(population.of("retained", "ctrain")), "InService": kept, "": 2 * kept})
    return complaints if Counter(retained) == wanted else [*complaints, f"what was to be retained is {retained}"]


def listed_as_orphans(population: Population) -> list[str]:
    """`classifier-operator orphans` lists what is retained and nothing else, in both accounts."""
    world = population.world
    places = ["--region", REGION, *(f"--assume-role-arn={root_role_of(account)}" for account in (HOME, ELSEWHERE))]
    options = ["-n", world.namespace, "--kubeconfig", str(world.cluster.kubeconfig), *places, "-o", "json"]
    done = CliRunner().invoke(main, ["orphans", *options], env={**_ROOT, "AWS_ENDPOINT_URL": world.aws.url})
    if done.exit_code not in (0, 3):
        return [f"classifier-operator orphans ended with {done.exit_code}: {done.output}"]
    listed = {one["name"]: one for one in json.loads(done.stdout)["orphans"]}
    retained = {one["name"] for one in world.aws.resources() if _is_of(population, one, "retained") and _costs(one)}
    orphans = [
        f"{one['type']} {name} is listed as an orphan: {one}" for name, one in listed.items() if name not in retained
    ]
    return orphans + [f"{name} is retained and not listed as an orphan" for name in sorted(retained - listed.keys())]


def _costs(one: Json) -> bool:
    """Whether it is neither a job that has ended nor a scalable target, which bears no tags."""
    return one["kind"] != "scalable-targets" and one["status"] not in OVER


def _why_orphaned(population: Population, one: Json, uids: set[str], named: set[str]) -> str:
    """Finished jobs are kept, unless the policy of their object is to delete them."""
    uid = one["tags"].get(UID_TAG, "")
    is_over = one["kind"] == "training-jobs" and one["status"] in OVER
    if not uid:
        return "bears no owner's tag"
    if is_over and not _is_of(population, one, "vanishing", "disposable"):
        return ""
    if uid not in uids:
        return "belongs to no object any more"
    return "" if one["name"] in named else "is in the ledger of no object"


def _is_of(population: Population, one: Json, *states: str) -> bool:
    """Whether it was made for an object of one of these states, by its name."""
    name: str = one["name"]
    return name.startswith(tuple(f"{population.world.namespace}-{state}-" for state in states))


def _of_the_ledgers(population: Population) -> list[str]:
    """What an object that is ready names is there, and it alone names it; others may name what AWS has refused."""
    there = {(one["kind"], one["name"]) for one in population.world.aws.resources()}
    complaints = []
    namers: dict[tuple[str, str], Name] = {}
    for name, body in population.objects.all().items():
        for entry in body.get("status", {}).get("resources", ()):
            key = str(_TYPES[entry["type"]]), str(entry["name"])
            if key not in there and population.ends[name].is_ready:
                complaints.append(f"{name} names {key[0]} {key[1]}, which does not exist")
            if key in namers:
                complaints.append(f"{name} and {namers[key]} both name {key[0]} {key[1]}")
            namers[key] = name
    return complaints


def _duplicates(population: Population, calls: Carried) -> list[str]:
    """Nothing is made twice, nor moved twice to the same place."""
    attempts = {name.name: 2 for name in population.of("retried")}
    return [*made_twice(calls, attempts), *moved_twice(calls)]


def made_twice(calls: Carried, attempts: Mapping[str, int]) -> list[str]:
    """Of each owner's each request there is one resource at a time; a job is never made again, also when it is gone."""
    alive: dict[tuple[str, str, str], set[tuple[str, str]]] = defaultdict(set)
    jobs: Counter[tuple[str, str, str]] = Counter()
    complaints = []
    for call in calls.calls:
        operation, name = call["operation"], call["resource"]
        if operation.startswith("Create"):
            key = _what_is_made(call)
            alive[key].add((call["account"], name))
            jobs[key] += 1
            allowed = next((most for of, most in attempts.items() if f"-{of}-" in name), 1)
            most = jobs[key] if operation == "CreateTrainingJob" else len(alive[key])
            if most > allowed:
                complaints.append(
                    f"{operation} of {key[0]} was carried out {most} times for the same: {sorted(alive[key])}"
                )
        elif operation.startswith("Delete") and operation not in ("DeleteTags", "DeleteTrainingJob"):
            for names in alive.values():
                names.discard((call["account"], name))
    return complaints


def _what_is_made(call: Json) -> tuple[str, str, str]:
    """The owner, the kind, and the request without names; an owner has one endpoint whatever it serves."""
    request: Json = call["request"]
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
    owner = str(tags.get(UID_TAG) or call["resource"])
    content = {name: value for name, value in request.items() if name not in (*_NAMES, "Tags")}
    is_endpoint = call["operation"] == "CreateEndpoint"
    return owner, str(call["operation"]), "" if is_endpoint else json.dumps(content, sort_keys=True)


def moved_twice(calls: Carried) -> list[str]:
    """An endpoint is moved to a configuration once, unless it was moved elsewhere in between."""
    at: dict[str, str] = {}
    complaints = []
    for call in calls.of("CreateEndpoint", "UpdateEndpoint"):
        config = call["request"]["EndpointConfigName"]
        if call["operation"] == "UpdateEndpoint" and at.get(call["resource"]) == config:
            complaints.append(f"{call['resource']} was moved to {config} twice")
        at[call["resource"]] = config
    return complaints


def _not_as_asked(population: Population, calls: Carried) -> list[str]:
    """What AWS has is what the specs say."""
    bodies, aws = population.objects.all(), at_aws(population, calls)
    found = {name: not_as_asked(name.kind, body, population.ends[name], aws) for name, body in bodies.items()}
    return [f"{name}: {words}" for name, words in found.items() if words]


def at_aws(population: Population, calls: Carried) -> AtAws:
    """All that there is at AWS, as AWS says."""
    world = population.world
    resources = world.aws.resources()
    accounts = {one["account"] for one in resources}
    clients = {account: world.client("sagemaker", role=root_role_of(account)) for account in accounts}
    endpoints = [one for one in resources if one["kind"] == "endpoints"]
    statuses = {name: body.get("status", {}) for name, body in population.objects.all().items()}
    return AtAws(
        resources=resources,
        endpoints={
            one["name"]: clients[one["account"]].describe_endpoint(EndpointName=one["name"]) for one in endpoints
        },
        requests={operation: calls.requests(operation) for operation in _MAKING},
        artifacts={
            name.name: status.get("modelArtifacts", {}).get("s3Uri", "")
            for name, status in statuses.items()
            if name.kind == "ctrain"
        },
    )


def told_twice(events: list[Json]) -> list[str]:
    """Each transition is an Event once: none follows one that says the same of the same object."""
    last: dict[str, Any] = {}
    complaints = []
    for event in sorted(events, key=lambda event: str(event["eventTime"])):
        key, said = event["regarding"]["uid"], (event["reason"], event["note"])
        if last.get(key) == said:
            complaints.append(f"{event['regarding']['name']} was told twice: {said}")
        last[key] = said
    return complaints


def is_about_nothing(denial: Json) -> bool:
    """Whether it was denied to change what is gone: on that there is no owner's tag, which the policies ask for."""
    is_change = denial["action"].partition(":")[2].startswith(("Delete", "Stop", "Update"))
    return is_change and not any(key.startswith("aws:ResourceTag/") for key in denial["context"])


def is_about_another_account(denial: Json) -> bool:
    """Whether a role was to be passed that is of another account than the caller: no policy can allow that."""
    return denial["action"] == "iam:PassRole" and account_in(denial["resource"]) != account_in(denial["principal"])
