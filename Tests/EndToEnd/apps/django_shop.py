"""A small Django shop under Elastic's own agent: `python django_shop.py PORT APM_SERVER_URL`."""

from __future__ import annotations

import logging
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s %(levelname)s %(message)s")
PORT = int(sys.argv[1])

settings.configure(
    SECRET_KEY="only for this test",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["elasticapm.contrib.django"],
    MIDDLEWARE=["elasticapm.contrib.django.middleware.TracingMiddleware"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    LOGGING_CONFIG=None,
    ELASTIC_APM={
        "SERVICE_NAME": "django-shop",
        "ENVIRONMENT": "testing",
        "SERVER_URL": sys.argv[2],
        "API_REQUEST_TIME": "1s",
        "METRICS_INTERVAL": "2s",
        "DEBUG": True,
    },
)
django.setup()


def item(_: HttpRequest, number: int) -> HttpResponse:
    """A page with a database query."""
    with connection.cursor() as cursor:
        cursor.execute("select %s + 1", [number])
        return JsonResponse({"next": cursor.fetchone()[0]})


def order(_: HttpRequest, number: int) -> HttpResponse:
    """Fails for every twentieth number."""
    return JsonResponse({"share": 100 // (number % 20)})


urlpatterns = [path("item/<int:number>", item), path("order/<int:number>", order)]


class Quiet(WSGIRequestHandler):
    """No access log: standard error is for the agent."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    make_server("127.0.0.1", PORT, get_wsgi_application(), handler_class=Quiet).serve_forever()
