Feature: Tokens of an external issuer
  WidgetApp takes the access tokens of an OpenID Connect issuer that the administrator has named, beside its own.

  @claim:oauth-more+2
  Rule: A token of the named issuer opens what one of WidgetApp's own opens

    Scenario: At every door
      Given an identity provider
      And WidgetApp takes its tokens
      When somebody asks for Things with a token of the identity provider
      Then the answer is 200
      When somebody asks for a stream with a token of the identity provider
      Then the answer is 101
      When the demonstration's system asks about a token of the identity provider
      Then the answer is 200 and like:
        """
        {"active": true, "username": "ada", "organisation": "acme", "scope": "stream things:read things:write"}
        """

    Scenario: WidgetApp's own tokens are taken as before
      Given an identity provider
      And WidgetApp takes its tokens
      When somebody asks for a stream with "Authorization"
      Then the answer is 101

    Scenario: Another WidgetApp is the issuer
      Given another WidgetApp is the identity provider
      And "monitor" streams with the other WidgetApp's token of Ada
      When "monitor" opens the Thing
      Then the connection of "monitor" is still good

    Scenario: Nobody else's tokens are taken
      Given an identity provider
      And WidgetApp is running
      When somebody asks for Things with a token of the identity provider
      Then the answer is 401 with the code 105 "invalid_token"

  @claim:external-settings+1
  Rule: A setting about the issuer that is missing or wrong is told in one line

    Scenario Outline: A setting: <what>
      When the administrator starts another server with the setting "[oauth.external] <setting>"
      Then the command ends with code 1 and the one line "<what>"

      Examples:
        | setting                                                                                             | what                                              |
        | issuer = 'https://idp.example'                                                                      | oauth.external.audience: is missing               |
        | audience = 'widgetapp'                                                                              | oauth.external.issuer: is missing                 |
        | issuer = 'http://idp.example'                                                                       | must begin with https://                          |
        | issuer = 'http://0x7f.1:8080'                                                                       | must be written as http://127.0.0.1:8080/         |
        | issuer = 'idp.example'                                                                              | is not a URL                                      |
        | isuer = 'https://idp.example'                                                                       | unknown key oauth.external.isuer                  |
        | issuer = 'https://idp.example'; audience = 'a'                                                      | oauth.external.organisation: is missing           |
        | issuer = 'https://idp.example'; audience = 'a'; organisation = 'b'; algorithms = 'HS256'            | cannot be one of them; there are: RS256           |
        | issuer = 'https://idp.example'; audience = 'a'; organisation = 'b'; algorithms = []                 | oauth.external.algorithms: at least one is needed |
        | issuer = 'https://idp.example'; audience = 'a'; organisation = 'b'; jwks_uri = 'http://idp.example' | oauth.external.jwks_uri                           |

  @claim:external-rules+1
  Rule: A token that is not for us, not of the right kind or not valid now is refused

    Scenario Outline: A token that says <says>
      Given an identity provider
      And WidgetApp takes its tokens
      When somebody asks for Things with a token of the identity provider that says:
        """
        <says>
        """
      Then the answer is 401 with the code <code> "<name>"
      And the answer says "<why>"
      And the answer's header "WWW-Authenticate" contains "invalid_token"

      Examples:
        | says                  | code | name          | why                               |
        | {"aud": "others"}     | 105  | invalid_token | it is for others, says its "aud"  |
        | {"exp": 1700000000}   | 106  | token_expired | expired                           |
        | {"exp": 9999999999}   | 105  | invalid_token | it is valid for longer than a day |
        | {"iat": 9999999999}   | 105  | invalid_token | it is of the future               |
        | {"nbf": 9999999999}   | 105  | invalid_token | it is of the future               |
        | {"scope": null}       | 105  | invalid_token | its "scope" is missing            |
        | {"cnf": {"jkt": "x"}} | 105  | invalid_token | only bearer tokens are taken      |

    Scenario Outline: A token with the head <head>
      Given an identity provider
      And WidgetApp takes its tokens
      When somebody asks for Things with a token of the identity provider with the head:
        """
        <head>
        """
      Then the answer is 401 with the code 105 "invalid_token"
      And the answer says "<why>"

      Examples:
        | head                                              | why                                      |
        | {"typ": "JWT", "alg": "ES256", "kid": "key-1"}    | its "typ" is not "at+jwt"                |
        | {"typ": "id+jwt", "alg": "ES256", "kid": "key-1"} | its "typ" is not that of an access token |
        | {"typ": "at+jwt", "alg": "RS256", "kid": "key-1"} | its algorithm is not that of its key     |
        | {"typ": "at+jwt", "alg": "none", "kid": "key-1"}  | its algorithm is not known               |
        | {"typ": "at+jwt", "alg": "ES256", "kid": "key-2"} | its key is not one of the issuer's       |
        | {"typ": "at+jwt", "alg": "ES256"}                 | it names no key                          |

    Scenario: An issuer that does not name the type
      Given an identity provider
      And WidgetApp takes its tokens, with these settings:
        """
        plain_jwt = true
        """
      When somebody asks for Things with a token of the identity provider with the head:
        """
        {"alg": "ES256", "kid": "key-1"}
        """
      Then the answer is 200

  @claim:external-user+1
  Rule: A token stands for a user who is there

    Scenario: By another claim
      Given an identity provider
      And WidgetApp takes its tokens, with these settings:
        """
        user_claim = "uid"
        """
      When somebody asks for a stream with a token of the identity provider that says:
        """
        {"uid": "grace", "preferred_username": "ada"}
        """
      Then the answer is 101

    Scenario Outline: <who> is no user of the organisation
      Given an identity provider
      And WidgetApp takes its tokens
      And the administrator has run "widgetapp_admin -user grace -disable"
      When somebody asks for Things with a token of the identity provider that says:
        """
        {"preferred_username": "<who>"}
        """
      Then the answer is 401 with the code 105 "invalid_token"
      And the answer says "it is for "<who>", by its "preferred_username", and acme has no such user"

      Examples:
        | who     |
        | nobody  |
        | mallory |
        | grace   |

  @claim:external-scopes+1
  Rule: Of a token's scopes those count that are WidgetApp's

    Scenario: With a prefix
      Given an identity provider
      And WidgetApp takes its tokens, with these settings:
        """
        scope_claim = "scp"
        scope_prefix = "widgetapp/"
        """
      When somebody asks for Things with a token of the identity provider that says:
        """
        {"scp": ["openid", "widgetapp/things:read"]}
        """
      Then the answer is 200
      When somebody asks for a stream with a token of the identity provider that says:
        """
        {"scp": ["openid", "stream", "widgetapp/things:read"]}
        """
      Then the answer is 403 with the code 109 "insufficient_scope"

  @claim:external-groups+1
  Rule: The token says which groups count, if it is set that it does

    Scenario Outline: The groups <groups>
      Given an identity provider
      And WidgetApp takes its tokens, with these settings:
        """
        groups_claim = "groups"
        """
      When somebody asks for a stream with a token of the identity provider that says:
        """
        {"preferred_username": "<who>", "groups": <groups>}
        """
      Then the answer is <status>

      Examples:
        | who   | groups                 | status |
        | ada   | ["staff", "designers"] | 101    |
        | linus | ["designers"]          | 101    |
        | ada   | ["reviewers"]          | 403    |
        | ada   | ["spies"]              | 403    |
        | ada   | []                     | 403    |
        | ada   | null                   | 403    |

    Scenario Outline: Without the setting, <who> is in the groups that are on record here
      Given an identity provider
      And WidgetApp takes its tokens
      When somebody asks for a stream with a token of the identity provider that says:
        """
        {"preferred_username": "<who>", "groups": ["designers"]}
        """
      Then the answer is <status>

      Examples:
        | who   | status |
        | ada   | 101    |
        | linus | 403    |

  @claim:external-ends+1
  Rule: What ends somebody's access ends what lives by the issuer's tokens

    Scenario: The group's approval is withdrawn
      Given an identity provider
      And WidgetApp takes its tokens, with these settings:
        """
        groups_claim = "groups"
        """
      And "board" streams with a token of the identity provider that says:
        """
        {"preferred_username": "linus", "groups": ["designers"]}
        """
      When the administrator runs "widgetapp_admin -group designers -withdraw"
      Then the connection of "board" is closed with 4503 within a second

    Scenario Outline: <what>
      Given an identity provider
      And WidgetApp takes its tokens
      And "board" streams with a token of the identity provider
      When the administrator runs "widgetapp_admin -user ada <option>"
      Then the connection of "board" is closed with <code> within a second
      And the token of "board" opens no stream any more
      When the administrator runs "widgetapp_admin -user ada -enable"
      Then the token of "board" opens no stream any more

      Examples:
        | what                 | option    | code |
        | The user is disabled | -disable  | 4507 |
        | A new password       | -password | 4500 |

    Scenario: The token expires
      Given an identity provider
      And WidgetApp takes its tokens
      And "board" streams with a token of the identity provider that ends in 2 seconds
      Then "board" is cut off with 4501, 25 seconds after its token has expired

  @claim:external-refresh+1
  Rule: A live stream goes on with a new token

    Scenario: Refreshing
      Given an identity provider
      And WidgetApp takes its tokens
      And "board" streams with a token of the identity provider that ends in 20 seconds
      When "board" refreshes with a token of the identity provider
      Then the token of "board" expires later than before
      And the connection of "board" is still good

    Scenario: One for somebody else is not taken
      Given an identity provider
      And WidgetApp takes its tokens
      And "board" streams with a token of the identity provider
      When "board" refreshes with a token of the identity provider for Grace
      Then "board" receives:
        """
        {"port": 0, "name": "refresh", "error": {"code": 105, "name": "invalid_token"}}
        """
      And the connection of "board" is still good

    Scenario: While the issuer is away
      Given an identity provider
      And the identity provider is away
      And WidgetApp takes its tokens
      And "monitor" streams as Ada
      When "monitor" refreshes with a token of the identity provider
      Then "monitor" receives:
        """
        {"port": 0, "name": "refresh", "error": {"name": "unavailable", "temporary": true, "retry_after_ms": "..."}}
        """
      And the connection of "monitor" is still good

  @claim:external-revoked+1
  Rule: What the issuer revokes is taken until it expires

    Scenario: Revoked at another WidgetApp
      Given another WidgetApp is the identity provider
      And "monitor" streams with the other WidgetApp's token of Ada
      When the other WidgetApp ends all tokens of Ada
      Then the connection of "monitor" is still good
      When somebody asks for Things with the same token
      Then the answer is 200

    Scenario: It cannot be revoked here
      Given an identity provider
      And WidgetApp takes its tokens
      When the administrator revokes a token of the identity provider
      Then the command ends with code 1 and the one line "and is revoked there"

  @claim:external-keys+1
  Rule: Keys are fetched once, however many unknown ones are named

    Scenario: A storm of unknown keys
      Given an identity provider
      And WidgetApp takes its tokens
      And somebody asks for Things with a token of the identity provider
      When 100 tokens come that name unknown keys
      Then each of them is refused with 401
      And the identity provider was asked for its keys once

  @claim:external-calls+1
  Rule: Nothing leads WidgetApp to another server, or keeps it

    Scenario Outline: An issuer that <behaves>
      Given an identity provider that <behaves>
      And WidgetApp takes its tokens
      When somebody asks for Things with a token of the identity provider
      Then the answer is 503 with the code 115 "unavailable"
      And the answer's header "Retry-After" is a number
      And the server's log tells "<why>"
      And nobody else was asked for keys

      Examples:
        | behaves                     | why                                |
        | redirects to another server | redirects are not followed         |
        | says its keys are elsewhere | name it as oauth.external.jwks_uri |
        | says it is somebody else    | is about                           |
        | sends without end           | more than 1048576 bytes            |
        | sends a byte now and then   | longer than 5s                     |

    Scenario: The administrator names another server for the keys
      Given an identity provider that says its keys are elsewhere
      And WidgetApp takes its tokens, with these settings:
        """
        jwks_uri = "KEYS"
        """
      When somebody asks for Things with a token of the identity provider
      Then the answer is 200

  @claim:external-away+1
  Rule: An issuer that is away is a passing trouble for its tokens and none for others

    Scenario: Away from the start
      Given an identity provider
      And the identity provider is away
      And WidgetApp takes its tokens
      When somebody asks for a stream with a token of the identity provider
      Then the answer is 503 with the code 115 "unavailable"
      And the answer's header "Retry-After" is a number
      And the server's log tells "the external issuer's keys cannot be fetched"
      When somebody asks for a stream with "Authorization"
      Then the answer is 101

    Scenario: Away later
      Given an identity provider
      And WidgetApp takes its tokens
      And somebody asks for Things with a token of the identity provider
      When the identity provider is away
      And somebody asks for Things with a token of the identity provider
      Then the answer is 200

  @claim:external-forgeries+1
  Rule: A forged token opens no door

    Scenario Outline: <forgery>
      Given an identity provider
      And WidgetApp takes its tokens
      When somebody asks for Things with a token of the identity provider, forged by <forgery>
      Then the answer is 401 with the code 105 "invalid_token"

      Examples:
        | forgery                           |
        | another user's name               |
        | a key of their own in the head    |
        | the public key as a shared secret |
        | no signature                      |
