Feature: Acting for people
  An application sends a person to WidgetApp and gets tokens for what they allow: authorisation code with PKCE. "planner"
  can keep a secret, "board" runs in browsers and cannot.

  Background:
    Given WidgetApp is running

  @claim:oauth-consent+2
  Rule: A registered application acts for a person who has consented

    Scenario: An application that can keep a secret
      Given the application "planner" is registered for "stream things:read"
      And Ada has allowed "planner" "stream things:read"
      When "planner" streams with its access token as "live"
      Then the connection of "live" is still good

    Scenario: An application that cannot
      Given the public application "board" is registered for "stream things:read"
      And Grace has allowed "board" "stream things:read"
      Then the access token of "board" is good

  @claim:oauth-organisation+1
  Rule: An application serves the people of its own organisation

    Scenario: Somebody of another organisation
      Given the application "planner" is registered for "stream"
      When "planner" asks Mallory for "stream"
      Then "planner" is told "access_denied"

  @claim:oauth-pkce+1
  Rule: Every authorisation request needs PKCE with S256

    Scenario: Without a challenge
      Given the application "planner" is registered for "stream"
      When "planner" asks Ada for "stream" without "code_challenge"
      Then "planner" is told "invalid_request"

    Scenario: With the challenge in the clear
      Given the public application "board" is registered for "stream"
      When "board" asks Ada for "stream" with "code_challenge_method" "plain"
      Then "board" is told "invalid_request"

    Scenario: With a verifier that does not belong to the challenge
      Given the public application "board" is registered for "stream"
      When "board" asks Ada for "stream"
      And she allows "board" that
      And "board" exchanges its code with the verifier "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      Then the answer is 400 and like:
        """
        {"error": "invalid_grant"}
        """

  @claim:oauth-redirect+1
  Rule: A code or an error is sent to a registered address alone

    Scenario Outline: Asked to send it to <address>
      Given the application "planner" is registered for "stream"
      When "planner" asks Ada for "stream" with "redirect_uri" "<address>"
      Then nothing is sent to "planner"

      Examples:
        | address                           |
        | https://planner.example/done/     |
        | https://planner.example/Done      |
        | https://planner.example/done?a=b  |
        | https://planner.example.evil/done |
        | http://planner.example/done       |

    Scenario: The port of a program on the user's computer is free
      Given the application of the demonstration runs on the user's computer
      When "demo-app" asks Ada for "stream"
      And she allows "demo-app" that
      Then her browser is sent back to "demo-app" with "code iss state"

  @claim:oauth-prompt+1
  Rule: An application may ask that nothing is shown, or that consent is asked for anew

    Scenario Outline: <prompt>, before Ada was asked
      Given the application "planner" is registered for "stream"
      When "planner" asks Ada for "stream" with "prompt" "<prompt>"
      Then <what>

      Examples:
        | prompt  | what                                             |
        | none    | "planner" is told "consent_required"             |
        | consent | Ada is asked whether she allows "planner" that   |
        | login   | they are sent to the login                       |

    Scenario: Shown again
      Given the application "planner" is registered for "stream"
      And Ada has allowed "planner" "stream"
      When "planner" asks Ada for "stream" with "prompt" "consent"
      Then Ada is asked whether she allows "planner" that

  @claim:oauth-code-once+1
  Rule: A code works once, and a second use ends what it gave

    Scenario: Used twice
      Given the application "planner" is registered for "things:read"
      And Ada has allowed "planner" "things:read"
      Then the access token of "planner" is good
      When "planner" exchanges the same code again
      Then the answer is 400 and like:
        """
        {"error": "invalid_grant"}
        """
      And the access token of "planner" is worth nothing

  @claim:oauth-refresh+1
  Rule: A refresh token is replaced at each use

    Scenario: One after the other
      Given the public application "board" is registered for "things:read"
      And Ada has allowed "board" "things:read"
      When "board" refreshes
      Then the answer is 200 and like:
        """
        {"access_token": "...", "refresh_token": "...", "scope": "things:read", "expires_in": 600}
        """
      When "board" refreshes
      Then the answer is 200
      And the access token of "board" is good

  @claim:oauth-refresh-scope+1
  Rule: A refresh may ask for fewer scopes, never for more

    Scenario: For fewer
      Given the public application "board" is registered for "stream things:read"
      And Ada has allowed "board" "stream things:read"
      When "board" refreshes for "stream"
      Then the answer is 200 and like:
        """
        {"scope": "stream"}
        """

    Scenario: For more
      Given the public application "board" is registered for "stream things:read"
      And Ada has allowed "board" "stream"
      When "board" refreshes for "stream things:read"
      Then the answer is 400 and like:
        """
        {"error": "invalid_scope"}
        """

  @claim:oauth-refresh-reuse+1
  Rule: A refresh token that is used twice ends all tokens of its grant, and their streams

    Scenario: Somebody else has a copy
      Given the public application "board" is registered for "stream things:read"
      And Ada has allowed "board" "stream things:read"
      And "board" streams with its access token as "live"
      When "board" refreshes
      And "board" refreshes with the refresh token before that
      Then the answer is 400 and like:
        """
        {"error": "invalid_grant"}
        """
      And the access token of "board" is worth nothing
      And the connection of "live" is closed with 4500 within a second
      When "board" refreshes
      Then the answer is 400

  @claim:oauth-revoke+1
  Rule: Revoking a token ends all tokens of its grant, and their streams within a second

    Scenario: Revoked by the application
      Given the public application "board" is registered for "stream things:read"
      And Ada has allowed "board" "stream things:read"
      And "board" streams with its access token as "live"
      When "board" revokes its refresh token
      Then the answer is 200
      And the connection of "live" is closed with 4500 within a second
      And the access token of "board" is worth nothing

  @claim:oauth-revoke-own+1
  Rule: An application revokes its own tokens alone

    Scenario: The token of another application
      Given the application "planner" is registered for "things:read"
      And the public application "board" is registered for "things:read"
      And Ada has allowed "board" "things:read"
      When "planner" revokes the access token of "board"
      Then the answer is 400 and like:
        """
        {"error": "invalid_grant"}
        """
      And the access token of "board" is good

  @claim:oauth-introspect+1
  Rule: An application with a secret may ask about the tokens of its organisation

    Scenario: A good token
      Given the application "planner" is registered for "things:read"
      And the public application "board" is registered for "things:read"
      And Ada has allowed "board" "things:read"
      When "planner" asks about the access token of "board"
      Then the answer is 200 and like:
        """
        {"active": true, "scope": "things:read", "client_id": "board", "username": "ada", "token_type": "Bearer",
         "sub": "ada", "organisation": "acme", "exp": "...", "iat": "...", "iss": "...", "aud": "...", "jti": "..."}
        """

    Scenario: Of another organisation it is told nothing
      Given the application "planner" is registered for "things:read"
      When "planner" asks about an access token of Mallory
      Then the answer is 200 and like:
        """
        {"active": false}
        """

    Scenario: An application without a secret may not ask
      Given the public application "board" is registered for "things:read"
      And Ada has allowed "board" "things:read"
      When "board" asks about the access token of "board"
      Then the answer is 401 and like:
        """
        {"error": "invalid_client"}
        """

  @claim:oauth-keys+1
  Rule: When the signing key is replaced, the tokens that are out stay good

    Scenario: The administrator replaces it
      Given the application "planner" is registered for "things:read"
      And Ada has allowed "planner" "things:read"
      When the administrator runs "widgetapp_admin -token -rotate-keys"
      Then the command succeeds and says "access tokens are signed with the new key"
      And the access token of "planner" is good
      When "planner" refreshes
      Then the token is signed with a key of "/.well-known/jwks.json"

  @claim:oauth-refresh-life+1
  Rule: A refresh token ends unused, and at the latest when the person has to come back

    Scenario: Not used in time
      Given WidgetApp is running with these settings:
        """
        [oauth]
        refresh_token_idle_seconds = 1
        """
      And the public application "board" is registered for "things:read"
      And Ada has allowed "board" "things:read"
      When 2 seconds have passed
      And "board" refreshes
      Then the answer is 400 and like:
        """
        {"error": "invalid_grant"}
        """

    Scenario: Used all the time
      Given WidgetApp is running with these settings:
        """
        [oauth]
        refresh_token_seconds = 3
        """
      And the public application "board" is registered for "things:read"
      And Ada has allowed "board" "things:read"
      When "board" refreshes
      Then the answer is 200
      When 4 seconds have passed
      And "board" refreshes
      Then the answer is 400 and like:
        """
        {"error": "invalid_grant"}
        """

  @claim:oauth-browser+1
  Rule: An application that is a page in a browser gets its tokens from there

    Scenario: "board" is a page of https://board.example
      Given the public application "board" is registered for "stream"
      When a page of "https://board.example" fetches "/.well-known/oauth-authorization-server"
      Then the answer's header "Access-Control-Allow-Origin" is "*"
      When "board" asks Ada for "stream"
      And she allows "board" that
      And a page of "https://board.example" exchanges the code of "board"
      Then the answer is 200
      And the answer's header "Access-Control-Allow-Origin" is "*"
      And the answer's header "Access-Control-Allow-Credentials" is ""

    Scenario: It reads nothing of what Ada's login opens
      When a page of "https://board.example" fetches "/_ajax/search?q=Welcome"
      Then the answer's header "Access-Control-Allow-Origin" is ""

  @claim:oauth-limits+1
  Rule: An application makes only so many token requests

    Scenario: More than at once are allowed
      Given WidgetApp is running with these settings:
        """
        [oauth]
        requests_per_second = 1
        request_burst = 3
        """
      When the external system asks 4 times for a token
      Then the answer is 429 and like:
        """
        {"error": "temporarily_unavailable"}
        """
      And the answer's header "Retry-After" is "1"

  @claim:oauth-forgeries+1
  Rule: A forged access token opens no door

    Scenario Outline: Forged with <trick>
      Given the application "planner" is registered for "stream things:read"
      And Linus has allowed "planner" "stream things:read"
      When "planner" forges its access token with <trick>
      Then the access token of "planner" is worth nothing

      Examples:
        | trick                              |
        | another user                       |
        | more scopes                        |
        | a longer life                      |
        | the algorithm none                 |
        | the public key as a shared secret  |
        | a key of its own in the header     |
        | an unknown key                     |
