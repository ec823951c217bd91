Feature: Access tokens
  Programs get short-lived access tokens from WFE, and replace them without ending their streams.

  @claim:client-credentials+1
  Rule: A program that acts for itself gets a token for its id and secret

    Scenario: Id and secret by HTTP Basic
      Given WidgetApp is running
      When the external system asks for a token by HTTP Basic with:
        """
        grant_type=client_credentials&scope=stream
        """
      Then the answer is 200 and like:
        """
        {"access_token": "...", "token_type": "Bearer", "expires_in": 600, "scope": "stream"}
        """
      And the answer's header "Cache-Control" is "no-store"

    Scenario: Id and secret in the form
      Given WidgetApp is running
      When the external system asks for a token with:
        """
        grant_type=client_credentials&client_id=demo-external-system&client_secret=SECRET
        """
      Then the answer is 200 and like:
        """
        {"token_type": "Bearer", "scope": "stream things:read things:write"}
        """

  @claim:oauth-errors+1
  Rule: A request for a token that is wrong is answered in OAuth's own form

    Scenario Outline: Refused with <error>
      Given WidgetApp is running
      When the external system asks for a token with:
        """
        <form>
        """
      Then the answer is <status> and like:
        """
        {"error": "<error>", "error_description": "..."}
        """

      Examples:
        | form                                                                                                    | status | error                  |
        | grant_type=client_credentials&client_id=demo-external-system&client_secret=guess                        | 401    | invalid_client         |
        | grant_type=client_credentials&client_id=demo-external-system&client_secret=SECRET&scope=admin           | 400    | invalid_scope          |
        | grant_type=password&client_id=demo-external-system&client_secret=SECRET                                 | 400    | unsupported_grant_type |

  @claim:scope-subset+1
  Rule: A token carries the scopes that were asked for, and no others

    Scenario: Asked for to read
      Given WidgetApp is running
      When the external system asks for a token by HTTP Basic with:
        """
        grant_type=client_credentials&scope=things:read
        """
      Then the answer is 200 and like:
        """
        {"scope": "things:read"}
        """

  @claim:token-jwt+1
  Rule: An access token is a signed JWT

    Scenario: What a token says
      Given WidgetApp is running
      When the external system asks for a token by HTTP Basic with:
        """
        grant_type=client_credentials&scope=stream
        """
      Then the head of the token is like:
        """
        {"typ": "at+jwt", "alg": "EdDSA", "kid": "..."}
        """
      And the token says:
        """
        {"iss": "...", "aud": "...", "sub": "demo-external-system", "client_id": "demo-external-system",
         "organisation": "acme", "scope": "stream", "iat": "...", "exp": "...", "jti": "..."}
        """
      And the token is signed with a key of "/.well-known/jwks.json"

  @claim:oauth-metadata+1
  Rule: The server tells where its OAuth endpoints are

    Scenario Outline: At <address>
      Given WidgetApp is running
      When someone who is not logged in asks for "<address>"
      Then the answer is 200 and like:
        """
        {"issuer": "...", "token_endpoint": "...", "authorization_endpoint": "...", "jwks_uri": "...",
         "scopes_supported": ["stream", "things:read", "things:write"],
         "revocation_endpoint": "...", "introspection_endpoint": "...",
         "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"]}
        """

      Examples:
        | address                                 |
        | /.well-known/oauth-authorization-server |
        | /.well-known/openid-configuration       |

  @claim:stream-scope-suffices+1
  Rule: On a stream the scope "stream" suffices for every user action

    Scenario: A token for streaming alone makes a Thing
      Given WidgetApp is running
      And "monitor" streams as the external system with the scope "stream"
      When "monitor" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_create", "id": 1, "body": {"title": "Made on a stream"}}
        """
      Then "monitor" receives:
        """
        {"id": 1, "body": {"thing": "...", "offset": 1}}
        """

  @claim:token-refresh+1
  Rule: A token can be replaced while the stream goes on

    Scenario: Refreshing
      Given WidgetApp is running with these settings:
        """
        [oauth]
        access_token_seconds = 20
        """
      And "monitor" streams as the external system
      Then "monitor" receives:
        """
        {"port": 0, "name": "token_expiring", "body": {"expires_at": "..."}}
        """
      When "monitor" refreshes its token
      Then the token of "monitor" expires later than before
      And the connection of "monitor" is still good

  @claim:token-refresh-refused+1
  Rule: A token that cannot replace the present one is refused, and the stream goes on

    Scenario: A token of somebody else is not taken
      Given WidgetApp is running
      And "monitor" streams as Ada
      When "monitor" refreshes its token with one of Grace
      Then "monitor" receives:
        """
        {"port": 0, "name": "refresh", "error": {"code": 105, "name": "invalid_token", "temporary": false}}
        """
      And the connection of "monitor" is still good

    Scenario: What is not a token is not taken
      Given WidgetApp is running
      And "monitor" streams as Ada
      When "monitor" sends:
        """
        {"port": 0, "name": "refresh", "id": 5, "body": {"token": "made up"}}
        """
      Then "monitor" receives:
        """
        {"port": 0, "name": "refresh", "id": 5, "error": {"code": 105, "name": "invalid_token"}}
        """
      And the connection of "monitor" is still good

  @claim:token-expiring+1
  Rule: A program is warned 30 seconds before its token expires

    Scenario: The warning
      Given WidgetApp is running with these settings:
        """
        [oauth]
        access_token_seconds = 33
        """
      And "monitor" streams as the external system
      Then "monitor" is warned 30 seconds before its token expires

  @claim:token-grace+1
  Rule: A stream whose token was not replaced ends 25 seconds after the token

    Scenario: The end
      Given WidgetApp is running with these settings:
        """
        [oauth]
        access_token_seconds = 2
        """
      And "monitor" streams as the external system
      Then "monitor" is cut off with 4501, 25 seconds after its token has expired

  @claim:C08+1 @claim:refused-expired+1
  Rule: An expired token opens no stream

    Scenario: Too late
      Given WidgetApp is running with these settings:
        """
        [oauth]
        access_token_seconds = 1
        """
      And somebody has a token that has expired
      When somebody asks for a stream with "the expired token"
      Then the answer is 401 with the code 106 "token_expired"
      And the answer's header "WWW-Authenticate" contains "invalid_token"

  @claim:C46+1
  Rule: A secure connection protects the token, and does not stand in for it

    Scenario: Over TLS a good token is let in
      Given WidgetApp is running with a certificate
      When Ada tries to open a stream over WSS
      Then Ada is let in

    Scenario: Over TLS a stream is refused without a token, too
      Given WidgetApp is running with a certificate
      When somebody asks over TLS for a stream without a token
      Then the answer is 401 with the code 104 "token_missing"
