"""All settings, in sections: app, database, cache, Appmax, webhooks, e-mail, API, jobs, security, logs and metrics.

They come from environment variables, which `.env.example` documents. The settings of the API's and the admin's
libraries that no variable changes are in library_settings.py.
"""

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
from observability import logs, probe

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(BASE_DIR / ".env")

# --- app -------------------------------------------------------------------------------------------------------------

APP_ENV = env.choice("APP_ENV", "local", ("local", "production"))
IS_LOCAL = APP_ENV == "local"
DEBUG = env.flag("APP_DEBUG", False)
# A local start makes its own secrets once, in a folder that git ignores. Production has to set them.
_LOCAL_SECRETS = BASE_DIR / ".data" / "secrets" if IS_LOCAL else None
SECRET_KEY = env.secret("APP_KEY", generated_in=_LOCAL_SECRETS)

_any_address = "0.0.0.0"  # noqa: S104 - behind a container's port # nosec B104
APP_HOST = env.server("APP_HOST", "127.0.0.1" if IS_LOCAL else _any_address, port="APP_PORT", url="APP_URL")
APP_PORT = env.number("APP_PORT", 8080, minimum=1)
_named_url = env.url("APP_URL", "" if IS_LOCAL else None, has_path=False)
APP_URL = _named_url or f"http://127.0.0.1:{APP_PORT}"
NGROK_URL = env.url("NGROK_URL", "", has_path=False)
PUBLIC_URL = NGROK_URL or APP_URL
# Whether the operator has set the public URL. If not, it is read from the headers of trusted proxies (web/pages.py).
IS_PUBLIC_URL_NAMED = bool(NGROK_URL or _named_url)

