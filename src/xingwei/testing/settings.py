"""The product's settings, with what would only slow tests down made cheap."""

from xingwei.testing.template import DATABASE
from xingwei.web.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
DATABASES["default"]["TEST"] = {"TEMPLATE": DATABASE}
