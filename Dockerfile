# Builds Footfall and packs it with Redis into one image. `docker compose up` uses it.
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
    build-essential cmake ninja-build pkg-config libh2o-evloop-dev libhiredis-dev libmaxminddb-dev \
    libjansson-dev libyaml-dev libsodium-dev libpcre2-dev libzstd-dev zlib1g-dev libssl-dev \
    libglib2.0-dev libseccomp-dev nodejs npm ca-certificates
WORKDIR /footfall
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN cmake --preset release && cmake --build build/release --target footfall

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
    libh2o-evloop0.13 libhiredis0.14 libmaxminddb0 libjansson4 libyaml-0-2 libsodium23 \
    libpcre2-8-0 libzstd1 zlib1g libssl3 libglib2.0-0 libseccomp2 redis-server tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/footfall footfall
COPY --from=build /footfall/build/release/footfall /usr/local/bin/footfall
USER footfall
VOLUME /var/lib/footfall
EXPOSE 8080 8081
# SIGTERM ends everything in order; give it the time (docker stop -t 60).
STOPSIGNAL SIGTERM
ENTRYPOINT ["footfall"]
CMD ["serve", "--data", "/var/lib/footfall/data", \
     "--collector-listen", "0.0.0.0:8080", "--dashboards-listen", "0.0.0.0:8081"]
