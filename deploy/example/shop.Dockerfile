# syntax=docker/dockerfile:1
# The Flask app of the example, and its visitors. Build from the top of the repository.
FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="example-shop" \
    org.opencontainers.image.description="A Flask app under Elastic's agent, and visitors for it" \
    org.opencontainers.image.licenses="Apache-2.0"
RUN pip install --no-cache-dir elastic-apm==6.26.2 flask==3.1.3 \
    && useradd --system --uid 10002 --no-create-home --shell /usr/sbin/nologin shop
COPY deploy/demo/flask_shop.py deploy/demo/visitors.py deploy/example/visit.py /opt/example/
USER shop
EXPOSE 8000
ENTRYPOINT ["python3", "/opt/example/flask_shop.py", "8000", "http://haproxy:8200", "0.0.0.0"]
