"""Runs inside the environment that has MXNet: does one thing with real MXNet and prints the result as JSON.

`import mxnet` fails with today's numpy and on Python 3.12 and newer (it uses `np.bool` and `distutils`),
but what is wanted here does not need the package's `__init__`: `mxnet.recordio` and the C++ library below
it, which holds the codec and ImageRecordIter. So an empty package stands in for `mxnet`, and the two
modules are imported from the real folder.

Input on stdin: {"command": ..., **arguments}. See the functions for the arguments.
"""

import base64
import ctypes
import importlib
import importlib.util
import json
import sys
import types
from typing import Any

import numpy as np


def load_mxnet() -> tuple[Any, Any]:
    spec = importlib.util.find_spec("mxnet")
    assert spec is not None
    package: Any = types.ModuleType("mxnet")
    package.__path__ = spec.submodule_search_locations
    sys.modules["mxnet"] = package
    base: Any = importlib.import_module("mxnet.base")
    recordio: Any = importlib.import_module("mxnet.recordio")
    recordio.np = types.SimpleNamespace(asarray=_labels, float32=np.float32, frombuffer=np.frombuffer)
    return base, recordio


class _Labels(np.ndarray):
    # The old name of tobytes, which mxnet.recordio.pack calls; numpy 2.3 dropped it.
    tostring = np.ndarray.tobytes


def _labels(values: Any, dtype: Any) -> Any:
    return np.array(values, dtype=dtype).view(_Labels)


def version(base: Any, recordio: Any) -> int:
    number = ctypes.c_int()
    base.check_call(base._LIB.MXGetVersion(ctypes.byref(number)))
    return int(number.value)


def write(base: Any, recordio: Any, rec: str, idx: str, records: list[dict[str, Any]]) -> None:
    file = recordio.MXIndexedRecordIO(idx, rec, "w")
    for item in records:
        header = recordio.IRHeader(0, item["label"], item["id"], 0)
        file.write_idx(item["id"], recordio.pack(header, base64.b64decode(item["image"])))
    file.close()


def read(base: Any, recordio: Any, rec: str) -> list[dict[str, Any]]:
    file = recordio.MXRecordIO(rec, "r")
    return [_describe(recordio, data) for data in iter(file.read, None)]


def read_indexed(base: Any, recordio: Any, rec: str, idx: str, keys: list[int]) -> list[dict[str, Any]]:
    file = recordio.MXIndexedRecordIO(idx, rec, "r")
    return [_describe(recordio, file.read_idx(key)) for key in keys]


def _describe(recordio: Any, data: bytes) -> dict[str, Any]:
    header, image = recordio.unpack(data)
    label = header.label if header.flag == 0 else [float(value) for value in header.label]
    return {"label": label, "id": header.id, "image": base64.b64encode(image).decode()}


def iterate(base: Any, recordio: Any, options: dict[str, str]) -> list[dict[str, Any]]:
    """Read with ImageRecordIter: the labels, and each image as its mean value."""
    iterator = _create_iterator(base, options)
    batches = []
    following = ctypes.c_int()
    base.check_call(base._LIB.MXDataIterNext(iterator, ctypes.byref(following)))
    while following.value:
        batches.append(_read_batch(base, iterator))
        base.check_call(base._LIB.MXDataIterNext(iterator, ctypes.byref(following)))
    base.check_call(base._LIB.MXDataIterFree(iterator))
    return batches


def _create_iterator(base: Any, options: dict[str, str]) -> ctypes.c_void_p:
    kinds = ctypes.POINTER(ctypes.c_void_p)()
    count = ctypes.c_uint()
    base.check_call(base._LIB.MXListDataIters(ctypes.byref(count), ctypes.byref(kinds)))
    kind = next(kinds[i] for i in range(count.value) if _iterator_name(base, kinds[i]) == "ImageRecordIter")
    handle = ctypes.c_void_p()
    keys = base.c_str_array(list(options))
    values = base.c_str_array(list(options.values()))
    base.check_call(
        base._LIB.MXDataIterCreateIter(
            ctypes.c_void_p(kind), ctypes.c_uint(len(options)), keys, values, ctypes.byref(handle)
        )
    )
    return handle


def _iterator_name(base: Any, kind: Any) -> str:
    name, text, count = ctypes.c_char_p(), ctypes.c_char_p(), ctypes.c_uint()
    lists = [ctypes.POINTER(ctypes.c_char_p)() for _ in range(3)]
    base.check_call(
        base._LIB.MXDataIterGetIterInfo(
            ctypes.c_void_p(kind),
            ctypes.byref(name),
            ctypes.byref(text),
            ctypes.byref(count),
            *(ctypes.byref(item) for item in lists),
        )
    )
    return (name.value or b"").decode()


def _read_batch(base: Any, iterator: ctypes.c_void_p) -> dict[str, Any]:
    pad = ctypes.c_int()
    base.check_call(base._LIB.MXDataIterGetPadNum(iterator, ctypes.byref(pad)))
    data = _array(base, base._LIB.MXDataIterGetData, iterator)
    labels = _array(base, base._LIB.MXDataIterGetLabel, iterator)
    return {
        "pad": pad.value,
        "shape": list(data.shape),
        "labels": labels.tolist(),
        "means": data.mean(axis=(1, 2, 3)).tolist(),
    }


def _array(base: Any, getter: Any, iterator: ctypes.c_void_p) -> Any:
    handle = ctypes.c_void_p()
    base.check_call(getter(iterator, ctypes.byref(handle)))
    dimensions, shape = ctypes.c_int(), ctypes.POINTER(ctypes.c_int)()
    base.check_call(base._LIB.MXNDArrayGetShapeEx(handle, ctypes.byref(dimensions), ctypes.byref(shape)))
    array = np.zeros(shape[: dimensions.value], dtype=np.float32)
    target = array.ctypes.data_as(ctypes.c_void_p)
    base.check_call(base._LIB.MXNDArraySyncCopyToCPU(handle, target, ctypes.c_size_t(array.size)))
    base.check_call(base._LIB.MXNDArrayFree(handle))
    return array


def predict(base: Any, recordio: Any, symbol: str, params: str, images: str) -> dict[str, Any]:
    """Load a checkpoint as mx.model.load_checkpoint does, and classify `images`, a .npy file, by MXNet's C API.

    The names that it found, and the answers.
    """
    data = np.ascontiguousarray(np.load(images), dtype=np.float32)
    with open(symbol, "rb") as file, open(params, "rb") as packed:
        described, content = file.read(), packed.read()
    predictor = ctypes.c_void_p()
    shape = (ctypes.c_uint * data.ndim)(*data.shape)
    base.check_call(
        base._LIB.MXPredCreate(
            ctypes.c_char_p(described),
            ctypes.c_char_p(content),
            ctypes.c_int(len(content)),
            ctypes.c_int(1),
            ctypes.c_int(0),
            ctypes.c_uint(1),
            base.c_str_array(["data"]),
            (ctypes.c_uint * 2)(0, data.ndim),
            shape,
            ctypes.byref(predictor),
        )
    )
    given = data.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    base.check_call(base._LIB.MXPredSetInput(predictor, b"data", given, ctypes.c_uint(data.size)))
    base.check_call(base._LIB.MXPredForward(predictor))
    sizes, dimensions = ctypes.POINTER(ctypes.c_uint)(), ctypes.c_uint()
    base.check_call(base._LIB.MXPredGetOutputShape(predictor, 0, ctypes.byref(sizes), ctypes.byref(dimensions)))
    answer = np.zeros(sizes[: dimensions.value], dtype=np.float32)
    target = answer.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    base.check_call(base._LIB.MXPredGetOutput(predictor, 0, target, ctypes.c_uint(answer.size)))
    base.check_call(base._LIB.MXPredFree(predictor))
    return {"names": sorted(_names(base, params)), "probabilities": answer.tolist()}


def _names(base: Any, params: str) -> list[str]:
    count, arrays = ctypes.c_uint(), ctypes.POINTER(ctypes.c_void_p)()
    number, names = ctypes.c_uint(), ctypes.POINTER(ctypes.c_char_p)()
    base.check_call(
        base._LIB.MXNDArrayLoad(
            base.c_str(params),
            ctypes.byref(count),
            ctypes.byref(arrays),
            ctypes.byref(number),
            ctypes.byref(names),
        )
    )
    assert count.value == number.value
    return [(names[i] or b"").decode() for i in range(number.value)]


def main() -> None:
    request = json.load(sys.stdin)
    commands: tuple[Any, ...] = (version, write, read, read_indexed, iterate, predict)
    command = {each.__name__: each for each in commands}[request.pop("command")]
    json.dump(command(*load_mxnet(), **request), sys.stdout)


if __name__ == "__main__":
    main()
