"""Scrapy settings of the project. Safe by default; `scrapy list | check | crawl | shell` need nothing else.
"""

from __future__ import annotations

BOT_NAME = "yujing"
SPIDER_MODULES = ["crawlers.spiders"]
NEWSPIDER_MODULE = "crawlers.spiders"
TWISTED_REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"

# Who we are, with a page where a site's owner can reach us.
USER_AGENT = "yujing/0.1 (+https://github.com/yujing/yujing)"
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/json;q=0.9,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5",
}

# Nothing but the web: file: and data: are fetched by Scrapy's defaults.
DOWNLOAD_HANDLERS = {"file": None, "data": None, "ftp": None, "s3": None}
DOWNLOAD_MAXSIZE = 16 * 1024 * 1024  # the default of 1 GiB lets a gzip of 408 KB grow to 877 MB
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_TIMEOUT = 20
DOWNLOAD_VERIFY_CERTIFICATES = True
DNS_TIMEOUT = 10
REDIRECT_MAX_TIMES = 5
METAREFRESH_ENABLED = False
HTTPPROXY_ENABLED = False  # behind a proxy the guard would only see the proxy's address
COOKIES_ENABLED = False
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False

# Politeness: one connection a domain, no faster than it answers.
ROBOTSTXT_OBEY = True
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_DELAY = 1.0
DOWNLOAD_DELAY_JITTER = 0.0  # a delay is a promise: jitter would undercut it
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 1.0
AUTOTHROTTLE_MAX_DELAY = 60.0
RETRY_TIMES = 3
DOWNLOADER_MIDDLEWARES = {
    # Scrapy's own robots middleware takes 5xx and network errors for "allow"; its retry ignores Retry-After.
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "crawlers.robots.RobotsMiddleware": 100,
    "crawlers.gate.GateMiddleware": 110,
    "crawlers.retry.RetryMiddleware": 550,
}
EXTENSIONS = {"crawlers.guard.GuardExtension": 10}

FEED_EXPORT_ENCODING = "utf-8"
LOG_LEVEL = "INFO"
