# The same Node as the development dependency `node` in package.json (test/stack.test.ts compares them).
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# The install script compiles the kernel: its sources decide with the lock file whether this layer is built again.
COPY package.json package-lock.json .npmrc ./
COPY src/kernel src/kernel
COPY src/items src/items
COPY src/http/native src/http/native
RUN npm ci --omit=dev \
 && test -f build/prerank.node \
 && find node_modules/onnxruntime-node/bin -mindepth 2 -maxdepth 2 ! -name linux -exec rm -rf {} + \
 && rm -rf node_modules/@duckdb/node-bindings-*-musl

FROM ${NODE_IMAGE}
# A container competes by its own share, so niceness only orders its threads (docs/reliability.md#overload).
# Without the last one ONNX Runtime reports its use to its vendor and keeps a database of that in $HOME.
ENV NODE_ENV=production PORT=8080 HOST=0.0.0.0 COMPUTE_NICE=10 ORT_DISABLE_TELEMETRY=1
WORKDIR /app
COPY --from=build /app ./
COPY bin bin
COPY src src
COPY bench/service bench/service
COPY models/demo models/demo
# The user `node` of the image, by number so that Kubernetes can see it is not root.
USER 1000:1000
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=2s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# As many threads of V8 as there are cores beside the one that answers: of its usual four each takes a share of a single core.
CMD ["node", "--v8-pool-size=0", "src/server.ts"]
