"""Lives of a ClassifierEndpoint, and of the trainings that it follows."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from classifier_operator.api.kinds import ADOPT_ANNOTATION, OBJECT_TAG, RETRAIN_ANNOTATION, UID_TAG, Kind, ObjectKey
from classifier_operator.api.ledger import Place
from tests.properties import shapes
from tests.properties.account import THEIR_CONFIG, THEIR_MODEL, Described, Key, of_object
from tests.properties.lives import REFUSALS, Body, Life
from tests.properties.trainings import JOB_OUTCOMES, OUTPUTS, VALUES
from tests.unit import builders

HOME = Place(builders.REGION)
ROLLED_BACK = st.sampled_from(["", "alarm", "CapacityError: Unable to provision requested ML compute capacity."])
FAILED = st.sampled_from(
    [
        "The container did not pass the ping health check.",
        "Request to service failed. If failure persists after retry, contact customer support.",
        "CapacityError: Unable to provision requested ML compute capacity.",
    ]
)
THEIR_OWNER = {UID_TAG: "another", OBJECT_TAG: "ClassifierEndpoint/other/one"}
# AWS knows no way from machines to none. Once something else was said meanwhile, the second is what is left to say.
REFUSED_KIND = ("InvalidSpec", "RolledBack")
CAPTURE = {"s3Uri": "s3://bucket/captured", "samplingPercent": 10}


class EndpointEdits(Life):
    """A ClassifierEndpoint that its user edits, with trainings that are edited too."""

    def __init__(self, make: Any) -> None:
        # Adopted by an annotation that was changed: nothing deletes them.
        self.let_go: set[Key] = set()
        # The scalable targets that they kept, which nobody's ledger names any more.
        self.kept_targets: set[str] = set()
        super().__init__(make)

    def first(self) -> Body:
        return builders.endpoint()

    def content(self, body: Body) -> Any:
        spec = copy.deepcopy(body["spec"])
        for name in ("instanceCount", "tags", "deletionPolicy", "rollout", "smokeTest", "autoscaling"):
            spec.pop(name, None)
        for variant in spec.get("variants", ()):
            for name in ("instanceCount", "weight", "autoscaling"):
                variant.pop(name, None)
        return None if spec.pop("suspend", False) else spec

    def ask_for_something_new(self) -> None:
        self.edit(lambda body: body["metadata"].pop("annotations", None))
        self.edit(lambda body: self._asks_anew(body["spec"]))

    def can_be_found(self, status: Body) -> bool:
        """In the regions that it names or the spec does; an endpoint by a name that can be known."""
        ledger = {(one["region"], one["type"], one["name"]) for one in status.get("resources", ())}
        own = self.own()
        regions = {region for region, _, _ in ledger} | {self.spec["region"]}
        annotated = self.body["metadata"].get("annotations", {}).get(ADOPT_ANNOTATION)
        adopted = [name for (place, kind, name) in own if kind == "Endpoint" and "-" not in name]
        known = all(name == annotated or (HOME.region, "Endpoint", name) in ledger for name in adopted)
        return {key[0].region for key in own} <= regions and known

    def may_stay(self, found: dict[Key, Described], policy: str) -> bool:
        return policy == "Retain" or not found

    def _asks_anew(self, spec: Body) -> None:
        spec.pop("suspend", None)
        shapes.with_one(spec, {"model": {"artifactS3Uri": shapes.NEW}}, "ml.m5.large")

    # The user

    @rule(source=shapes.SOURCES, instance_type=shapes.TYPES)
    def serves_one(self, source: Body, instance_type: str) -> None:
        self.edit(lambda body: shapes.with_one(body["spec"], source, instance_type))

    @rule(variants=shapes.VARIANTS)
    def serves_several(self, variants: list[Body]) -> None:
        self.edit(lambda body: shapes.with_several(body["spec"], variants))

    @rule(source=shapes.SOURCES, serverless=shapes.SERVERLESS)
    def serves_without_machines(self, source: Body, serverless: Body) -> None:
        self.edit(lambda body: shapes.with_serverless(body["spec"], source, serverless))

    @rule(at=st.integers(0, 2), source=shapes.SOURCES)
    def one_model_changes(self, at: int, source: Body) -> None:
        def change(one: Body) -> None:
            one.pop("model", None)
            one.pop("trainingRef", None)
            one.update(copy.deepcopy(source))

        self._one_changes(at, change)

    @rule(at=st.integers(0, 2), count=shapes.COUNTS)
    def is_scaled(self, at: int, count: int | None) -> None:
        self._one_changes(at, lambda one: one.update(instanceCount=count) if count else one.pop("instanceCount", None))

    @rule(at=st.integers(0, 2), weight=shapes.WEIGHTS)
    def a_weight_changes(self, at: int, weight: int) -> None:
        self._one_changes(at, lambda one: one.update(weight=weight) if "name" in one else None)

    @rule(at=st.integers(0, 2), name=st.sampled_from(["a", "b", "c", "d"]))
    def a_variant_is_renamed(self, at: int, name: str) -> None:
        if self.is_alive and name not in [one.get("name") for one in shapes.machines(self.spec)]:
            self._one_changes(at, lambda one: one.update(name=name) if "name" in one else None)

    @rule(at=st.integers(0, 2), autoscaling=shapes.AUTOSCALING)
    def one_is_autoscaled(self, at: int, autoscaling: Body | None) -> None:
        if autoscaling:
            self._one_changes(at, lambda one: one.update(autoscaling=autoscaling))

    @rule(autoscaling=shapes.AUTOSCALING)
    def autoscaling_changes(self, autoscaling: Body | None) -> None:
        def change(body: Body) -> None:
            for one in [body["spec"], *body["spec"].get("variants", ())]:
                one.pop("autoscaling", None)
            if autoscaling:
                body["spec"]["autoscaling"] = dict(autoscaling)
            shapes.make_valid(body["spec"])

        self.edit(change)

    @rule(rollout=shapes.ROLLOUTS, smoke_test=shapes.SMOKE_TESTS)
    def the_way_changes(self, rollout: Body | None, smoke_test: Body | None) -> None:
        def change(body: Body) -> None:
            for name, value in (("rollout", rollout), ("smokeTest", smoke_test)):
                body["spec"].pop(name, None)
                body["spec"] |= {name: copy.deepcopy(value)} if value else {}
            shapes.make_valid(body["spec"])

        self.edit(change)

    @rule(captured=st.booleans())
    def data_is_captured(self, captured: bool) -> None:
        def change(body: Body) -> None:
            body["spec"].pop("dataCapture", None)
            body["spec"] |= {"dataCapture": dict(CAPTURE)} if captured else {}
            shapes.make_valid(body["spec"])

        self.edit(change)

    @rule(policy=st.sampled_from(["Delete", "Delete", "Retain"]))
    def deletion_policy_changes(self, policy: str) -> None:
        self.change(deletionPolicy=policy)

    # The trainings, and who runs them

    @rule(name=st.sampled_from(shapes.TRAININGS), output=OUTPUTS)
    def a_training_changes(self, name: str, output: str) -> None:
        key = _training(name)
        if key not in self.cluster.objects:
            if self.is_away:
                return
            self.cluster.create(builders.training(name, output={"s3Uri": output}))
        elif "deletionTimestamp" not in self.cluster.objects[key]["metadata"]:
            self.cluster.edit(key, lambda body: body["spec"].update(output={"s3Uri": output}))
        self.asked += 1

    @rule(name=st.sampled_from(shapes.TRAININGS), value=VALUES)
    def a_training_is_repeated(self, name: str, value: str) -> None:
        key = _training(name)
        if key in self.cluster.objects:
            self.cluster.edit(key, lambda body: body["metadata"].update(annotations={RETRAIN_ANNOTATION: value}))
            self.asked += 1

    @rule(name=st.sampled_from(shapes.TRAININGS))
    def a_training_is_deleted(self, name: str) -> None:
        if _training(name) in self.cluster.objects:
            self.cluster.delete(_training(name))

    def _one_changes(self, at: int, change: Any) -> None:
        def changed(body: Body) -> None:
            ones = shapes.machines(body["spec"])
            if ones:
                change(ones[at % len(ones)])
            shapes.make_valid(body["spec"])

        self.edit(changed)

    # What holds

    @invariant()
    def no_target_is_there_that_no_object_names(self) -> None:
        named = {name for _, kind, name in self.ledger() if kind == "ScalableTarget"} if self.is_there else set()
        let_go = {key[2] for key in self.still_let_go()}
        targets = set(self.account.targets())
        self.kept_targets -= named
        # An adopted endpoint that is still there when its object is gone was let go of, since tenants must not have it.
        left = let_go if self.is_there else let_go | {"mine", "yours"}
        self.kept_targets |= {target for target in targets if target.split("/")[1] in left}
        if not (self.is_there and self.is_forgetful):
            assert targets <= named | self.retained | self.kept_targets, targets

    def still_let_go(self) -> set[Key]:
        """Return the endpoints that were let go of and not adopted again; a changed annotation alone adopts nothing."""
        if self.is_there:
            adopted = self.status.get("adopted", {})
            named = self.body["metadata"].get("annotations", {}).get(ADOPT_ANNOTATION, "")
            self.let_go = {key for key in self.let_go if not key[2] == named == adopted.get("name")}
        return self.let_go

    def settled(self) -> None:
        reconciling, stalled = self.condition("Reconciling"), self.condition("Stalled")
        if self.spec.get("suspend"):
            assert self.condition("Ready") == ("False", "Suspended"), self.status
            assert (reconciling, stalled, self.own(), self.ledger()) == (None, None, {}, set())
        elif reconciling is not None:
            assert reconciling == ("True", "WaitingForTraining"), self.status
            assert any(self._lacks_a_model(name) for name in self._followed())
        elif stalled is not None:
            self.is_excused(stalled[1])
        else:
            self.is_as_asked()

    def is_excused(self, reason: str) -> None:
        """AWS knows no way from machines to none: nothing else is refused in this life."""
        assert "serverless" in self.spec, self.status
        assert reason in REFUSED_KIND, self.status

    def is_as_asked(self) -> None:
        status, spec = self.status, self.spec
        assert self.condition("Ready") == ("True", "InService"), status
        assert (self.condition("Reconciling"), self.condition("Stalled")) == (None, None), status
        assert status["observedGeneration"] == self.body["metadata"]["generation"]
        # What an endpoint that was let go of may refer to is nothing of what serves.
        kept = {(one["region"], one["type"], one["name"]) for one in status.get("letGo", ())}
        place, own = Place(spec["region"]), {key: one for key, one in self.own().items() if _entry(key) not in kept}
        (endpoint,) = [key for key in own if key[1] == "Endpoint"]
        (config,) = [key for key in own if key[1] == "EndpointConfig"]
        live = own[endpoint]
        assert (endpoint[0], endpoint[2]) == (place, status["endpointName"])
        assert live["EndpointStatus"] == "InService"
        assert status["endpointArn"] == live["EndpointArn"]
        host = f"runtime.sagemaker.{place.region}.amazonaws.com"
        assert status["url"] == f"https://{host}/endpoints/{endpoint[2]}/invocations"
        assert live["EndpointConfigName"] == config[2] == status["endpointConfigName"]
        served = {one["VariantName"]: one for one in own[config]["ProductionVariants"]}
        models = {one["ModelName"] for one in served.values()}
        own |= {key: one for key, one in self.own().items() if key[1] == "Model" and key[2] in models}
        assert {key[2] for key in own if key[1] == "Model"} == models
        assert {key[0] for key in own} == {place}
        refusals = [one for one in status.get("refusedAccelerators", ()) if one["region"] == place.region]
        asked = shapes.asked_for(spec, {one["acceleratorType"] for one in refusals})
        shown = {one["VariantName"]: one for one in live["ProductionVariants"]}
        assert asked.keys() == served.keys() == shown.keys()
        for name, one in asked.items():
            self._serves(one, served[name], shown[name])
        self._scales(endpoint[2], asked)
        targets = {("ScalableTarget", target) for target in self.account.targets() if endpoint[2] in target}
        targets -= {("ScalableTarget", target) for target in self.kept_targets} - {one[1:] for one in self.ledger()}
        assert {key[1:] for key in own} | targets == {one[1:] for one in self.ledger() if self._counts(one, kept, own)}
        for key in own:
            assert spec.get("tags", {}).items() <= self.account.tags(key).items(), key

    def _counts(self, entry: tuple[str, str, str], kept: set[tuple[str, str, str]], own: dict[Key, Described]) -> bool:
        return entry not in kept or entry in {_entry(key) for key in own}

    def _serves(self, asked: shapes.Asked, served: Described, live: Described) -> None:
        place = Place(self.spec["region"])
        model = self.account.resources()[place, "Model", served["ModelName"]]
        artifact = model["PrimaryContainer"]["ModelDataUrl"]
        self._is_the_model(asked, artifact)
        machine = (
            served["ServerlessConfig"]["MemorySizeInMB"] if "ServerlessConfig" in served else served["InstanceType"]
        )
        assert (machine, served.get("AcceleratorType", "")) == (asked.machines, asked.accelerator)
        assert live["DesiredWeight"] == live["CurrentWeight"] == asked.weight
        if asked.counts is not None:
            assert asked.counts[0] <= live["DesiredInstanceCount"] <= asked.counts[1]
            assert live["DesiredInstanceCount"] == live["CurrentInstanceCount"]
        assert artifact in self.account.bad_artifacts or self._says_what_is_served(served, artifact, live)

    def _says_what_is_served(self, served: Described, artifact: str, live: Described) -> bool:
        (one,) = [one for one in self.status["variants"] if one["name"] == served["VariantName"]]
        counts = one.get("currentInstanceCount", 0), one.get("desiredInstanceCount", 0)
        shown = live.get("CurrentInstanceCount") or 0, live.get("DesiredInstanceCount") or 0
        assert (one["modelName"], one["artifactS3Uri"], counts) == (served["ModelName"], artifact, shown), one
        return True

    def _is_the_model(self, asked: shapes.Asked, artifact: str) -> None:
        if not asked.training:
            assert artifact == asked.artifact
            return
        answer = self._model_of(asked.training)
        if answer:
            assert artifact == answer
        else:
            # The training is gone, or has lost it: its last model serves on.
            assert f"vision-{asked.training}-" in artifact

    def _scales(self, endpoint: str, asked: dict[str, shapes.Asked]) -> None:
        wanted = {
            f"endpoint/{endpoint}/variant/{name}": one.scaling for name, one in asked.items() if one.scaling is not None
        }
        found = {
            name: (one["low"], one["high"], one["aim"])
            for name, one in self.account.targets().items()
            if name.split("/")[1] == endpoint
        }
        assert wanted == {name: one for name, one in found.items() if name in wanted or name not in self.kept_targets}

    def _followed(self) -> list[str]:
        ones = [*shapes.machines(self.spec), self.spec]
        return [one["trainingRef"]["name"] for one in ones if "trainingRef" in one]

    def _lacks_a_model(self, name: str) -> bool:
        return not self._model_of(name)

    def _model_of(self, name: str) -> str:
        body = self.cluster.objects.get(_training(name), {})
        model: str = body.get("status", {}).get("modelArtifacts", {}).get("s3Uri", "")
        return model

    def own(self) -> dict[Key, Described]:
        return of_object(self.account, self.uid)


class EndpointLife(EndpointEdits):
    """The same, with what AWS does to it, and with other hands."""

    def __init__(self, make: Any) -> None:
        # Reasons to stall that something in this life has given.
        self.excuses: set[str] = set()
        # What was made by other hands, and has not been taken over.
        self.theirs: set[Key] = set()
        super().__init__(make)
        self.account.bad_artifacts.add(shapes.BAD)

    @rule(refusal=REFUSALS, times=st.integers(1, 4))
    def aws_refuses(self, refusal: tuple[str, str, int], times: int) -> None:
        code, words, status = refusal
        self.account.refuse("*", code, words, status=status, times=times)

    @rule(outcome=JOB_OUTCOMES)
    def next_job_ends(self, outcome: tuple[str, str, str]) -> None:
        self.account.next_job(*outcome)

    @rule(reason=ROLLED_BACK)
    def next_update_is_rolled_back(self, reason: str) -> None:
        self.account.next_update_is_rolled_back(reason)
        self.excuses.add("RolledBack")

    @rule(reason=FAILED)
    def next_endpoint_fails(self, reason: str) -> None:
        self.account.next_endpoint_fails(reason)
        self.excuses.add("EndpointFailed")

    @rule(at=st.integers(0, 2), smoke_test=shapes.SMOKE_TESTS)
    def a_bad_model_is_asked_for(self, at: int, smoke_test: Body | None) -> None:
        self.one_model_changes(at, {"model": {"artifactS3Uri": shapes.BAD}})
        self.change(smokeTest=smoke_test)

    @rule(at=st.integers(0, 2), accelerator=shapes.ACCELERATORS)
    def an_accelerator_is_asked_for(self, at: int, accelerator: Body) -> None:
        def change(one: Body) -> None:
            one.pop("acceleratorType", None)
            one.pop("acceleratorFallback", None)
            one.update(copy.deepcopy(accelerator))

        self._one_changes(at, change)

    @rule(at=st.sampled_from(["", "CreateEndpointConfig", "CreateEndpoint", "Endpoint"]))
    def accelerators_are_refused(self, at: str) -> None:
        self.account.refuse_accelerators(at)

    @rule(count=st.integers(1, 4))
    def aws_scales(self, count: int) -> None:
        for target, bounds in tuple(self.account.targets().items()):
            _, name, _, variant = target.split("/")
            for key in self._endpoints():
                if key[2] == name and bounds["low"] <= count <= bounds["high"]:
                    self.account.scaled_by_aws(key, variant, count)

    # Other hands

    @rule()
    def somebody_deletes_the_endpoint(self) -> None:
        for key in self._endpoints():
            self.account.remove(key)
            self.theirs.discard(key)
            self.let_go.discard(key)

    @rule()
    def somebody_moves_the_endpoint(self) -> None:
        for key in self._endpoints():
            self.account.move(key, "by-hand")
            if (key[0], "EndpointConfig", "by-hand") in self.account.resources():
                self.theirs.add((key[0], "EndpointConfig", "by-hand"))
            # Moved there again while it is being restored, it looks as if AWS had given up, without a reason.
            self.excuses.add("RolledBack")

    @rule(count=st.integers(1, 5), weight=st.integers(0, 5))
    def somebody_scales_the_endpoint(self, count: int, weight: int) -> None:
        for key in self._endpoints():
            for live in self.account.resources()[key].get("ProductionVariants", ()):
                wish = {"DesiredWeight": float(weight)}
                if live.get("DesiredInstanceCount"):
                    wish["DesiredInstanceCount"] = self._in_bounds(key[2], live["VariantName"], count)
                self.account.rescale(key, {"VariantName": live["VariantName"], **wish})

    def _in_bounds(self, endpoint: str, variant: str, count: int) -> int:
        """The count of what AWS scales is not the operator's to correct: it stays within its bounds."""
        target = self.account.targets().get(f"endpoint/{endpoint}/variant/{variant}")
        return int(min(max(count, target["low"]), target["high"])) if target else count

    @rule(name=st.sampled_from(["mine", "yours"]), taken=st.booleans())
    def somebody_has_an_endpoint(self, name: str, taken: bool) -> None:
        # What was taken over keeps its name: nobody else is to have it.
        is_known = self.is_there and self.status.get("adopted", {}).get("name") == name
        if not is_known and (HOME, "Endpoint", name) not in self.account.resources():
            self.account.make_served(HOME, name, THEIR_OWNER if taken else {})
            theirs = {(HOME, "Model", THEIR_MODEL), (HOME, "EndpointConfig", THEIR_CONFIG), (HOME, "Endpoint", name)}
            self.theirs |= theirs & self.account.resources().keys()

    @precondition(lambda self: self.is_there)
    @rule(rounds=st.integers(1, 4), later=st.integers(0, 3))
    def the_annotation_is_corrected(self, rounds: int, later: int) -> None:
        """Soon, or when what it had named serves."""
        for name, count in (("mine", rounds), ("yours", later)):
            self.somebody_has_an_endpoint(name, taken=False)
            self.is_to_adopt(name)
            self.run(count)

    @rule(name=st.sampled_from(["", "mine", "yours", "nobodys"]))
    def is_to_adopt(self, name: str) -> None:
        annotations = {ADOPT_ANNOTATION: name} if name else {}
        adopted = self.status.get("adopted", {}) if self.is_there else {}
        if adopted.get("type") == "Endpoint":
            key = Place(adopted["region"]), "Endpoint", adopted["name"]
            if name in ("", adopted["name"]):
                # It is the object's own, for which another annotation has not changed anything yet.
                self.let_go.discard(key)
            elif key in self.account.resources():
                self.let_go.add(key)
        self.edit(lambda body: body["metadata"].update(annotations=annotations))

    @precondition(lambda self: self.let_go and not self.is_forgetful)
    @invariant()
    def what_was_let_go_of_stays(self) -> None:
        assert self.still_let_go() <= self.account.resources().keys(), self.let_go - self.account.resources().keys()

    @precondition(lambda self: self.theirs)
    @invariant()
    def what_is_theirs_stays(self) -> None:
        resources = self.account.resources()
        uids = {*self.deleted, *([self.uid] if self.is_there else [])}
        taken = {key for key in self.theirs & resources.keys() if self.account.tags(key).get(UID_TAG) in uids}
        assert all(key[1] == "Endpoint" for key in taken)
        self.theirs -= taken
        assert self.theirs <= resources.keys(), self.theirs - resources.keys()

    def is_excused(self, reason: str) -> None:
        spec, status = self.spec, self.status
        excuses = {*self.excuses, *self._standing_excuses()}
        assert reason in excuses, (excuses, status)
        # One more where the object is on its way to another region, or to one that it adopts: until that is good.
        own = {name: one for (_, kind, name), one in self.own().items() if kind == "Endpoint"}
        # And those that the annotation had named before.
        assert len(own) <= 2 + len([one for one in status.get("letGo", ()) if one["type"] == "Endpoint"])
        if self.condition("Ready") == ("True", "ServingPrevious"):
            assert own[status["endpointName"]]["EndpointStatus"] == "InService", status
        assert status["observedGeneration"] == self.body["metadata"]["generation"], spec

    def _standing_excuses(self) -> set[str]:
        """What the spec itself has that AWS, or the smoke test, refuses."""
        spec = self.spec
        found = set(REFUSED_KIND) if "serverless" in spec else set()
        ones = [*shapes.machines(spec), spec]
        if any(one.get("model", {}).get("artifactS3Uri") == shapes.BAD for one in ones):
            found |= {"SmokeTestFailed"} if spec.get("smokeTest") else set()
        if any("acceleratorType" in one and "acceleratorFallback" not in one for one in ones):
            found |= {"AcceleratorUnavailable"} if self.status.get("refusedAccelerators") else set()
        adopted = self.body["metadata"].get("annotations", {}).get(ADOPT_ANNOTATION)
        return found | ({"InvalidSpec", "NameTaken"} if adopted else set())

    def _endpoints(self) -> list[Key]:
        if not self.is_there:
            return []
        return [key for key in self.own() if key[1] == "Endpoint"]


class CountedEndpoint(EndpointEdits):
    """Nothing fails, and AWS is asked for no more than the user has asked for."""

    may_go_back_unseen = False

    def teardown(self) -> None:
        super().teardown()
        effects = self.account.effects()
        assert effects["CreateEndpointConfig"] <= self.asked
        assert effects["CreateEndpoint"] + effects["UpdateEndpoint"] <= self.asked


def _training(name: str) -> ObjectKey:
    return ObjectKey(Kind.TRAINING, "vision", name)


def _entry(key: Key) -> tuple[str, str, str]:
    """As the ledger names it."""
    return key[0].region, key[1], key[2]
