# Flow Router in a container: `docker build -t flow-router .`; see docs/installing.md.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# The locked packages first: this layer changes only when the lock does. The environment itself gets no
# pip; what builds the wheel stays in this stage.
COPY requirements/run.lock requirements/build.lock requirements/
RUN python -m venv --without-pip /opt/flow-router \
 && pip --python /opt/flow-router/bin/python install --require-hashes --only-binary :all: -r requirements/run.lock \
 && pip install --require-hashes --only-binary :all: -r requirements/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m hatchling build -t wheel -d wheel \
 && pip --python /opt/flow-router/bin/python install --no-deps --no-index wheel/*.whl \
 && /opt/flow-router/bin/python -m compileall -q /opt/flow-router/lib

FROM python:${PYTHON}-slim
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin flow-router \
 && install -d -o flow-router -g flow-router -m 0700 /data
COPY --from=build /opt/flow-router /opt/flow-router
ENV PATH=/opt/flow-router/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FLOW_ROUTER_DATA=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 2402
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('FLOW_ROUTER_SERVER_PORT', '2402') + '/healthz', timeout=4)"]
ENTRYPOINT ["flow-router"]
# Beyond loopback the gateway starts only once a gateway key exists: `docker run … keys create NAME` first.
CMD ["serve", "--host", "0.0.0.0"]
