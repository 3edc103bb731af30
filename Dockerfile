# docker build -t gymserve .                   the server with a C compiler (the default target)
# docker build -t gymserve --target slim .     without one
# docker build -t gymserve:gpu --target gpu .  on CUDA 11, with @tensorflow/tfjs-node-gpu; never built or run so far (docs/engines.md)
# docker run -p 8000:8000 -v gymserve:/data gymserve     prints an API key once, at its first start
# docker run --gpus all -p 8000:8000 -v gymserve:/data gymserve:gpu     needs NVIDIA's container toolkit on the host

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund \
    && rm -rf dist/test dist/bench dist/scripts test bench

FROM node:24-bookworm-slim AS slim
ENV NODE_ENV=production \
    GYMSERVE_HOST=0.0.0.0 \
    GYMSERVE_PORT=8000 \
    GYMSERVE_DATA_DIR=/data \
    GYMSERVE_CREATE_KEY=true
WORKDIR /app
RUN mkdir /data && chown node:node /data
COPY --from=build /app/package.json /app/openapi.yaml ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# node, by its number, which Kubernetes can tell from root.
USER 1000
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.GYMSERVE_PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself as process 1: it takes SIGTERM, writes checkpoints and ends within 30 seconds (docker stop -t 30).
CMD ["node", "--enable-source-maps", "dist/src/main.js"]

# libtensorflow 2.9 as tfjs-node-gpu binds it: CUDA 11, cuDNN 8. Of the GPUs' engines it has this one: onnx-cuda wants CUDA 12, and
# onnx-webgpu libvulkan1. The Node of the other images: only the package's Node-API addon is loaded, and the CPU's, of the same
# source, passes its tests on 20, 24 and 26; what breaks on Node 23 is the package's JavaScript.
FROM nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04 AS gpu
ENV NODE_ENV=production \
    GYMSERVE_HOST=0.0.0.0 \
    GYMSERVE_PORT=8000 \
    GYMSERVE_DATA_DIR=/data \
    GYMSERVE_CREATE_KEY=true \
    TF_FORCE_GPU_ALLOW_GROWTH=true
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /usr/local/lib/node_modules /usr/local/lib/node_modules
# Debian keeps no old versions, so pinned ones would break the build.
# hadolint ignore=DL3008
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
    && apt-get update && apt-get install -y --no-install-recommends ca-certificates gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 node && mkdir /data && chown node:node /data
WORKDIR /app
COPY --from=build /app/package.json /app/package-lock.json /app/.npmrc /app/openapi.yaml ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY scripts/setup-gpu.mjs scripts/
# The image is built without a GPU, so nothing looks for one yet.
RUN node scripts/setup-gpu.mjs --install-only
# node, by its number, which Kubernetes can tell from root.
USER 1000
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.GYMSERVE_PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/src/main.js"]

FROM slim AS default
# root, for a moment.
USER 0
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
# node, by its number, which Kubernetes can tell from root.
USER 1000
