FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    DJANGO_SETTINGS_MODULE=checkout_project.settings \
    APP_ENV=production

RUN useradd --system --create-home --uid 10001 appmax
WORKDIR /app

COPY requirements.txt .
RUN pip install --disable-pip-version-check -r requirements.txt

COPY . .
# The settings insist on their secrets; collecting static files uses none of them, so these live for one command.
RUN python -m compileall -q . \
    && throw_away=$(python -c 'import secrets; print(secrets.token_urlsafe(50))') \
    && APP_KEY=$throw_away FIELD_ENCRYPTION_KEYS=$throw_away DB_PASSWORD=$throw_away APP_URL=https://build.invalid \
       python manage.py collectstatic --noinput --verbosity 0

USER appmax
EXPOSE 8080

# Asked under the first of the allowed host names, as a proxy would.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "-c", "\
import urllib.request as http; from django.conf import settings as s; \
http.urlopen(http.Request(f'http://127.0.0.1:{s.APP_PORT}/health', headers={'Host': s.ALLOWED_HOSTS[0]}), timeout=4)"]

CMD ["gunicorn", "-c", "gunicorn.conf.py"]
