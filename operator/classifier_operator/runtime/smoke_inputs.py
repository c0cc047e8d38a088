"""What a smoke test needs from elsewhere: its image, from a ConfigMap or S3, and the names of the classes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from classifier_operator.endpoint.smoke_test import InputsCall, SmokeTestCall, flaw_of_image, flaw_of_labels
from classifier_operator.endpoint.spec import KeyRef
from classifier_operator.runtime.ports import Cloud, Cluster, ClusterUnavailableError, GoneError
from classifier_operator.sagemaker.answers import count, reading
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from classifier_operator.sagemaker.s3_address import bucket_and_key

_GET_OBJECT = "s3:GetObject"
_IMAGE, _LABELS = "spec.smokeTest.image", "spec.classLabels"
# What is called in the place of AWS, as the objects say it.
_READING = "GetConfigMap"


class SmokeInputs:
    """Finds image and names. Methods raise AwsRefusal for what is not there, may not be read, or does not fit."""

    def __init__(self, cloud: Cloud, cluster: Cluster) -> None:
        self._cloud = cloud
        self._cluster = cluster

    async def check(self, call: InputsCall) -> None:
        """Look whether both are there and fit; of an image in S3 only its size is read."""
        _refuse_flaw(flaw_of_image(call, await self._size(call)))
        await self.labels(call)

    async def image(self, call: SmokeTestCall) -> bytes:
        """Return the image, all of it."""
        ref = call.test.image.config_map_key_ref
        if ref is not None:
            image = await self._key(call.namespace, ref, _IMAGE)
        else:
            image = await self._object(call)
        _refuse_flaw(flaw_of_image(call, len(image)))
        return image

    async def labels(self, call: InputsCall | SmokeTestCall) -> Sequence[str]:
        """Return the classes' names; none where the spec names none."""
        if call.labels is None:
            return ()
        names: Sequence[str] = call.labels.names
        if call.labels.config_map_key_ref is not None:
            text = await self._key(call.namespace, call.labels.config_map_key_ref, _LABELS)
            names = [line.strip() for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
        _refuse_flaw(flaw_of_labels(call, names))
        return names

    async def _size(self, call: InputsCall) -> int:
        source = call.test.image
        if source.config_map_key_ref is not None:
            return len(await self._key(call.namespace, source.config_map_key_ref, _IMAGE))
        bucket, key = bucket_and_key(source.s3_uri)
        try:
            answer = await self._cloud.call_s3(call.resource.place, "HeadObject", {"Bucket": bucket, "Key": key})
        except AwsRefusal as refusal:
            raise _as_missing(refusal, source.s3_uri) from refusal
        with reading("HeadObject"):
            # Where it is not said, reading the picture tells.
            return count(answer, "ContentLength", 1)

    async def _object(self, call: SmokeTestCall) -> bytes:
        s3_uri = call.test.image.s3_uri
        try:
            # One byte more than may be, which tells that there is more.
            return await self._cloud.read_object(call.resource.place, s3_uri, call.image_limit + 1)
        except AwsRefusal as refusal:
            raise _as_missing(refusal, s3_uri) from refusal

    async def _key(self, namespace: str, ref: KeyRef, field: str) -> bytes:
        name = f"ConfigMap {ref.name} (key {ref.key}) for {field}"
        try:
            config_map = await self._cluster.read_config_map(namespace, ref.name)
        except GoneError as error:
            raise _missing(name) from error
        except ClusterUnavailableError as error:
            if error.status not in (401, 403):
                raise
            message = f"{name}: the operator may not read it (get configmaps in {namespace})"
            raise AwsRefusal(_READING, RefusalKind.ACCESS_DENIED, "Forbidden", message) from error
        if ref.key in config_map.get("data", {}):
            return str(config_map["data"][ref.key]).encode()
        encoded = config_map.get("binaryData", {}).get(ref.key)
        if encoded is None:
            raise _missing(f"{name}: the ConfigMap has no such key")
        try:
            return base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise _missing(f"{name}: {error}") from error


def _refuse_flaw(flaw: str) -> None:
    if flaw:
        raise AwsRefusal(InputsCall.operation, RefusalKind.UNFIT_TEST, "", flaw)


def _missing(what: str) -> AwsRefusal:
    return AwsRefusal(InputsCall.operation, RefusalKind.MISSING_INPUT, "", what)


def _as_missing(refusal: AwsRefusal, s3_uri: str) -> AwsRefusal:
    """Return the refusal of an object that does not exist yet, or whose bucket does not, as one to wait for."""
    if refusal.kind is RefusalKind.ACCESS_DENIED and _GET_OBJECT not in refusal.message:
        # S3 answers HeadObject without words.
        message = f"{s3_uri} for {_IMAGE}: the operator needs {_GET_OBJECT} on it: {refusal.message}"
        return AwsRefusal(refusal.operation, refusal.kind, refusal.code, message, request_id=refusal.request_id)
    if refusal.kind is RefusalKind.INVALID:
        # The picture is no part of the configuration, which must not count as refused because of it.
        message = f"{s3_uri} for {_IMAGE}: {refusal.message}"
        return AwsRefusal(
            refusal.operation, RefusalKind.UNFIT_TEST, refusal.code, message, request_id=refusal.request_id
        )
    if refusal.kind is not RefusalKind.NOT_FOUND:
        return refusal
    return _missing(f"{s3_uri} for {_IMAGE}: {refusal.words}")
