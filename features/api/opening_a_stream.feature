Feature: Opening a stream
  A program opens a stream at /_stream with an OAuth 2.0 access token. WFE checks who it is and whether
  it may; then the open connection goes to an SFE. A connection that is refused never reaches one.

  Background:
    Given WidgetApp is running

  @claim:welcome-first+1
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

  @claim:C10+1 @claim:handover-unseen+1
  Rule: A client notices nothing of the handover to an SFE

    Scenario: What a program sends together with its request is not lost on the way to the SFE
      When "hasty" sends this together with its request:
        """
        [{"port": 0, "name": "ping", "id": 1},
         {"port": 200, "name": "widgetApp_useraction_open", "id": 2, "thing": "THING"},
         {"port": 0, "name": "ping", "id": 3}]
        """
      Then "hasty" receives:
        """
        {"port": 0, "name": "welcome", "body": {"sfe": "1"}}
        """
      And "hasty" has a reply to each of 1, 2 and 3

  @claim:stream-outlives-wfe+1
  Rule: A stream outlives the WFE that let it in

    Scenario: WFE is killed
      Given "monitor" streams as the external system
      When the _wfe is killed
      Then another _wfe takes its place
      And the connection of "monitor" is still good

  @claim:C07+1 @claim:token-ways+1
  Rule: The access token comes in one of two ways, and a login counts on WidgetApp's own pages

    Scenario Outline: A token as <way>
      When somebody asks for a stream with "<way>"
      Then the answer is 101

      Examples:
        | way                     |
        | Authorization           |
        | subprotocol             |
        | login cookie and Origin |

    Scenario Outline: Neither a token nor a login of our own pages: <request>
      When somebody asks for a stream with "<request>"
      Then the answer is <status> with the code <code> "<name>"

      Examples:
        | request            | status | code | name               |
        | no token           | 401    | 104  | token_missing      |
        | a foreign Origin   | 403    | 110  | origin_not_allowed |
        | login cookie alone | 403    | 110  | origin_not_allowed |

  @claim:C45+1 @claim:bearer-not-echoed+1
  Rule: What the WebSocket object of a browser can send is enough

    Scenario: The token stands beside the subprotocol and is not repeated
      When somebody asks for a stream with "subprotocol"
      Then the answer is 101
      And the answer's header "Sec-WebSocket-Protocol" is "widgetapp.v1.json"

  @claim:subprotocol-chosen+1
  Rule: The client chooses the encoding, the server takes the first that it knows

    Scenario Outline: The subprotocols "<offered>"
      When somebody offers the subprotocols "<offered>"
      Then the server chooses "<chosen>"

      Examples:
        | offered                              | chosen            |
        | widgetapp.v1.json                    | widgetapp.v1.json |
        | widgetapp.v1.cbor                    | widgetapp.v1.cbor |
        | widgetapp.v1.cbor, widgetapp.v1.json | widgetapp.v1.cbor |
        | chat, widgetapp.v1.json              | widgetapp.v1.json |

  @claim:subprotocol-default+1
  Rule: No subprotocol means JSON

    Scenario: Nothing is offered
      When somebody offers no subprotocol
      Then the server chooses none and speaks JSON

  @claim:C08+1 @claim:refused-token+1
  Rule: Only a valid access token gives access

    Scenario Outline: Refused because <because>
      When somebody asks for a stream with "<request>"
      Then the answer is 401 with the code <code> "<name>"
      And the answer's header "WWW-Authenticate" contains "Bearer error="

      Examples:
        | because              | request         | code | name          |
        | there is no token    | no token        | 104  | token_missing |
        | the token is not one | a made-up token | 105  | invalid_token |

  @claim:refused-scope+1
  Rule: The token needs the scope "stream"

    Scenario: The token is for something else
      When somebody asks for a stream with "no scope stream"
      Then the answer is 403 with the code 109 "insufficient_scope"
      And the answer's header "WWW-Authenticate" contains "scope="stream""

  @claim:C06+1 @claim:refused-group+1
  Rule: Only approved user groups may stream

    Scenario: The group is not approved
      When somebody asks for a stream with "a token of Linus"
      Then the answer is 403 with the code 108 "group_not_approved"

  @claim:refused-origin+1
  Rule: A login opens no stream for the pages of somebody else

    Scenario Outline: A login cookie comes with <request>
      When somebody asks for a stream with "<request>"
      Then the answer is 403 with the code 110 "origin_not_allowed"

      Examples:
        | request            |
        | a foreign Origin   |
        | login cookie alone |

  @claim:refused-token-in-url+1
  Rule: A token in the address is refused

    Scenario: The address holds a good token
      When somebody asks for a stream with "a token in the address"
      Then the answer is 400 with the code 107 "token_in_url"
      And the answer's header "WWW-Authenticate" contains "error="invalid_request""

  @claim:refused-two-tokens+1
  Rule: A token in two places is refused

    Scenario: Both hold the same good token
      When somebody asks for a stream with "a token in two places"
      Then the answer is 400 with the code 101 "bad_request"
      And the answer's header "WWW-Authenticate" contains "error="invalid_request""

  @claim:refused-subprotocol+1
  Rule: Where none of the subprotocols is known, the stream is refused

    Scenario: Another protocol is offered
      When somebody asks for a stream with "an unknown subprotocol"
      Then the answer is 400 with the code 111 "unknown_subprotocol"

  @claim:refused-no-upgrade+1 @claim:http-push+1
  Rule: What is no WebSocket handshake of version 13 is told so

    Scenario Outline: <request>, which is not WebSocket 13
      When somebody asks for a stream with "<request>"
      Then the answer is 426 with the code 112 "not_an_upgrade"
      And the answer's header "<header>" contains "<value>"

      Examples:
        | request             | header                | value     |
        | plain HTTP          | Upgrade               | websocket |
        | WebSocket version 8 | Sec-WebSocket-Version | 13        |

  @claim:refused-handshake+1
  Rule: A malformed handshake is refused

    Scenario Outline: The handshake has <request>
      When somebody asks for a stream with "<request>"
      Then the answer is 400 with the code 113 "bad_upgrade"

      Examples:
        | request                |
        | a malformed key        |
        | no key                 |
        | no Connection: Upgrade |

  @claim:refusal-problem+1
  Rule: Every refusal is a problem document that says why

    Scenario Outline: The problem of <request>
      When somebody asks for a stream with "<request>"
      Then the answer is <status> with the code <code> "<name>"
      And the answer's header "Content-Type" is "application/problem+json"
      And the answer's header "Cache-Control" is "no-store"

      Examples:
        | request          | status | code | name               |
        | no token         | 401    | 104  | token_missing      |
        | a token of Linus | 403    | 108  | group_not_approved |
        | plain HTTP       | 426    | 112  | not_an_upgrade     |

  @claim:refusal-before-sfe+1
  Rule: A refused connection never reaches an SFE

    Scenario: Refused while no SFE works
      When the _sfe is halted
      And somebody asks for a stream with "a made-up token"
      Then the answer is 401 with the code 105 "invalid_token"