ALLOWED_HOSTS = [
    *dict.fromkeys((addresses.host_of(PUBLIC_URL), addresses.host_of(APP_URL))),
    *env.hosts("ALLOWED_HOSTS"),
    *(["localhost", "127.0.0.1", "[::1]"] if IS_LOCAL else []),
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

ROOT_URLCONF = "checkout_project.urls"

INSTALLED_APPS = [
    "checkout_project",
    "backoffice.apps.BackOfficeConfig",  # It stands before Unfold and Django's admin, so that its templates win.
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
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "installations",
    "notifications",
    "orders",
    "webhooks",
]

MIDDLEWARE = [
    "observability.middleware.Observed",
    "web.middleware.MendsAddresses",
    "web.middleware.ProgramsSkipPages",  # Programs' requests go to PROGRAM_MIDDLEWARE from here.
    "web.middleware.ProbesUnderAnyName",
    "web.bodies.LimitsBodies",
    "web.middleware.KeepsMethod",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "web.middleware.Language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",  # It must be last, as it replaces the answer to a login that is locked out.
]
PROGRAM_MIDDLEWARE = [
    "web.bodies.LimitsBodies",
    "web.middleware.KeepsMethod",
    "web.middleware.SecurityForPrograms",
    "web.middleware.SpeaksEnglish",
    "django.middleware.common.CommonMiddleware",
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
# The second folder translates the texts of libraries that have no Portuguese of their own.
LOCALE_PATHS = [BASE_DIR / "web" / "locale", BASE_DIR / "web" / "locale_libraries"]
FORMAT_MODULE_PATH = "web.formats"
TIME_ZONE = "America/Sao_Paulo"  # Staff see times in this zone. They are stored and answered in UTC.

STATIC_URL = "static/"
# A local start serves the files from the apps' folders. For production they are collected when the image is built.
STATIC_ROOT = None if IS_LOCAL else BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = IS_LOCAL

# --- database --------------------------------------------------------------------------------------------------------

env.choice("DB_CONNECTION", "postgres", ("postgres",))

DB_MAX_IDLE_CONNS = env.number("DB_MAX_IDLE_CONNS", 5)
DB_MAX_OPEN_CONNS = env.number("DB_MAX_OPEN_CONNS", 25, minimum=1)
DB_CONN_MAX_LIFETIME = env.number("DB_CONN_MAX_LIFETIME", 300, minimum=1)  # seconds

# The worker does this many jobs at once, each in a thread with one connection. The queue itself uses four more.
JOB_CONCURRENCY = 3
_job_connections = JOB_CONCURRENCY + 4
_web_connections = DB_MAX_OPEN_CONNS - _job_connections  # The web's processes of all groups share these.
# Production runs two groups of gunicorn with the same settings: docker-compose.yml, ops/systemd, ops/nginx.
WEB_GROUPS = env.number("WEB_GROUPS", 1, minimum=1)
WEB_CONCURRENCY = env.number(  # processes of each group
    "WEB_CONCURRENCY", cpus.web_processes(cpus.usable(), _web_connections // WEB_GROUPS), minimum=1
)
# Threads of each process. They outnumber the connections, as a thread that waits for Appmax holds none.
WEB_THREADS = env.number("WEB_THREADS", 160, minimum=1)
# Whether the product is loaded once for all processes of a group. HUP doesn't bring new code then, which a container
# never gets, and they take a quarter less memory (docs/capacity.md).
WEB_PRELOAD = env.flag("WEB_PRELOAD", False)
_web_processes = WEB_GROUPS * WEB_CONCURRENCY
_open_share = _web_connections // _web_processes

if _open_share < 1:
    raise ImproperlyConfigured(
        f"DB_MAX_OPEN_CONNS ({DB_MAX_OPEN_CONNS}) must be at least {_web_processes + _job_connections}: "
        f"one for each of the web's processes (WEB_GROUPS={WEB_GROUPS} × WEB_CONCURRENCY={WEB_CONCURRENCY}), "
        f"{_job_connections} for the worker"
    )
# Whether a PgBouncer in front of PostgreSQL lends connections for one transaction at a time, so that no setting of a
# session lasts. The session's first settings must then be set on the database role (checks.py), and the worker polls
# instead of listening.
DB_PGBOUNCER = env.flag("DB_PGBOUNCER", False)
DB_SCHEMA = env.text("DB_SCHEMA", "public")
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **database.address(env),
        "ENGINE": "checkout_project.postgresql",
        "TIME_ZONE": env.text("DB_TIMEZONE", "UTC"),
        "DISABLE_SERVER_SIDE_CURSORS": DB_PGBOUNCER,
    }
}
DATABASES["default"]["OPTIONS"] |= {
    "connect_timeout": 3,  # seconds, for each host
    **database.GIVEN_UP,
    "server_side_binding": True,
    "prepare_threshold": None if DB_PGBOUNCER else 5,  # uses of a statement before it is prepared (docs/capacity.md)
}
if not DB_PGBOUNCER:
    DATABASES["default"]["OPTIONS"]["options"] = database.session_options(DB_SCHEMA)
# The web's processes keep a pool. Commands of manage.py, the worker included, turn it off: they use few threads.
if env.flag("DB_POOL", True):
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": min(DB_MAX_IDLE_CONNS // _web_processes, _open_share),
        "max_size": _open_share,
        "max_lifetime": DB_CONN_MAX_LIFETIME,
        "timeout": 2,  # seconds that a request waits for a connection before it is answered 503
        "reconnect_timeout": 1,  # seconds; with the library's 300 the pool may stay empty long after PostgreSQL is back
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

FIELD_ENCRYPTION_KEYS = [
    key.strip()
    for key in env.secret(
        "FIELD_ENCRYPTION_KEYS", generated_in=_LOCAL_SECRETS, make=lambda: Fernet.generate_key().decode()
    ).split(",")
    if key.strip()
]

# The keys of the hashes that shoppers and codes are found by: the first one makes them, and all of them are tried.
SEARCH_HASH_KEYS = [
    key.strip() for key in env.secret("SEARCH_HASH_KEYS", generated_in=_LOCAL_SECRETS).split(",") if key.strip()
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
# Pages and the admin show this, as money is real in production only.
APPMAX_ENVIRONMENT = (
    "production"
    if APPMAX_API_URL == "https://api.appmax.com.br"
    else "sandbox"
    if str(urlsplit(APPMAX_API_URL).hostname).endswith(".sandboxappmax.com.br")
    else "simulator"
)
# Seconds to wait for an answer. Above the limit, a payment might be sent when its attempt counts as over already
# (OVER_AFTER in orders/questions/verdict.py): seven waits may come before it, three for a token, one in which Appmax
# refuses that token, and three for another, and 2 s for the merchant's turn (installations/limits.py).
APPMAX_TIMEOUT = env.number("APPMAX_TIMEOUT", 30, minimum=1)
if APPMAX_TIMEOUT > 40:
    raise ImproperlyConfigured(f"APPMAX_TIMEOUT must be at most 40 seconds, not {APPMAX_TIMEOUT}")
# Calls a second that Appmax takes of a merchant in the long run; 0: no limit of ours.
APPMAX_RATE = env.number("APPMAX_RATE", 5)
# Appmax's dates carry no zone, and no page of its documentation names one.
APPMAX_TIMEZONE = env.timezone("APPMAX_TIMEZONE", "America/Sao_Paulo")
# The path of an order's page in Appmax's panel, beneath APPMAX_ADMIN_URL, with {order_id} in it. Appmax documents none.
APPMAX_PANEL_ORDER_PATH = env.text("APPMAX_PANEL_ORDER_PATH", "/")
# These are blank until Appmax has mailed them. A route that needs a blank one answers 503 and names it.
APPMAX_CLIENT_ID = env.text("APPMAX_CLIENT_ID", "")
APPMAX_CLIENT_SECRET = env.text("APPMAX_CLIENT_SECRET", "")
APPMAX_APP_ID_UUID = env.text("APPMAX_APP_ID_UUID", "")
APPMAX_APP_ID_NUMERIC = env.text("APPMAX_APP_ID_NUMERIC", "")

# A storefront to try an installation with, linked from the page after it: the demo shop, under `make run`.
DEMO_SHOP_URL = env.text("DEMO_SHOP_URL", "")

# --- webhooks --------------------------------------------------------------------------------------------------------

# The registered URL carries this as ?token=. While a secret is being replaced there are several: all are accepted, and
# the first one is shown.
WEBHOOK_SECRET = env.words("WEBHOOK_SECRET")
# "payload" applies an event at once, and asks Appmax afterwards about what means money. "confirm" applies it only when
# Appmax has confirmed it.
WEBHOOK_TRUST = env.choice("WEBHOOK_TRUST", "payload", ("payload", "confirm"))
WEBHOOK_WAIT_HOURS = env.number("WEBHOOK_WAIT_HOURS", 72, minimum=1)  # for an order, or for the confirmation
WEBHOOK_PAYLOAD_DAYS = env.number("WEBHOOK_PAYLOAD_DAYS", 180, minimum=1)

# --- notifications to storefronts ------------------------------------------------------------------------------------

# Networks that storefronts' endpoints may be in although they are not public, also over http. All others of that kind
# are refused.
NOTIFY_ALLOWED_NETWORKS = env.networks("NOTIFY_ALLOWED_NETWORKS")
NOTIFY_KEEP_DAYS = env.number("NOTIFY_KEEP_DAYS", 30, minimum=6)  # longer than the last try of a message may be away

# --- support ---------------------------------------------------------------------------------------------------------

# Where people are sent for help: on error pages, in the install flow, and by staff's login. Either may be blank.
SUPPORT_EMAIL = env.email("SUPPORT_EMAIL")
SUPPORT_URL = env.url("SUPPORT_URL", "")

# --- e-mail ----------------------------------------------------------------------------------------------------------

EMAIL_HOST = (
    env.server("EMAIL_HOST", "", port="EMAIL_PORT", url="EMAIL_HOST and EMAIL_PORT") if env.is_set("EMAIL_HOST") else ""
)
_email_security = env.choice("EMAIL_SECURITY", "starttls", ("starttls", "tls", "none"))
EMAIL_USE_TLS = _email_security == "starttls"
EMAIL_USE_SSL = _email_security == "tls"
EMAIL_PORT = env.number(
    "EMAIL_PORT", {"starttls": 587, "tls": 465, "none": 25}[_email_security], minimum=1, maximum=65535
)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_TIMEOUT = 10  # seconds, for each answer of the server
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", None if EMAIL_HOST else "")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- API -------------------------------------------------------------------------------------------------------------

API_KEYS_REQUIRED = env.flag("API_KEYS_REQUIRED", True)
API_KEY_RATE = env.number("API_KEY_RATE", 20)  # requests a second of each key in the long run; 0: no limit
MAX_BODY_BYTES = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
FILE_UPLOAD_HANDLERS = ["web.bodies.NoFiles"]

# --- jobs ------------------------------------------------------------------------------------------------------------

# A job that succeeded is deleted, as the tables show what it did. One that failed stays for staff to see.
PROCRASTINATE_WORKER_DEFAULTS = {
    "concurrency": JOB_CONCURRENCY,
    "delete_jobs": "successful",
    "shutdown_graceful_timeout": 60,  # seconds
    "listen_notify": not DB_PGBOUNCER,
    "fetch_job_polling_interval": 1.0 if DB_PGBOUNCER else 5.0,  # seconds
    "worker_middleware": [logs.name_job, probe.show_life],
}

# --- security --------------------------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 48 * 3600  # seconds that a link to choose a password is good for
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "backoffice.refusals.Remembering",
]
# The number of our own reverse proxies in front. As many entries at the end of X-Forwarded-For are believed, and so are
# X-Forwarded-Proto and X-Forwarded-Host, which our proxies overwrite.
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not IS_LOCAL
# Proxies tell which requests came over http, and those are redirected to https. Without proxies every request looks
# like http, as gunicorn speaks nothing else.
SECURE_SSL_REDIRECT = not IS_LOCAL and TRUSTED_PROXIES > 0
SECURE_REDIRECT_EXEMPT = ["^health", "^metrics"]  # Machines in the inner network ask these over http.
SECURE_HSTS_SECONDS = 0 if IS_LOCAL else env.number("HSTS_SECONDS", 365 * 24 * 3600)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: [] for name in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
}
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # Only the owner of the whole domain can decide on HSTS preloading.
# Seconds from login. Requests don't renew a session, or pages that poll would keep it open for ever.
SESSION_COOKIE_AGE = env.number("ADMIN_SESSION_HOURS", 8, minimum=1) * 3600
CSRF_FAILURE_VIEW = "web.errors.form_expired"
LANGUAGE_COOKIE_SECURE = not IS_LOCAL
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600  # seconds

