# The server alone in an image that has nothing else: no shell, no libraries, no other user.
#   docker build --build-arg COMMIT=$(git rev-parse --short=12 HEAD) -t hydrapin .
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY sdk/go/hydrapin/go.mod sdk/go/hydrapin/go.sum sdk/go/hydrapin/
RUN go mod download
COPY . .
ARG COMMIT=
RUN CGO_ENABLED=0 tools/build.sh "-s -w -X github.com/hydracore/hydrapin/internal/cli.commit=${COMMIT}" \
    && mkdir -m 700 /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/bin/hydrapin /usr/bin/hydrapin
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
ENV HYDRAPIN_ADDR=0.0.0.0:8080 HYDRAPIN_DATA_DIR=/data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s CMD ["/usr/bin/hydrapin", "health"]
ENTRYPOINT ["/usr/bin/hydrapin"]
CMD ["serve"]
