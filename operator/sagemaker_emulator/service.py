"""The SageMaker API: which function answers which operation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sagemaker_emulator import endpoint_configs, endpoints, errors, models, tags, training_jobs, wire
from sagemaker_emulator.context import Context, Params
from sagemaker_emulator.deployments import Deployments
from sagemaker_emulator.store import ScopeKey
from sagemaker_emulator.world import World

Operation = Callable[[Context, Params], Params | None]
# The member that names the resource a call is about, for the call log and for faults by resource.
NAMES = ("TrainingJobName", "ModelName", "EndpointName", "EndpointConfigName", "ResourceArn")


class SageMaker:
    """The operations over a world."""

    def __init__(self, world: World, deployments: Deployments) -> None:
        self._world = world
        self._operations: dict[str, Operation] = {
            "CreateTrainingJob": training_jobs.create,
            "DescribeTrainingJob": training_jobs.describe,
            "StopTrainingJob": training_jobs.stop,
            "DeleteTrainingJob": training_jobs.delete,
            "UpdateTrainingJob": training_jobs.update,
            "ListTrainingJobs": training_jobs.list_jobs,
            "CreateModel": models.create,
            "DescribeModel": models.describe,
            "DeleteModel": models.delete,
            "ListModels": models.list_models,
            "CreateEndpointConfig": endpoint_configs.create,
            "DescribeEndpointConfig": endpoint_configs.describe,
            "DeleteEndpointConfig": endpoint_configs.delete,
            "ListEndpointConfigs": endpoint_configs.list_configs,
            "CreateEndpoint": partial(endpoints.create, deployments=deployments),
            "DescribeEndpoint": endpoints.describe,
            "UpdateEndpoint": partial(endpoints.update, deployments=deployments),
            "UpdateEndpointWeightsAndCapacities": endpoints.scale,
            "DeleteEndpoint": endpoints.delete,
            "ListEndpoints": endpoints.list_endpoints,
            "AddTags": tags.add,
            "ListTags": tags.list_tags,
            "DeleteTags": tags.delete,
        }

    def parse(self, operation: str, body: bytes) -> Params:
        """The checked parameters of a call."""
        if operation not in self._operations:
            raise errors.unknown_operation(operation)
        return wire.parse(operation, body)

    def perform(self, operation: str, params: Params, key: ScopeKey) -> bytes:
        """Carry out a call and return the body of the answer."""
        context = Context(self._world, self._world.scope(key), self._world.clock.now())
        return wire.render(operation, self._operations[operation](context, params), self._world.clock.shown)


def resource_of(params: Params) -> str:
    """The name of the resource a call is about, "" if there is none."""
    return next((str(params[name]) for name in NAMES if name in params), "")
