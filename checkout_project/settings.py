"""All settings, from the environment, in the order of docs/database.md's tables: app, database, cache, Appmax, API,
security, logs. `.env.example` documents every variable. What no variable changes of the API's and the admin's libraries
is in library_settings.py."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
from cryptography.fernet import Fernet
from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from checkout_project import addresses, cache, cpus, database, production
from checkout_project.environment import Environment
from checkout_project.library_settings import (  # noqa: F401 - these are settings too
    REST_FRAMEWORK,
    SPECTACULAR_SETTINGS,
    UNFOLD,
    VERSION,
)
from observability import logs

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(BASE_DIR / ".env")

# --- app -------------------------------------------------------------------------------------------------------------

APP_ENV = env.choice("APP_ENV", "local", ("local", "production"))
IS_LOCAL = APP_ENV == "local"
DEBUG = env.flag("APP_DEBUG", False)
# A local start makes its own secrets once, in an ignored folder; production has to name them.
_LOCAL_SECRETS = BASE_DIR / ".data" / "secrets" if IS_LOCAL else None
SECRET_KEY = env.secret("APP_KEY", generated_in=_LOCAL_SECRETS)

_any_address = "0.0.0.0"  # noqa: S104 - behind a container's port # nosec B104
APP_HOST = env.server("APP_HOST", "127.0.0.1" if IS_LOCAL else _any_address, port="APP_PORT", url="APP_URL")
APP_PORT = env.number("APP_PORT", 8080, minimum=1)
_named_url = env.url("APP_URL", "" if IS_LOCAL else None, has_path=False)
APP_URL = _named_url or f"http://127.0.0.1:{APP_PORT}"
NGROK_URL = env.url("NGROK_URL", "", has_path=False)
PUBLIC_URL = NGROK_URL or APP_URL
# Whether the operator has named it; otherwise proxies that we trust may (pages.public_url).
IS_PUBLIC_URL_NAMED = bool(NGROK_URL or _named_url)

ALLOWED_HOSTS = [
    *dict.fromkeys((addresses.host_of(PUBLIC_URL), addresses.host_of(APP_URL))),
    *env.hosts("ALLOWED_HOSTS"),
    *(["localhost", "127.0.0.1", "[::1]"] if IS_LOCAL else []),
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

ROOT_URLCONF = "checkout_project.urls"
WSGI_APPLICATION = "checkout_project.wsgi.application"
APPEND_SLASH = True  # for the admin's own URLs; the contract's routes have no trailing slash

INSTALLED_APPS = [
    "checkout_project",
    "backoffice.apps.BackOfficeConfig",  # before Unfold and Django's admin: its templates win over theirs
    "web",
    "status",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "backoffice.apps.BackOfficeAdminConfig",  # django.contrib.admin, with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "procrastinate.contrib.django",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "installations",
    "orders",
    "webhooks",
]

MIDDLEWARE = [
    "observability.middleware.Observed",
    "web.middleware.ProbesUnderAnyName",
    "web.middleware.MendsAddresses",
    "web.bodies.LimitsBodies",
    "web.middleware.KeepsMethod",
    "django.middleware.security.SecurityMiddleware",
    "web.middleware.PageContentSecurity",
    "web.middleware.PagePermissions",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "web.middleware.PageSession",
    "web.middleware.Language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "web.middleware.PageUser",
    "web.middleware.PageSecondFactor",
    "web.middleware.PageMessages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",  # last: it turns a locked login into its answer
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "web.pages.environment",
            ],
        },
    },
]

LANGUAGE_CODE = "pt-br"
LANGUAGES = [("pt-br", _("Portuguese (Brazil)")), ("en", _("English"))]
# The second holds what libraries leave untranslated.
LOCALE_PATHS = [BASE_DIR / "web" / "locale", BASE_DIR / "web" / "locale_libraries"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "America/Sao_Paulo"  # how staff see times; everything is stored and answered in UTC

STATIC_URL = "static/"
# Locally the files are served from where they lie; production collects them while the image is built.
STATIC_ROOT = None if IS_LOCAL else BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = IS_LOCAL

# --- database --------------------------------------------------------------------------------------------------------

env.choice("DB_CONNECTION", "postgres", ("postgres",))

DB_MAX_IDLE_CONNS = env.number("DB_MAX_IDLE_CONNS", 5)
DB_MAX_OPEN_CONNS = env.number("DB_MAX_OPEN_CONNS", 25, minimum=1)
DB_CONN_MAX_LIFETIME = env.number("DB_CONN_MAX_LIFETIME", 300, minimum=1)  # seconds

# Jobs that the worker does at once: each in a thread with one connection; four more are the queue's own.
JOB_CONCURRENCY = 2
_job_connections = JOB_CONCURRENCY + 4
_web_connections = DB_MAX_OPEN_CONNS - _job_connections  # the processes of all groups share these
# Production runs two groups of gunicorn with the same settings: docker-compose.yml, ops/systemd, ops/nginx.
WEB_GROUPS = env.number("WEB_GROUPS", 1, minimum=1)
WEB_CONCURRENCY = env.number(  # processes of each group
    "WEB_CONCURRENCY", cpus.web_processes(cpus.usable(), _web_connections // WEB_GROUPS), minimum=1
)
WEB_THREADS = env.number("WEB_THREADS", 160, minimum=1)  # of each; a thread that waits for Appmax holds no connection
_web_processes = WEB_GROUPS * WEB_CONCURRENCY
_open_share = _web_connections // _web_processes

if _open_share < 1:
    raise ImproperlyConfigured(
        f"DB_MAX_OPEN_CONNS ({DB_MAX_OPEN_CONNS}) must be at least {_web_processes + _job_connections}: "
        f"one for each of the web's processes (WEB_GROUPS={WEB_GROUPS} × WEB_CONCURRENCY={WEB_CONCURRENCY}), "
        f"{_job_connections} for the worker"
    )
# Whether a PgBouncer stands before PostgreSQL and lends connections for a transaction: nothing of a session lasts. What
# sessions begin with is then the role's own (checks.py), and the worker polls instead of listening.
DB_PGBOUNCER = env.flag("DB_PGBOUNCER", False)
DB_SCHEMA = env.text("DB_SCHEMA", "public")
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **database.address(env),
        "ENGINE": "checkout_project.postgresql",  # a restarted PostgreSQL costs no request
        "TIME_ZONE": env.text("DB_TIMEZONE", "UTC"),
        "DISABLE_SERVER_SIDE_CURSORS": DB_PGBOUNCER,
    }
}
DATABASES["default"]["OPTIONS"] |= {
    "connect_timeout": 3,  # seconds, for each host
    "server_side_binding": True,
    "prepare_threshold": None if DB_PGBOUNCER else 5,  # planned once a connection (docs/capacity.md)
}
if not DB_PGBOUNCER:
    DATABASES["default"]["OPTIONS"]["options"] = database.session_options(DB_SCHEMA)
# The web's processes keep a pool; manage.py's commands, the worker among them, work in one or two threads without one.
if env.flag("DB_POOL", True):
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": min(DB_MAX_IDLE_CONNS // _web_processes, _open_share),
        "max_size": _open_share,
        "max_lifetime": DB_CONN_MAX_LIFETIME,
        "timeout": 2,  # seconds a request waits for a connection before it is told 503
        "reconnect_timeout": 1,  # seconds; the library's 300 would fail as long again as PostgreSQL had been away
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

FIELD_ENCRYPTION_KEYS = [
    key.strip()
    for key in env.secret(
        "FIELD_ENCRYPTION_KEYS", generated_in=_LOCAL_SECRETS, make=lambda: Fernet.generate_key().decode()
    ).split(",")
    if key.strip()
]

# --- cache -----------------------------------------------------------------------------------------------------------

CACHE_DRIVER = env.choice("CACHE_DRIVER", "redis", ("redis", "memory"))
CACHE_PREFIX = "appmax_checkout_"

CACHES: dict[str, dict[str, Any]] = {
    "default": {
        **(
            cache.redis(env)
            if CACHE_DRIVER == "redis"
            else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
        ),
        "KEY_PREFIX": CACHE_PREFIX,
        "KEY_FUNCTION": "checkout_project.cache.make_key",
    }
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True
DJANGO_REDIS_LOGGER = "checkout_project.cache"

# --- Appmax ----------------------------------------------------------------------------------------------------------

APPMAX_AUTH_URL = env.url("APPMAX_AUTH_URL", "https://auth.appmax.com.br")
APPMAX_API_URL = env.url("APPMAX_API_URL", "https://api.appmax.com.br")
APPMAX_ADMIN_URL = env.url("APPMAX_ADMIN_URL", "https://admin.appmax.com.br")
# What pages and the admin warn with: money is real in production only.
APPMAX_ENVIRONMENT = (
    "production"
    if APPMAX_API_URL == "https://api.appmax.com.br"
    else "sandbox"
    if str(urlsplit(APPMAX_API_URL).hostname).endswith(".sandboxappmax.com.br")
    else "simulator"
)
# Seconds that we wait for an answer; more would outlast what is taken for abandoned (orders/idempotency.py).
APPMAX_TIMEOUT = env.number("APPMAX_TIMEOUT", 30, minimum=1)
if APPMAX_TIMEOUT > 60:
    raise ImproperlyConfigured(f"APPMAX_TIMEOUT must be at most 60 seconds, not {APPMAX_TIMEOUT}")
# Appmax's dates carry no zone, and no page of its documentation names one.
APPMAX_TIMEZONE = env.timezone("APPMAX_TIMEZONE", "America/Sao_Paulo")
# Where an order's page is in Appmax's panel, after APPMAX_ADMIN_URL, with {order_id} in it; Appmax documents none.
APPMAX_PANEL_ORDER_PATH = env.text("APPMAX_PANEL_ORDER_PATH", "/")
# Blank until Appmax has mailed them; the routes that need one then answer 503 and name it.
APPMAX_CLIENT_ID = env.text("APPMAX_CLIENT_ID", "")
APPMAX_CLIENT_SECRET = env.text("APPMAX_CLIENT_SECRET", "")
APPMAX_APP_ID_UUID = env.text("APPMAX_APP_ID_UUID", "")
APPMAX_APP_ID_NUMERIC = env.text("APPMAX_APP_ID_NUMERIC", "")

# A storefront to try an installation with, linked from the page after it: the demo shop, under `make run`.
DEMO_SHOP_URL = env.text("DEMO_SHOP_URL", "")

# --- webhooks --------------------------------------------------------------------------------------------------------

# What the registered URL carries as ?token=; several while one is being replaced, the first is shown.
WEBHOOK_SECRET = env.words("WEBHOOK_SECRET")
# payload: apply at once, and verify with Appmax what means money; confirm: apply when Appmax has confirmed it
WEBHOOK_TRUST = env.choice("WEBHOOK_TRUST", "payload", ("payload", "confirm"))
WEBHOOK_WAIT_HOURS = env.number("WEBHOOK_WAIT_HOURS", 72, minimum=1)  # for an order, or for the confirmation
WEBHOOK_PAYLOAD_DAYS = env.number("WEBHOOK_PAYLOAD_DAYS", 180, minimum=1)

# --- API -------------------------------------------------------------------------------------------------------------

API_KEYS_REQUIRED = env.flag("API_KEYS_REQUIRED", True)
MAX_BODY_BYTES = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
FILE_UPLOAD_HANDLERS = ["web.bodies.NoFiles"]

# --- jobs ------------------------------------------------------------------------------------------------------------

# A job that succeeded leaves nothing behind: what it did is in the tables. One that failed stays for staff to see.
PROCRASTINATE_WORKER_DEFAULTS = {
    "concurrency": JOB_CONCURRENCY,
    "delete_jobs": "successful",
    "shutdown_graceful_timeout": 60,  # seconds
    "listen_notify": not DB_PGBOUNCER,
    "fetch_job_polling_interval": 1.0 if DB_PGBOUNCER else 5.0,  # seconds
    "worker_middleware": [logs.name_job],
}

# --- security --------------------------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
# How many reverse proxies of ours stand in front: X-Forwarded-For is believed as far as they wrote it, and so are
# X-Forwarded-Proto and X-Forwarded-Host.
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0)
if TRUSTED_PROXIES:  # which overwrite these headers; from anybody else they mean nothing
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not IS_LOCAL
# Behind proxies that say which requests came over https, the others are sent there; gunicorn itself speaks http.
SECURE_SSL_REDIRECT = not IS_LOCAL and TRUSTED_PROXIES > 0
SECURE_REDIRECT_EXEMPT = ["^health", "^metrics"]  # asked by machines beside us, over http
SECURE_HSTS_SECONDS = 0 if IS_LOCAL else env.number("HSTS_SECONDS", 365 * 24 * 3600)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: [] for name in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
}
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # preloading is for whoever owns the whole domain to ask for
SESSION_COOKIE_AGE = (
    env.number("ADMIN_SESSION_HOURS", 8, minimum=1) * 3600
)  # from login; pages that poll don't renew it
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "web.errors.form_expired"
LANGUAGE_COOKIE_SECURE = not IS_LOCAL
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600  # seconds

# Whether staff must prove a second factor (an authenticator app); who has set one up is asked for it in any case.
ADMIN_OTP_REQUIRED = env.flag("ADMIN_OTP_REQUIRED", not IS_LOCAL)
OTP_TOTP_ISSUER = "Appmax Checkout"
OTP_ADMIN_HIDE_SENSITIVE_DATA = True

# Guessing passwords: five failures from one address for one name, and that pair waits for a quarter of an hour.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # or whoever goes on guessing keeps the name's owner out
AXES_HANDLER = "backoffice.logins.Handler"
AXES_LOCKOUT_CALLABLE = "backoffice.logins.locked_out"
AXES_USERNAME_CALLABLE = "backoffice.logins.name_tried"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # ours shows them
AXES_DISABLE_ACCESS_LOG = True
AXES_CLIENT_IP_CALLABLE = "web.address.client_ip"

# Nothing is fetched from another host. The admin's pages add what Unfold needs (site.py).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "style-src": [SELF, UNSAFE_INLINE],  # style attributes, of which Unfold's pages are full
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF, APPMAX_ADMIN_URL],  # the install button, and an order's page there
        "frame-ancestors": [NONE],
    }
}
DEFAULT_EXCEPTION_REPORTER_FILTER = "web.errors.NoVariables"

# --- logs and metrics ------------------------------------------------------------------------------------------------

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("LOG_FORMAT", "text" if IS_LOCAL else "json", ("text", "json"))
logs.configure_structlog()
LOGGING = logs.configuration(LOG_LEVEL, LOG_FORMAT)

# What Prometheus sends as a bearer token; without it production shows nobody its figures.
METRICS_TOKEN = env.text("METRICS_TOKEN", "")
# Where the job worker shows its own figures (manage.py worker); 0: nowhere.
WORKER_METRICS_PORT = env.number("WORKER_METRICS_PORT", 0, maximum=65535)
# Error reports: off unless set.
SENTRY_DSN = env.text("SENTRY_DSN", "")

# ---------------------------------------------------------------------------------------------------------------------

if not IS_LOCAL:
    production.refuse_weak_settings(
        debug=DEBUG,
        secret_key=SECRET_KEY,
        allowed_hosts=ALLOWED_HOSTS,
        public_url=PUBLIC_URL,
        url_variable="NGROK_URL" if NGROK_URL else "APP_URL",
        encryption_keys=FIELD_ENCRYPTION_KEYS,
        api_keys_required=API_KEYS_REQUIRED,
        cache_driver=CACHE_DRIVER,
        webhook_secrets=WEBHOOK_SECRET,
    )
