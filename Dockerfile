# syntax=docker/dockerfile:1

# Node 26 brings SQLite 3.51.3 or newer, which the store asks for, and runs the TypeScript as it is: nothing is built.
FROM node:26-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force

FROM node:26-slim
LABEL org.opencontainers.image.title="cxone-enricher" \
      org.opencontainers.image.description="Gets customer data into NICE CXone cleanly, lawfully and without loss" \
      org.opencontainers.image.licenses="Apache-2.0"

# The data folder is the only place that is written to, so that the rest may be read-only.
RUN mkdir -m 700 /data && chown node:node /data
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/tmp/compile-cache \
    NODE_OPTIONS=--max-semi-space-size=4 \
    MALLOC_ARENA_MAX=2 \
    TZ=UTC \
    HOST=0.0.0.0 \
    PORT=3000 \
    DATABASE_URL=sqlite:/data/enricher.db

WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY src ./src
# What operators run beside the service: rotating keys, and checking an export of the audit trail.
COPY scripts/keys-rotate.ts scripts/audit-verify.ts ./scripts/
COPY scripts/audit-verify ./scripts/audit-verify

# The number of the user `node`, so that an orchestrator can see that it is not root.
USER 1000:1000
VOLUME /data
EXPOSE 3000

# Live, not ready: that CXone is down is no reason to start the process anew.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 3000) + '/health/live').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

# Node itself, not npm, which would not pass a signal on.
CMD ["node", "src/main.ts"]
