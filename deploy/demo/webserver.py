"""A real nginx that runs as an ordinary user and serves a small site."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from services import DemoError, Services, answers, free_port

# nginx.conf's usual `main` format with the request time behind it. ingest's parser is configured with this text.
LOG_FORMAT = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent" "$http_x_forwarded_for" $request_time'
)

PAGES = {
    "index.html": 1_800,
    "products.html": 6_200,
    "products/42.html": 3_400,
    "cart.html": 2_100,
    "img/logo.svg": 900,
    "css/site.css": 4_700,
    "js/app.js": 11_000,
    "feed.xml": 5_200,
    "robots.txt": 60,
    "reports/annual.pdf": 60_000,
}

CONFIGURATION = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 512; }}
http {{
    log_format demo '{log_format}';
    access_log {folder}/access.log demo;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/html html; text/css css; text/javascript js; image/svg+xml svg; application/pdf pdf; text/xml xml; text/plain txt; }}
    server {{
        listen 127.0.0.1:{port};
        root {folder}/pages;
        location = /ping {{ access_log off; return 200; }}
        location = /old-shop {{ return 301 /products.html; }}
        location = /admin {{ return 403; }}
        location = /api/order {{ return 500; }}
        location = /api/stock {{ return 503; }}
        # A slow page without a backend: 60 kB at 64 kB/s.
        location /reports/ {{ limit_rate 64k; }}
    }}
}}
"""


class WebServer:
    """nginx with its pages, configuration and logs in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.access_log = folder / "access.log"

    @property
    def url(self) -> str:
        """The address of the first page."""
        return f"http://127.0.0.1:{self.port}/"

    def start(self, services: Services) -> None:
        """Writes pages and configuration, starts nginx and waits for its first answer."""
        program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if program is None:
            raise DemoError("nginx is not installed; run: make setup")
        for path, size in PAGES.items():
            page = self.folder / "pages" / path
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_bytes((f"<!-- {path} -->\n".encode() * size)[:size])
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(
                # A master started by root would give its workers to a user who may not read this folder.
                user="user root;" if os.geteuid() == 0 else "",
                folder=self.folder,
                port=self.port,
                log_format=LOG_FORMAT,
            )
        )
        services.start(
            "nginx",
            [program, "-c", configuration, "-e", self.folder / "error.log"],
            is_ready=lambda: answers(f"{self.url}ping"),
        )

    def logged(self) -> int:
        """How many lines the access log holds."""
        return self.access_log.read_bytes().count(b"\n")
