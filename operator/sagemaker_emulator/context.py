"""What one call knows: whose it is, what time it is, and the emulator around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from sagemaker_emulator.settings import Settings
from sagemaker_emulator.store import Record, ScopeKey, Table
from sagemaker_emulator.world import Scope, World

Params = dict[str, Any]
R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Context:
    """The surroundings of one call. `now` is fixed for its whole duration."""

    world: World
    scope: Scope
    now: float

    @property
    def key(self) -> ScopeKey:
        return self.scope.key

    @property
    def settings(self) -> Settings:
        return self.world.settings

    def shown(self, moment: float) -> float:
        """Return a moment as answers show it, so that what clients read back compares equal."""
        return self.world.clock.shown(moment)

    def client(self, service: str) -> Any:
        """A boto3 client of another AWS service in the caller's account and region."""
        return self.world.moto.client(service, account=self.key.account, region=self.key.region)

    def described(self, table: Table[R], name: str) -> R | None:
        """The resource as Describe sees it, which may be later than others do."""
        record = table.get(name, self.now)
        if record is None or self._is_hidden(record):
            return None
        return record

    def _is_hidden(self, record: Record) -> bool:
        late = self.settings.consistency
        record.described += 1
        return record.described <= late.describe_calls or self.now < record.created + late.describe_seconds


def tags_of(params: Params) -> dict[str, str]:
    """The Tags member of a Create call; a key that is given twice keeps its last value."""
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
