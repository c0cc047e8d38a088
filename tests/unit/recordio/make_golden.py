"""Writes golden/mxnet.rec and golden/mxnet.idx with real MXNet; golden/README.md says how to run it."""

from tests.unit.recordio.cases import CASES
from tests.unit.recordio.mxnet_environment import HERE, installed_mxnet

GOLDEN = HERE / "golden"


def main() -> None:
    installed_mxnet().write(list(CASES.values()), GOLDEN / "mxnet.rec", GOLDEN / "mxnet.idx")


if __name__ == "__main__":
    main()
