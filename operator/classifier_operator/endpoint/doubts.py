"""What is probably a mistake in a spec, though it is served as it is: said by an Event, once, and in the status.

Pure. Which number of classes a model has, its training's spec only suggests: a later run may have another one.
"""

from __future__ import annotations

from msgspec import structs

from classifier_operator.endpoint.record import EndpointStatus
from classifier_operator.endpoint.situation import Endpoint
from classifier_operator.endpoint.variants import asked_for


def with_doubts(endpoint: Endpoint, status: EndpointStatus) -> EndpointStatus:
    """Return the status with what is doubtful now.

    Of trainings that cannot be listed at the moment nothing is known: what was doubtful stays so.
    """
    if not endpoint.knows_trainings:
        return structs.replace(status, warnings=endpoint.status.warnings)
    return structs.replace(status, warnings=_about_labels(endpoint))


def _about_labels(endpoint: Endpoint) -> tuple[str, ...]:
    """Trainings with another number of classes than there are labels; a ConfigMap's the smoke test counts."""
    labels = endpoint.spec.class_labels.values if endpoint.spec.class_labels is not None else ()
    if not labels:
        return ()
    names = sorted({asked.training for asked in asked_for(endpoint.spec)} & endpoint.trained.keys())
    counts = {name: endpoint.trained[name].classes for name in names}
    return tuple(
        f"spec.classLabels.values has {len(labels)} names, and ClassifierTraining {name} has numClasses {count}: write "
        f"one name for each class, in the order of the classes"
        for name, count in counts.items()
        if count not in (0, len(labels))
    )