# Whether staff must have a second factor (an authenticator app). Those who have set one up are always asked for it.
ADMIN_OTP_REQUIRED = env.flag("ADMIN_OTP_REQUIRED", not IS_LOCAL)
OTP_TOTP_ISSUER = "Appmax Checkout"
OTP_ADMIN_HIDE_SENSITIVE_DATA = True

# Against guessed passwords: after five failures, the pair of name and address is locked out for 15 minutes.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # Otherwise guessing on would keep the name's owner out.
AXES_HANDLER = "backoffice.logins.Handler"
AXES_LOCKOUT_CALLABLE = "backoffice.logins.locked_out"
AXES_USERNAME_CALLABLE = "backoffice.logins.name_tried"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True
AXES_CLIENT_IP_CALLABLE = "web.address.client_ip"

# Pages fetch nothing from other hosts. The admin's pages also allow what Unfold needs (backoffice/site.py).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "style-src": [SELF, UNSAFE_INLINE],  # Unfold's pages use style attributes.
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

# Prometheus sends this as a bearer token. Without it production shows its figures to nobody.
METRICS_TOKEN = env.text("METRICS_TOKEN", "")
# The port where the job worker shows its own figures (manage.py worker); 0 turns that off.
WORKER_METRICS_PORT = env.number("WORKER_METRICS_PORT", 0, maximum=65535)
# Error reports are sent only if this is set.
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
        search_keys=SEARCH_HASH_KEYS,
        api_keys_required=API_KEYS_REQUIRED,
        cache_driver=CACHE_DRIVER,
        webhook_secrets=WEBHOOK_SECRET,
    )
