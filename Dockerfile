# The operator's image. Any base with Python 3.11 or newer at the same path in both stages will do:
#   docker build -t classifier-operator .
#   buildah bud --timestamp 0 --build-arg BASE_IMAGE=registry.example/debian-python:bookworm -t classifier-operator .
# For a release, tools/release_image.py asks the registry for the base's digest, pins BASE_IMAGE by it, and gives
# BASE_NAME and BASE_DIGEST, which are recorded.
# The same source, base and requirements give the same image, bit by bit, when the builder sets the time stamps too
# (buildah: --timestamp; BuildKit: SOURCE_DATE_EPOCH and rewrite-timestamp=true).
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
ARG SOURCE_DATE_EPOCH=0
# Sets are written into .pyc files in the order of their hashes.
ENV PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH}
WORKDIR /build

# What changes rarely comes first. The product's environment has no pip: the build's own installs into it.
COPY requirements-build.txt .
RUN python3 -m venv tools \
    && tools/bin/pip install --no-compile --require-hashes --only-binary :all: --requirement requirements-build.txt
COPY requirements.txt .
RUN python3 -m venv --without-pip /opt/classifier-operator \
    && tools/bin/pip --python /opt/classifier-operator/bin/python3 install \
        --no-compile --require-hashes --only-binary :all: --requirement requirements.txt

COPY pyproject.toml README.md LICENSE ./
# The operator alone: the stand-in for AWS and the demo are no part of it.
COPY operator/classifier_operator operator/classifier_operator
RUN tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && tools/bin/pip --python /opt/classifier-operator/bin/python3 install --no-compile --no-deps --no-index dist/*.whl \
    # The wheel's path and hash: they say where it was built.
    && rm -f /opt/classifier-operator/lib/python3*/site-packages/classifier_operator-*.dist-info/direct_url.json \
    # Compiled here, as the root file system is read-only later; checked by nobody, as nothing changes then. The
    # Kubernetes client's models are many, and loaded only when they are asked for, which they are not.
    && /opt/classifier-operator/bin/python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        -x 'site-packages/kubernetes/(aio/)?client/(api|models)/[^_]' /opt/classifier-operator/lib \
    && tools/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml --mc-type application \
        --output-file sbom.cdx.json /opt/classifier-operator/bin/python3
ARG BASE_IMAGE
ARG BASE_NAME=${BASE_IMAGE}
ARG BASE_DIGEST=
RUN python3 -c 'import json, sys; bill = json.load(open("sbom.cdx.json")); \
        names = [f"org.opencontainers.image.base.{one}" for one in ("name", "digest")]; \
        bill["metadata"]["properties"] = bill["metadata"].get("properties", []) \
            + [{"name": name, "value": value} for name, value in zip(names, sys.argv[1:]) if value]; \
        json.dump(bill, open("/opt/classifier-operator/sbom.cdx.json", "w"), indent=2)' "${BASE_NAME}" "${BASE_DIGEST}"

FROM ${BASE_IMAGE}
# Nothing in it needs more than its user may, and what could give that goes.
RUN find / -xdev -type f -perm /6000 -exec chmod a-s {} +
ARG BASE_IMAGE
ARG BASE_NAME=${BASE_IMAGE}
ARG BASE_DIGEST=
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="classifier-operator" \
    org.opencontainers.image.description="A Kubernetes operator for SageMaker image classifiers" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.base.name="${BASE_NAME}" \
    org.opencontainers.image.base.digest="${BASE_DIGEST}" \
    dev.sagemaker.classifiers.sbom="/opt/classifier-operator/sbom.cdx.json"
COPY --from=build /opt/classifier-operator /opt/classifier-operator
ENV PATH=/opt/classifier-operator/bin:${PATH} PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# As a number, so that the kubelet can see that it is not root.
USER 65532:65532
WORKDIR /
EXPOSE 8080
ENTRYPOINT ["classifier-operator"]
CMD ["run"]
