# throughline as a container: builds from the sources, keeps the compiled program and the packages that it runs with.
FROM node:20-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
COPY packages/sandbox/package.json packages/sandbox/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY packages packages/
COPY scripts/assets.mjs scripts/
COPY protocol protocol/
COPY src src/
RUN npm run build

FROM node:20-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages/sandbox/package.json packages/sandbox/
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force
COPY README.md LICENSE ./
COPY --from=build /build/dist dist/
COPY --from=build /build/packages/sandbox/dist packages/sandbox/dist/
USER node
WORKDIR /etc/throughline
EXPOSE 6543 9543
# Asked from inside: /readyz is on 127.0.0.1:9543 unless "http" in throughline.yaml says otherwise.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9543/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/src/main.js"]
CMD ["serve"]
