Feature: Opening a stream
  A program opens a stream at /_stream with an OAuth 2.0 access token. WFE checks who it is and whether
  it may; then the open connection goes to an SFE. A connection that is refused never reaches one.

  Background:
    Given WidgetApp is running

  Rule: The server greets first

    Scenario: The welcome tells where the session runs
      Given "monitor" streams as the external system
      Then "monitor" receives:
        """
        {"port": 0, "name": "welcome", "body": {
          "session": "...", "user": "demo-external-system", "organisation": "acme", "expires_at": "...",
          "ping_ms": 25000, "pong_ms": 10000, "max_frame_bytes": 1048576, "max_things": 128,
          "ports": {"session": 0, "useraction": 200},
          "sfe": "1", "stream": "1.1", "node": "..."}}
        """

    Scenario: What a program sends together with its request is not lost on the way to the SFE
      When "hasty" sends this together with its request:
        """
        [{"port": 0, "name": "ping", "id": 1},
         {"port": 200, "name": "widgetApp_useraction_open", "id": 2, "thing": "THING"},
         {"port": 0, "name": "ping", "id": 3}]
        """
      Then "hasty" receives:
        """
        {"port": 0, "name": "welcome"}
        """
      And "hasty" has a reply to each of 1, 2 and 3

    Scenario: A stream outlives the WFE that let it in
      Given "monitor" streams as the external system
      When the _wfe is killed
      Then another _wfe takes its place
      And the connection of "monitor" is still good

  Rule: The access token comes in one of three ways

    Scenario Outline: A token as <way>
      When somebody asks for a stream with "<way>"
      Then the answer is 101

      Examples:
        | way                     |
        | Authorization           |
        | subprotocol             |
        | login cookie and Origin |

  Rule: The client chooses the encoding

    Scenario Outline: The subprotocols "<offered>"
      When somebody offers the subprotocols "<offered>"
      Then the server chooses "<chosen>"

      Examples:
        | offered                              | chosen            |
        | widgetapp.v1.json                    | widgetapp.v1.json |
        | widgetapp.v1.cbor                    | widgetapp.v1.cbor |
        | widgetapp.v1.cbor, widgetapp.v1.json | widgetapp.v1.cbor |
        | chat, widgetapp.v1.json              | widgetapp.v1.json |

    Scenario: No subprotocol means JSON
      When somebody offers no subprotocol
      Then the server chooses none and speaks JSON

  Rule: Every refusal says why

    Scenario Outline: Refused because <because>
      When somebody asks for a stream with "<request>"
      Then the answer is <status> with the code <code> "<name>"
      And the answer's header "<header>" contains "<value>"

      Examples:
        | because                            | request                   | status | code | name                | header                | value                      |
        | there is no token                  | no token                  | 401    | 104  | token_missing       | WWW-Authenticate      | Bearer error=              |
        | the token is not one               | a made-up token           | 401    | 105  | invalid_token       | WWW-Authenticate      | error="invalid_token"      |
        | the token is for something else    | no scope stream           | 403    | 109  | insufficient_scope  | WWW-Authenticate      | scope="stream"             |
        | the group is not approved          | a token of Linus          | 403    | 108  | group_not_approved  | Content-Type          | application/problem+json   |
        | a page of somebody else asks       | a foreign Origin          | 403    | 110  | origin_not_allowed  | Content-Type          | application/problem+json   |
        | the cookie comes without an Origin | login cookie alone        | 403    | 110  | origin_not_allowed  | Content-Type          | application/problem+json   |
        | the token stands in the address    | a token in the address    | 400    | 107  | token_in_url        | WWW-Authenticate      | error="invalid_request"    |
        | the token is given twice           | a token in two places     | 400    | 101  | bad_request         | WWW-Authenticate      | error="invalid_request"    |
        | no subprotocol is known            | an unknown subprotocol    | 400    | 111  | unknown_subprotocol | Content-Type          | application/problem+json   |
        | it is no upgrade                   | plain HTTP                | 426    | 112  | not_an_upgrade      | Upgrade               | websocket                  |
        | the version is an old one          | WebSocket version 8       | 426    | 112  | not_an_upgrade      | Sec-WebSocket-Version | 13                         |
        | the key is malformed               | a malformed key           | 400    | 113  | bad_upgrade         | Content-Type          | application/problem+json   |
        | the key is missing                 | no key                    | 400    | 113  | bad_upgrade         | Content-Type          | application/problem+json   |
        | it does not ask to upgrade         | no Connection: Upgrade    | 400    | 113  | bad_upgrade         | Content-Type          | application/problem+json   |

    Scenario: A refused connection never reaches an SFE
      When the _sfe is halted
      And somebody asks for a stream with "a made-up token"
      Then the answer is 401 with the code 105 "invalid_token"
