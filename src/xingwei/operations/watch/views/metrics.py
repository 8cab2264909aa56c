"""/watch/metrics in Prometheus' text format; let in as /metrics is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from xingwei.operations.gateway.views.alerts import Metrics as GatewayMetrics

from .. import metrics


class Metrics(GatewayMetrics):
    permission = GatewayMetrics.permission

    def get(self, request: HttpRequest) -> HttpResponse:
        if not self._may(request):
            return super().get(request)  # says why not
        return HttpResponse(metrics.text(), content_type=CONTENT_TYPE_LATEST)
