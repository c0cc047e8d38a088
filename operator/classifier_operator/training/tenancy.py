"""What a ClassifierTraining uses of AWS, and what is done about one whose namespace may not use that.

The allow-list is about what is begun. A job that runs already goes on: it is followed, and its end is recorded. A run
that has ended stays what it is.
"""

from __future__ import annotations

from classifier_operator.api.conditions import Reason, stalled
from classifier_operator.api.ledger import Resource, resources_in
from classifier_operator.reconcile.decision import Decision, Defaults
from classifier_operator.reconcile.tenants import Use, machine, placed, stored
from classifier_operator.sagemaker.views import JOB_ENDED, JobView, Unseen
from classifier_operator.training import status as report
from classifier_operator.training.situation import Situation, TrainingDecision
from classifier_operator.training.spec import TrainingSpec


def uses_of(spec: TrainingSpec, defaults: Defaults) -> tuple[Use, ...]:
    """What the run that the spec asks for uses.

    Raises:
        SpecError: a region or a role is missing.

    """
    inputs = [
        stored(f"spec.inputs[{one.name}].s3Uri", one.s3_uri, is_prefix=one.s3_data_type == "S3Prefix")
        for one in spec.inputs
    ]
    checkpoints = spec.spot.checkpoint_s3_uri if spec.spot else ""
    return (
        *placed(spec.region, spec.role_arn, spec.assume_role_arn, defaults),
        *machine("spec.resources.instanceType", spec.resources.instance_type),
        *(use for uses in inputs for use in uses),
        *stored("spec.output.s3Uri", spec.output.s3_uri, is_prefix=True),
        *stored("spec.spot.checkpointS3Uri", checkpoints, is_prefix=True),
    )


def refused(at: Situation) -> TrainingDecision:
    """Nothing is begun; what was begun before, under other rules or by another spec, goes on."""
    job = _job_on_record(at)
    view = at.seen.of(job) if job is not None else Unseen.ABSENT
    if job is not None and isinstance(view, JobView) and view.is_moving:
        words = f"{at.refusal}; training job {job.name}, which was begun before, goes on"
        verdict = stalled(Reason.NOT_ALLOWED, words)
        return Decision(status=at.says(verdict, report.with_job(at.status, view)), follow=frozenset({job}))
    is_to_be_seen = job is not None and view is Unseen.UNKNOWN and at.status.job_status not in JOB_ENDED
    status = at.says(stalled(Reason.NOT_ALLOWED, at.refusal))
    return Decision(status=status, follow=frozenset({job}) if job is not None and is_to_be_seen else frozenset())


def _job_on_record(at: Situation) -> Resource | None:
    """The latest job that was made, or that may have been."""
    return next((one for one in resources_in(at.status.resources) if one.name == at.status.job_name), None)
