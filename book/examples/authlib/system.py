"""A system that acts for itself: it shows its id and secret."""

import os
import sys

import requests
from authlib.integrations.requests_client import OAuth2Session

server, client_id = sys.argv[1:]
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
metadata = requests.get(f"{server}/.well-known/oauth-authorization-server").json()
widgetapp = OAuth2Session(client_id, os.environ["CLIENT_SECRET"], token_endpoint=metadata["token_endpoint"])

token = widgetapp.fetch_token(grant_type="client_credentials", scope="things:read")
print("may", token["scope"])

told = widgetapp.introspect_token(metadata["introspection_endpoint"], token["access_token"]).json()
print(told["client_id"], "of", told["organisation"], "is active:", told["active"])
