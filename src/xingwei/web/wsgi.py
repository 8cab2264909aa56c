"""The WSGI application, and the same as it is served: behind proxies whose word on the client's address counts."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xingwei.web.settings")
application = get_wsgi_application()
served = wrap_wsgi_with_proxy_headers(application, trusted_hosts=list(settings.CONFIG.proxies))
