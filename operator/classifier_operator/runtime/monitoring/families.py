"""Every metric that the operator has: its name, what it counts, by which labels. The page about them is made of this.

Label values are bounded by what the operator itself can say (operations, outcomes, reasons); only the families that are
marked as of objects grow with their number. No label is named as one that Prometheus gives to what it scrapes
(`service`, `endpoint`, `pod`, `instance`, `job`), but for `namespace`, which is the object's, as in kube-state-metrics.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

PREFIX = "classifier_operator"


class Type(StrEnum):
    """What kind of metric it is."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


_ENDINGS = {Type.COUNTER: "_total", Type.INFO: "_info"}


class Family(Struct, frozen=True):
    """One metric.

    is_of_objects: it has a series for each object, which `--no-object-metrics` leaves out.
    """

    name: str
    type: Type
    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    is_of_objects: bool = False

    @property
    def base_name(self) -> str:
        """The name without what the type adds to it."""
        return f"{PREFIX}_{self.name}"

    @property
    def full_name(self) -> str:
        """The name in queries; a histogram's series add `_bucket`, `_sum` and `_count` to it."""
        return f"{self.base_name}{_ENDINGS.get(self.type, '')}"


# AWS answers most calls within a second; boto3 waits for 70 at most. A smoke test's invocation takes what it takes.
_CALL_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 70.0)
_WAIT_SECONDS = (0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_SWEEP_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0)
_AGE_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_LAG_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

