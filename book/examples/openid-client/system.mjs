// A system that acts for itself: it shows its id and secret.
import * as oauth from "openid-client";

const [server, id] = process.argv.slice(2);
const secret = process.env.CLIENT_SECRET;
// The demonstration speaks plain HTTP; for a server with a certificate leave out this line, and `plain` below.
const plain = { execute: [oauth.allowInsecureRequests], algorithm: "oauth2" };
const widgetapp = await oauth.discovery(new URL(server), id, undefined, oauth.ClientSecretBasic(secret), plain);

const tokens = await oauth.clientCredentialsGrant(widgetapp, { scope: "things:read" });
console.log("may", tokens.scope);

const told = await oauth.tokenIntrospection(widgetapp, tokens.access_token);
console.log(told.client_id, "of", told.organisation, "is active:", told.active);
