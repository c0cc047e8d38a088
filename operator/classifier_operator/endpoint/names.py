"""Texts in a spec that become parts of a request, or are read: the CRD holds them to their shape, and so does this.

An object of an older CRD may hold anything; so may one that somebody has written past the API server.
"""

from __future__ import annotations

import re

from classifier_operator.api.names import is_data_key, is_object_name
from classifier_operator.endpoint.spec import EndpointSpec, KeyRef
from classifier_operator.reconcile.decision import SpecError
from classifier_operator.sagemaker.names import is_name
from classifier_operator.sagemaker.s3_address import flaw_of

# It becomes a header: printable ASCII.
CONTENT_TYPE = r"[!-~]([ -~]*[!-~])?"
_CONTENT_TYPE = re.compile(CONTENT_TYPE)
# As the CRD has all decimals.
_DECIMAL = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,2})?")


def check_names(spec: EndpointSpec) -> None:
    """Look at what becomes a part of a path, an address or a header, and at what is read as a number.

    Raises:
        SpecError: one of them would lead elsewhere, or is no number.

    """
    for one in spec.variants:
        if not is_name(one.name):
            raise SpecError("spec.variants", f"{one.name[:64]!r} is no name of a variant")
    if spec.class_labels is not None and spec.class_labels.config_map_key_ref is not None:
        _check_ref("spec.classLabels.configMapKeyRef", spec.class_labels.config_map_key_ref)
    if spec.smoke_test is None:
        return
    image = spec.smoke_test.image
    if image.config_map_key_ref is not None:
        _check_ref("spec.smokeTest.image.configMapKeyRef", image.config_map_key_ref)
    elif flaw := flaw_of(image.s3_uri):
        raise SpecError("spec.smokeTest.image.s3Uri", flaw)
    if not _CONTENT_TYPE.fullmatch(spec.smoke_test.content_type):
        raise SpecError("spec.smokeTest.contentType", "must be printable ASCII, without spaces around it")
    least = spec.smoke_test.expect.least if spec.smoke_test.expect is not None else ""
    if least and not _DECIMAL.fullmatch(least):
        raise SpecError("spec.smokeTest.expect.minProbability", f"{least[:64]!r} is no decimal number")


def _check_ref(path: str, ref: KeyRef) -> None:
    if not is_object_name(ref.name):
        raise SpecError(f"{path}.name", f"{ref.name[:64]!r} is no name of a ConfigMap")
    if not is_data_key(ref.key):
        raise SpecError(f"{path}.key", f"{ref.key[:64]!r} is no key of a ConfigMap's data")