AWS_CALLS = Family(
    "aws_calls",
    Type.COUNTER,
    "Calls to AWS by outcome: ok, Interrupted (by the operator's end), or what the refusal means, e.g. Throttled or "
    "AccessDenied. STS is counted as it is asked for credentials, also when a failure does no harm yet.",
    ("aws_service", "operation", "region", "outcome"),
)
AWS_CALL_SECONDS = Family(
    "aws_call_seconds",
    Type.HISTOGRAM,
    "How long AWS took to answer, in seconds, without the wait for the rate limiter. ReceiveMessage waits for events, "
    "up to 20.",
    ("aws_service", "operation"),
    _CALL_SECONDS,
)
AWS_RETRIES = Family(
    "aws_retries",
    Type.COUNTER,
    "Requests that were sent again within a call: by botocore, or with new credentials. Refused calls come again from "
    "the queue, as calls of their own.",
    ("aws_service", "operation"),
)
AWS_CREDENTIAL_FAILURES = Family(
    "aws_credential_failures",
    Type.COUNTER,
    "Credentials that could not be got, by where they come from: the STS operation, or `chain` where there were none "
    "to be found.",
    ("source", "outcome"),
)
AWS_CALLS_WAITING = Family("aws_calls_waiting", Type.GAUGE, "Calls that wait for the rate limiter.")
AWS_CALLS_IN_FLIGHT = Family("aws_calls_in_flight", Type.GAUGE, "Calls that AWS, or a thread for them, is waited for.")
AWS_LIMIT_WAIT_SECONDS = Family(
    "aws_limit_wait_seconds",
    Type.HISTOGRAM,
    "How long calls waited for the rate limiter, in seconds.",
    ("aws_service",),
    _WAIT_SECONDS,
)
AWS_CALL_RATE = Family(
    "aws_call_rate",
    Type.GAUGE,
    "Calls a second that the rate limiter allowed when the operation was last called, as found out by what AWS says.",
    ("operation", "region"),
)
EVENTS_RECEIVED = Family(
    "events_received",
    Type.COUNTER,
    "Messages from `--events-queue` by what became of them: used (something was looked at), unclaimed (nobody here "
    "cares for it), malformed (no state change of SageMaker's). All of them are deleted.",
    ("outcome",),
)
EVENTS_AGE_SECONDS = Family(
    "events_age_seconds",
    Type.HISTOGRAM,
    "How old SageMaker's events were when they arrived, in seconds; AWS tells their time by the second.",
    buckets=_AGE_SECONDS,
)
ACCOUNT_MISMATCHES = Family(
    "account_mismatches",
    Type.GAUGE,
    "Objects that wait because the operator's credentials are of another AWS account than what they have (their reason "
    "is AccountMismatch).",
)
KUBERNETES_WRITES = Family(
    "kubernetes_writes",
    Type.COUNTER,
    "Writes to the Kubernetes API by what was written (object, status, event) and how that went (ok, conflict, gone, "
    "clusterunavailable, or interrupted: the answer was not waited for).",
    ("what", "status"),
)
KUBERNETES_EVENTS_DROPPED = Family(
    "kubernetes_events_dropped",
    Type.COUNTER,
    "Events on objects that were not published, by why: full (too many waited), timeout, unavailable, conflict, gone "
    "(with the namespace), ended (the operator did), error. The log has what they tell.",
    ("reason",),
)
QUEUE_DEPTH = Family("queue_depth", Type.GAUGE, "Objects that wait for a pass.")
QUEUE_OLDEST_AGE_SECONDS = Family(
    "queue_oldest_age_seconds", Type.GAUGE, "How long the one that waits longest has waited, in seconds; 0 with none."
)
QUEUE_WORKING = Family("queue_working", Type.GAUGE, "Objects that are being worked on.")
QUEUE_SCHEDULED = Family("queue_scheduled", Type.GAUGE, "Objects that come again at a time of their own.")
QUEUE_WAIT_SECONDS = Family(
    "queue_wait_seconds",
    Type.HISTOGRAM,
    "How long objects waited for their pass, in seconds.",
    buckets=_WAIT_SECONDS,
)
PASSES = Family(
    "passes",
    Type.COUNTER,
    "Passes over objects by result (ok, conflict, gone, unavailable, error).",
    ("kind", "result"),
)
UNEXPECTED_ERRORS = Family(
    "unexpected_errors",
    Type.COUNTER,
    "Errors that nobody has foreseen, by where: pass (the object says InternalError), sweep, namespaces, resync. What "
    "has failed is tried again, and the log has the traceback.",
    ("where",),
)
PASS_SECONDS = Family(
    "pass_seconds",
    Type.HISTOGRAM,
    "How long a pass over an object took, in seconds, calls to AWS included.",
    ("kind",),
    _WAIT_SECONDS,
)
OLDEST_PASS_SECONDS = Family(
    "oldest_pass_seconds", Type.GAUGE, "How long the pass that takes longest has taken, in seconds; 0 with none."
)
STUCK_PASS_SECONDS = Family(
    "stuck_pass_seconds",
    Type.GAUGE,
    "How long passes have taken that take longer than five minutes, in seconds; the ten oldest.",
    ("kind", "namespace", "name"),
)
SWEEP_SECONDS = Family(
    "sweep_seconds", Type.HISTOGRAM, "How long a sweep over AWS took, in seconds.", buckets=_SWEEP_SECONDS
)
LAST_SWEEP = Family(
    "last_sweep_timestamp_seconds",
    Type.GAUGE,
    "When the last sweep over AWS ended, in Unix time; before the first one, when the process started.",
)
IMPORT_BYTES = Family("import_bytes", Type.COUNTER, "Bytes of inputs that were put into S3.")
IMPORTS = Family(
    "imports",
    Type.GAUGE,
    "Transfers of inputs into S3 by what they are at (looking, queued, waiting, opening, recording, fetching, "
    "in_place, failed); those of finished runs are forgotten.",
    ("phase",),
)
OBJECTS = Family(
    "objects",
    Type.GAUGE,
    "Objects by the condition that matters most (Stalled, else Reconciling, else Ready) and its reason; Unknown before "
    "the first look.",
    ("kind", "condition", "reason"),
)
OLDEST_STATE_SECONDS = Family(
    "oldest_state_seconds",
    Type.GAUGE,
    "How long the object that has been so for longest has had that condition, in seconds since its lastTransitionTime.",
    ("kind", "condition", "reason"),
)
OLDEST_DELETION_SECONDS = Family(
    "oldest_deletion_seconds",
    Type.GAUGE,
    "How long the deletion that takes longest has been asked for, in seconds; 0 with none.",
    ("kind",),
)
OBJECT_READY = Family(
    "object_ready",
    Type.GAUGE,
    "Whether the object is Ready (1 or 0), and why.",
    ("kind", "namespace", "name", "reason"),
    is_of_objects=True,
)
OBJECT_STATE_SINCE = Family(
    "object_state_since_timestamp_seconds",
    Type.GAUGE,
    "The lastTransitionTime of the condition that matters most, in Unix time. It moves when the condition comes or "
    "goes, not when its reason changes.",
    ("kind", "namespace", "name", "condition", "reason"),
    is_of_objects=True,
)
OBJECT_DELETION = Family(
    "object_deletion_timestamp_seconds",
    Type.GAUGE,
    "When the object's deletion was asked for, in Unix time, while it is not gone.",
    ("kind", "namespace", "name"),
    is_of_objects=True,
)
TRAINING = Family(
    "training",
    Type.INFO,
    "A ClassifierTraining and its last job.",
    ("namespace", "name", "region", "job_name", "instance_type"),
    is_of_objects=True,
)
ENDPOINT = Family(
    "endpoint",
    Type.INFO,
    "A variant of a ClassifierEndpoint as it serves; one without a variant's name before the first one serves.",
    (
        "namespace",
        "name",
        "region",
        "endpoint_name",
        "variant",
        "instance_type",
        "accelerator_requested",
        "accelerator_effective",
    ),
    is_of_objects=True,
)
BUILD = Family("build", Type.INFO, "The operator's version and Python's.", ("version", "python_version"))
LEADING = Family("leading", Type.GAUGE, "1 for the process that works, 0 for one that stands by or has only begun.")
UNSERVED = Family(
    "unserved",
    Type.GAUGE,
    "1 while objects of the kind cannot be listed or watched in the namespace (one of `--namespace`, or empty for all "
    "of them), so that nothing is done about them; 0 while they are served.",
    ("kind", "namespace"),
)
EVENT_LOOP_LAG_SECONDS = Family(
    "event_loop_lag_seconds",
    Type.HISTOGRAM,
    "How late the event loop does what is due, in seconds: looked at once a second.",
    buckets=_LAG_SECONDS,
)
TASKS = Family(
    "tasks",
    Type.GAUGE,
    "Tasks of asyncio that have not ended: some that run for ever, and one for each thing that is waited for.",
)

