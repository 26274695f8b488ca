# syntax=docker/dockerfile:1
# Every RUN and COPY path is relative to WORKDIR, so that test/docker.test.ts can run this file without an engine.

FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Install scripts stay off: they would fetch a second Node (the pinned one for development) and CUDA.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build
RUN npm prune --omit=dev --ignore-scripts
# onnxruntime-node carries its native code for every platform; this image runs on one.
RUN find node_modules/onnxruntime-node/bin -mindepth 3 -maxdepth 3 ! -path "*/linux/$(node -p process.arch)" \
    -exec rm -r {} +

FROM node:26-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY models ./models
COPY schemas ./schemas
# Where jobs are kept (DATA_DIR). For any user, since some clusters choose one.
RUN install -d -m 1777 .data
VOLUME /app/.data
# The number, not the name `node`: Kubernetes checks runAsNonRoot by it. The program belongs to root, and nothing here but
# .data is the user's to change.
USER 1000:1000
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["node", "-e", "fetch('http://127.0.0.1:'+process.env.PORT+'/livez').then(({ok})=>process.exit(ok?0:1),()=>process.exit(1))"]
CMD ["node", "dist/main.js", "serve"]
