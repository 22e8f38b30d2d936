# syntax=docker/dockerfile:1
# docker build -t napari-colorgan .                                 for processors
# docker build -t napari-colorgan:cuda --build-arg TORCH=cu126 .    for NVIDIA's GPUs
# docker run --rm --network none -v "$PWD:/data" napari-colorgan /data/in --output /data/out
# Models of your own: -v /path/to/models:/models
ARG PYTHON=3.12

FROM python:${PYTHON}-slim-bookworm AS build
# Git's tags say the version, and the archive of a commit has none.
ARG VERSION=0.1.0
ENV SETUPTOOLS_SCM_PRETEND_VERSION=${VERSION}
WORKDIR /source
COPY . .
RUN python -m pip install --no-cache-dir "build==1.3.0" \
 && python -m build --wheel --outdir /wheels

FROM python:${PYTHON}-slim-bookworm
ARG TORCH=cpu
LABEL org.opencontainers.image.title="napari-colorgan" \
      org.opencontainers.image.description="Predicts the colours of grayscale images and stacks" \
      org.opencontainers.image.licenses="BSD-3-Clause"
# From PyTorch's own index, as the usual one has only builds for one kind of GPU.
RUN python -m pip install --no-cache-dir --index-url "https://download.pytorch.org/whl/${TORCH}" \
        "torch>=2.5,<3" "torchvision>=0.20,<1"
# hadolint ignore=DL3013
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    wheel="$(find /wheels -name '*.whl')" \
 && python -m pip install --no-cache-dir "${wheel}[distributed,fractal,video]"
RUN useradd --create-home --uid 1000 colorgan \
 && mkdir /models
# Nothing is fetched at run time: the models are in the package, or in /models. Any user may run it,
# and the container may be read-only but for /tmp.
ENV NAPARI_COLORGAN_SHARED_MODELS=/models \
    NAPARI_COLORGAN_HOME=/tmp/napari-colorgan \
    MPLCONFIGDIR=/tmp/matplotlib \
    HF_HUB_OFFLINE=1 \
    OMP_WAIT_POLICY=PASSIVE \
    PYTHONUNBUFFERED=1
USER 1000
WORKDIR /data
ENTRYPOINT ["napari-colorgan", "colorize"]
CMD ["--help"]