SECTIONS = {
    "AWS": (
        AWS_CALLS,
        AWS_CALL_SECONDS,
        AWS_RETRIES,
        AWS_CREDENTIAL_FAILURES,
        AWS_CALLS_WAITING,
        AWS_CALLS_IN_FLIGHT,
        AWS_LIMIT_WAIT_SECONDS,
        AWS_CALL_RATE,
        SWEEP_SECONDS,
        LAST_SWEEP,
        EVENTS_RECEIVED,
        EVENTS_AGE_SECONDS,
    ),
    "Objects": (
        OBJECTS,
        ACCOUNT_MISMATCHES,
        OLDEST_STATE_SECONDS,
        OLDEST_DELETION_SECONDS,
        OBJECT_READY,
        OBJECT_STATE_SINCE,
        OBJECT_DELETION,
        TRAINING,
        ENDPOINT,
    ),
    "Work": (
        QUEUE_DEPTH,
        QUEUE_OLDEST_AGE_SECONDS,
        QUEUE_WORKING,
        QUEUE_SCHEDULED,
        QUEUE_WAIT_SECONDS,
        PASSES,
        UNEXPECTED_ERRORS,
        PASS_SECONDS,
        OLDEST_PASS_SECONDS,
        STUCK_PASS_SECONDS,
        KUBERNETES_WRITES,
        KUBERNETES_EVENTS_DROPPED,
        IMPORT_BYTES,
        IMPORTS,
    ),
    "The process": (BUILD, LEADING, UNSERVED, EVENT_LOOP_LAG_SECONDS, TASKS),
}
FAMILIES = tuple(family for families in SECTIONS.values() for family in families)

# What prometheus_client's ProcessCollector says of a process on Linux, by the names that all programs use for it.
PROCESS_METRICS = {
    "process_cpu_seconds_total": "CPU time, in seconds.",
    "process_resident_memory_bytes": "Resident memory.",
    "process_virtual_memory_bytes": "Virtual memory.",
    "process_start_time_seconds": "When the process started, in Unix time.",
    "process_open_fds": "Open file descriptors.",
    "process_max_fds": "How many may be open.",
}
