"""Stands for a browser in which Ada logs in and allows what an application asks for."""

import html
import http.cookiejar
import json
import re
import sys
import urllib.parse
import urllib.request

cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
browser = urllib.request.build_opener(cookies)
with open("widgetapp-data/demo.json") as demo:
    password = json.load(demo)["users"]["ada"]["password"]


def submit(page, **fields):
    text = page.read().decode()
    action = re.search(r'<form method="post" action="(/(?:login|oauth/authorize))"', text)[1]
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', text)
    form = {name: html.unescape(value) for name, value in hidden} | fields
    return browser.open(urllib.parse.urljoin(page.url, action), urllib.parse.urlencode(form).encode())


consent = submit(browser.open(sys.argv[1]), username="ada", password=password)
submit(consent, decision="allow")
