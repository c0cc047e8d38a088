import pytest
from tests.unit.recordio.mxnet_environment import MXNet, installed_mxnet


@pytest.fixture(scope="session")
def mxnet() -> MXNet:
    return installed_mxnet()
