"""An application that acts for a person: it sends their browser to WidgetApp, and gets tokens for what they allow."""

import os
import sys
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session

server, client_id = sys.argv[1:]
# The demonstration speaks plain HTTP; leave this line out for a server with a certificate.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
metadata = requests.get(f"{server}/.well-known/oauth-authorization-server").json()


class Callback(BaseHTTPRequestHandler):
    """The browser comes back to a program on the user's own computer, at a port that is free."""

    def do_GET(self):
        self.server.came = self.path
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"You can close this page.")

    def log_message(self, *_):
        pass


listener = HTTPServer(("127.0.0.1", 0), Callback)
widgetapp = OAuth2Session(
    client_id,
    scope="stream things:read",
    redirect_uri=f"http://127.0.0.1:{listener.server_port}/callback",
    token_endpoint=metadata["token_endpoint"],
    token_endpoint_auth_method="none",
    revocation_endpoint_auth_method="none",
    code_challenge_method="S256",
)
verifier = generate_token(48)
address, state = widgetapp.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
webbrowser.open(address)
listener.handle_request()

token = widgetapp.fetch_token(authorization_response=listener.came, state=state, code_verifier=verifier)
print("may", token["scope"], "for", token["expires_in"], "seconds")

found = widgetapp.get(f"{server}/_ajax/search", params={"q": "welcome"}).json()
print("finds", [thing["title"] for thing in found["things"]])

fresh = widgetapp.refresh_token(refresh_token=token["refresh_token"])
print("refreshed:", fresh["refresh_token"] != token["refresh_token"])

widgetapp.revoke_token(metadata["revocation_endpoint"], fresh["refresh_token"], "refresh_token")
late = requests.get(
    f"{server}/_ajax/search?q=welcome", headers={"Authorization": f"Bearer {fresh['access_token']}"}
)
print("after revoking:", late.status_code, late.json()["name"])
