// An application that acts for a person: it sends their browser to WidgetApp, and gets tokens for what they allow.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import * as oauth from "openid-client";

const [server, id] = process.argv.slice(2);
// The demonstration speaks plain HTTP; for a server with a certificate leave out this line, and `plain` below.
const plain = { execute: [oauth.allowInsecureRequests], algorithm: "oauth2" };
const widgetapp = await oauth.discovery(new URL(server), id, undefined, oauth.None(), plain);

// The browser comes back to a program on the user's own computer, at a port that is free.
const listener = createServer().listen(0, "127.0.0.1");
await once(listener, "listening");
const redirect_uri = `http://127.0.0.1:${listener.address().port}/callback`;

const verifier = oauth.randomPKCECodeVerifier();
const state = oauth.randomState();
const address = oauth.buildAuthorizationUrl(widgetapp, {
  redirect_uri,
  state,
  scope: "stream things:read",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
});
const browser = process.env.BROWSER ?? "xdg-open %s";
spawn(browser.replace("%s", `'${address}'`), { shell: true, stdio: "ignore" });

const [request, response] = await once(listener, "request");
response.end("You can close this page.");
listener.close();

const came = new URL(request.url, redirect_uri);
const tokens = await oauth.authorizationCodeGrant(widgetapp, came, { pkceCodeVerifier: verifier, expectedState: state });
console.log("may", tokens.scope, "for", tokens.expires_in, "seconds");

const found = await fetch(`${server}/_ajax/search?q=welcome`, {
  headers: { authorization: `Bearer ${tokens.access_token}` },
});
console.log("finds", (await found.json()).things.map((thing) => thing.title));

const fresh = await oauth.refreshTokenGrant(widgetapp, tokens.refresh_token);
console.log("refreshed:", fresh.refresh_token !== tokens.refresh_token);

await oauth.tokenRevocation(widgetapp, fresh.refresh_token);
const late = await fetch(`${server}/_ajax/search?q=welcome`, {
  headers: { authorization: `Bearer ${fresh.access_token}` },
});
console.log("after revoking:", late.status, (await late.json()).name);
