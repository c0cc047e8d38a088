"""What each reason means to whoever reads it: for the documentation, and held against the reasons that there are."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from classifier_operator.api.conditions import Reason
from classifier_operator.api.kinds import Kind

_TRAINING = (Kind.TRAINING,)
_ENDPOINT = (Kind.ENDPOINT,)
_BOTH = (Kind.TRAINING, Kind.ENDPOINT)


class Course(StrEnum):
    """How it goes on from there."""

    ACTS = "acts"  # something is under way, here or at AWS, and ends by itself
    WAITS = "waits"  # asked again with growing pauses, until somebody or something else has acted
    DONE = "done"  # nothing is to be done
    STOPS = "stops"  # not tried again before the spec, or what stands in the way, is changed


class Meaning(NamedTuple):
    """One reason's meaning.

    kinds: those that carry it.
    text: what has happened.
    advice: what to do about it; empty where nothing is to be done.
    """

    kinds: tuple[Kind, ...]
    course: Course
    text: str
    advice: str = ""


MEANINGS = {
    Reason.IMPORTING: Meaning(
        _TRAINING, Course.ACTS, "The files that `inputs[].source` names are being fetched into S3."
    ),
    Reason.STARTING: Meaning(
        _TRAINING, Course.ACTS, "The training job is being created, or SageMaker is preparing its machines."
    ),
    Reason.DOWNLOADING: Meaning(_TRAINING, Course.ACTS, "SageMaker is copying the inputs to the machines."),
    Reason.TRAINING: Meaning(_TRAINING, Course.ACTS, "The algorithm is running."),
    Reason.UPLOADING: Meaning(_TRAINING, Course.ACTS, "SageMaker is writing the model to S3."),
    Reason.STOPPING: Meaning(_TRAINING, Course.ACTS, "The training job has been told to stop."),
    Reason.WAITING_FOR_TRAINING: Meaning(
        _ENDPOINT,
        Course.WAITS,
        "The ClassifierTraining that is to be served does not exist, or has no model yet.",
        "Create it, or look at its own conditions.",
    ),
    Reason.ADOPTING: Meaning(
        _ENDPOINT, Course.ACTS, "What the annotation `classifiers.sagemaker.dev/adopt` names is being taken over."
    ),
    Reason.RELEASING: Meaning(
        _ENDPOINT,
        Course.ACTS,
        "What an earlier annotation `classifiers.sagemaker.dev/adopt` had taken over is let go of: it stays as it is.",
    ),
    Reason.CREATING: Meaning(
        _ENDPOINT, Course.ACTS, "The model, the endpoint configuration and the endpoint are being made."
    ),
    Reason.UPDATING: Meaning(
        _ENDPOINT, Course.ACTS, "The endpoint is moving to another configuration, count or weight, or AWS maintains it."
    ),
    Reason.RESTORING: Meaning(
        _BOTH,
        Course.ACTS,
        "Somebody else has changed or deleted what the operator had made, and it is being put back; or the status was "
        "lost, and is rebuilt from what is at AWS.",
        "Make changes in the spec instead.",
    ),
    Reason.ROLLING_BACK: Meaning(
        _ENDPOINT, Course.ACTS, "An update has failed, by AWS or by the smoke test, and what served before comes back."
    ),
    Reason.SMOKE_TESTING: Meaning(_ENDPOINT, Course.ACTS, "The endpoint is being asked to classify the test's image."),
    Reason.DELETING: Meaning(
        _BOTH,
        Course.ACTS,
        "The object is being deleted or suspended; the message says what it waits for.",
        "See [stuck finalizers](../operations/stuck-finalizers.md) if it does not end.",
    ),
    Reason.WAITING_FOR_CAPACITY: Meaning(
        _BOTH,
        Course.WAITS,
        "AWS has no machines of this instance type at the moment.",
        "Wait, or choose another instance type or region.",
    ),
    Reason.WAITING_FOR_QUOTA: Meaning(
        _BOTH,
        Course.WAITS,
        "A service quota of the account does not allow it.",
        "Have the quota raised, or free what counts against it.",
    ),
    Reason.WAITING_FOR_DATA: Meaning(
        _BOTH,
        Course.WAITS,
        "Data, a bucket, a model archive, an image or what a smoke test needs does not exist yet, or the role "
        "may not list it. It is looked for every five minutes at most; an endpoint that serves goes on serving.",
        "Put it where the message says, or allow the role `s3:ListBucket`.",
    ),
    Reason.THROTTLED: Meaning(
        _BOTH,
        Course.WAITS,
        "AWS has throttled the operator's calls for more than half a minute.",
        "Wait; see [tuning](../operations/tuning.md) if it is often.",
    ),
    Reason.ACCESS_PENDING: Meaning(
        _BOTH,
        Course.WAITS,
        "A role or a permission is missing, or has not taken effect yet.",
        "Wait for five minutes at most: after that it becomes AccessDenied.",
    ),
    Reason.AWS_UNAVAILABLE: Meaning(
        _BOTH, Course.WAITS, "AWS does not answer, or answers with errors of its own.", "Wait."
    ),
    Reason.ACCOUNT_MISMATCH: Meaning(
        _BOTH,
        Course.WAITS,
        "The operator's credentials are of another AWS account than what the object has. Nothing is made, changed, "
        "deleted or believed.",
        "Give the operator credentials of that account again; "
        "see [moving to another account](../concepts/accounts.md#another-account).",
    ),
    Reason.INTERNAL_ERROR: Meaning(
        _BOTH,
        Course.WAITS,
        "The operator met an error that nobody has foreseen. What is at AWS stays as it is, and so does Ready.",
        "Report it, with the traceback from the operator's log; change what was changed last.",
    ),
    Reason.COMPLETED: Meaning(_TRAINING, Course.DONE, "The last run of this spec is complete, and its model is there."),
    Reason.IN_SERVICE: Meaning(_ENDPOINT, Course.DONE, "The endpoint serves what the spec says."),
    Reason.SERVING_PREVIOUS: Meaning(
        _ENDPOINT,
        Course.STOPS,
        "The endpoint serves, but not what the spec says now: Stalled says why.",
        "Mend what Stalled names.",
    ),
    Reason.SUSPENDED: Meaning(_BOTH, Course.DONE, "`spec.suspend` is true.", "Set it to false to go on."),
    Reason.SUPERSEDED: Meaning(
        _TRAINING, Course.DONE, "In the history only: the run was given up because the spec asked for another one."
    ),
    Reason.JOB_FAILED: Meaning(
        _TRAINING,
        Course.STOPS,
        "The training job failed, by its data, its hyperparameters or its container, or its retries are used up.",
        "Read the message and `kubectl classifier logs`; change the spec, or set the retrain annotation.",
    ),
    Reason.JOB_STOPPED: Meaning(
        _TRAINING,
        Course.STOPS,
        "Somebody stopped the training job at AWS.",
        "Set the retrain annotation for a new run.",
    ),
    Reason.JOB_LOST: Meaning(
        _TRAINING,
        Course.STOPS,
        "The training job no longer exists at AWS. It is not run again by itself, because that costs money.",
        "Set the retrain annotation for a new run.",
    ),
    Reason.MAX_RUNTIME_EXCEEDED: Meaning(
        _TRAINING,
        Course.STOPS,
        "The run took longer than `spec.stopping.maxRuntimeSeconds`.",
        "Allow more time, or ask for less work.",
    ),
    Reason.MAX_WAIT_TIME_EXCEEDED: Meaning(
        _TRAINING,
        Course.STOPS,
        "The spot run took longer than `spec.spot.maxWaitSeconds`, waiting included.",
        "Allow more time, or leave `spec.spot` out.",
    ),
    Reason.INVALID_SPEC: Meaning(
        _BOTH,
        Course.STOPS,
        "AWS refuses what the spec asks for, or a field cannot be acted on.",
        "Correct the field or value that the message names.",
    ),
    Reason.NOT_ALLOWED: Meaning(
        _BOTH,
        Course.STOPS,
        "The platform team forbids it: what the namespace has made "
        "[final](../concepts/accounts.md#defaults-that-are-final), what [tenants](../concepts/tenants.md) may use, or "
        "where inputs are from.",
        "Use what the message names as allowed, or have the annotations or the operator's settings changed.",
    ),
    Reason.ACCESS_DENIED: Meaning(
        _BOTH,
        Course.STOPS,
        "A role or a permission has been missing for more than five minutes. It is still tried, at long intervals.",
        "Grant what the message names; the object goes on by itself.",
    ),
    Reason.NAME_TAKEN: Meaning(
        _BOTH,
        Course.STOPS,
        "A resource of the needed name exists at AWS and belongs to somebody else; it is not touched.",
        "Delete it, or [adopt](../concepts/ownership.md#adoption) it if it has no owner. "
        "It is looked at again when the operator starts.",
    ),
    Reason.ROLLED_BACK: Meaning(
        _ENDPOINT,
        Course.STOPS,
        "AWS took the update back; what served before serves.",
        "Read the message and the endpoint's logs; change the spec or train again.",
    ),
    Reason.SMOKE_TEST_FAILED: Meaning(
        _ENDPOINT,
        Course.STOPS,
        "The answer to the smoke test was not what it expects.",
        "Read `status.smokeTest`; mend the model, the labels or the expectation.",
    ),
    Reason.ENDPOINT_FAILED: Meaning(
        _ENDPOINT,
        Course.STOPS,
        "SageMaker could not start the endpoint, and not for lack of machines or by a fault of its own.",
        "Read the message and the endpoint's logs; change the spec.",
    ),
    Reason.OUT_OF_SERVICE: Meaning(
        _ENDPOINT,
        Course.STOPS,
        "SageMaker says that the endpoint does not serve and cannot be updated as it is.",
        "Change the spec: the endpoint is then moved to it.",
    ),
    Reason.ACCELERATOR_UNAVAILABLE: Meaning(
        _ENDPOINT,
        Course.STOPS,
        "AWS refuses the Elastic Inference accelerator, and there is no fallback.",
        "See [Elastic Inference](../concepts/elastic-inference.md).",
    ),
    Reason.UPDATE_ROLLBACK_FAILED: Meaning(
        _ENDPOINT,
        Course.STOPS,
        "An update failed, and AWS could not take it back: parts of both configurations serve.",
        "Change the spec: the endpoint is then moved to it.",
    ),
    Reason.PROBABLE_MISTAKE: Meaning(
        _ENDPOINT,
        Course.DONE,
        "An Event only, once for each: something in the spec is probably not meant, such as another number of "
        "`classLabels` than the training has classes. It is done as the spec says, and is in `status.warnings`.",
        "Correct the field that the Event names, if it is a mistake.",
    ),
}
