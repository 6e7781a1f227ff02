# One image for the web, the worker and the migrations. dev/image.py runs these very lines without an engine, in CI.
FROM python:3.13-slim AS build

# What the lock names and nothing else: wheels alone, each with its hash. Nothing is resolved or compiled, and nothing of
# a package runs while it is installed.
WORKDIR /srv
COPY requirements.txt .
RUN python3 -m venv --without-pip venv \
    && python3 -m pip --python venv/bin/python install --quiet --disable-pip-version-check \
       --no-deps --require-hashes --only-binary :all: -r requirements.txt \
    && python3 -m pip --python venv/bin/python check

ENV PATH=/srv/venv/bin:$PATH \
    APP_ENV=production
WORKDIR /srv/app
COPY . .
# The settings insist on their secrets; collecting static files uses none of them, so these live for one command.
RUN python -m compileall -q . \
    && throw_away=$(python -c 'import secrets; print(secrets.token_urlsafe(50))') \
    && fernet=$(python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())') \
    && APP_KEY=$throw_away WEBHOOK_SECRET=$throw_away FIELD_ENCRYPTION_KEYS=$fernet SEARCH_HASH_KEYS=$throw_away DB_PASSWORD=$throw_away APP_URL=https://build.invalid \
       python manage.py collectstatic --noinput --verbosity 0


FROM python:3.13-slim

# It writes to /tmp alone, which may be a tmpfs; the rest may be read-only. A heap for each thread is 40 MB more.
ENV PATH=/srv/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    WEB_PRELOAD=true \
    WORKER_SIGN=/tmp/worker-alive \
    APP_ENV=production

# The base image has its standard library as text alone, which each start of an interpreter would compile anew.
RUN python -m compileall -qq -x '/(test|site-packages|dist-packages)/' \
    "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" || true

COPY --from=build /srv/venv /srv/venv
COPY --from=build /srv/app /srv/app
WORKDIR /srv/app

USER 10001:10001
EXPOSE 8080

HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=3 CMD ["python", "-IS", "observability/probe.py", "web"]

CMD ["gunicorn", "-c", "gunicorn.conf.py"]

# `make install` and `make upgrade` say which. Last, as all that follows is built anew for each version.
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Appmax Checkout" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION
