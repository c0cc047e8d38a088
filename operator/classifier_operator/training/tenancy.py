"""What a ClassifierTraining uses of AWS, and what is done about one whose namespace may not use that.

The allow-list is about what is begun. A job that runs already goes on: it is followed, and its end is recorded. A run
that has ended stays what it is.
"""

from __future__ import annotations

from classifier_operator.api.conditions import Reason, stalled
from classifier_operator.api.ledger import resources_in
from classifier_operator.reconcile.decision import Decision, Defaults
from classifier_operator.reconcile.tenants import Use, machine, placed, stored
from classifier_operator.reconcile.walls import note_of
from classifier_operator.sagemaker.views import Unseen
from classifier_operator.training.importing import uploads_in
from classifier_operator.training.leftovers import going_on
from classifier_operator.training.situation import Situation, TrainingDecision
from classifier_operator.training.spec import TrainingSpec, TrainingStatus


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


def beyond_of(status: TrainingStatus, defaults: Defaults) -> str:
    """What to say of jobs and uploads on record that are beyond the namespace's wall; "" where none is."""
    uploads = (one.resource for one in uploads_in(status))
    return note_of([*resources_in(status.resources), *uploads], defaults)


def refused(at: Situation) -> TrainingDecision:
    """Nothing is begun; what was begun before, under other rules or by another spec, goes on."""
    status, follow = going_on(at.status, at.seen)
    running = [one.name for one in follow if at.seen.of(one) is not Unseen.UNKNOWN]
    note = f"; training job {running[0]}, which was begun before, goes on" if running else ""
    return Decision(status=at.says(stalled(Reason.NOT_ALLOWED, at.refusal + note), status), follow=follow)
