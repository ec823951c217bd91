Feature: Messages
  One message is one JSON object, or one CBOR map. Requests have an id, which their reply repeats.

  Background:
    Given WidgetApp is running

  @claim:reply-repeats-id+1
  Rule: A request has one reply, which repeats its id, port and name

    Scenario: Asking the session and the user actions
      Given "monitor" streams as Ada
      When "monitor" sends:
        """
        {"port": 0, "name": "ping", "id": 4294967295}
        {"port": 200, "name": "widgetApp_useraction_search", "id": 8, "body": {"q": "welcome"}}
        """
      Then "monitor" has one reply to 8, like:
        """
        {"port": 200, "name": "widgetApp_useraction_search", "id": 8, "body": {"things": "...", "next": null}}
        """
      And "monitor" has one reply to 4294967295, like:
        """
        {"port": 0, "name": "ping", "id": 4294967295, "body": {}}
        """

  @claim:no-id-no-reply+1
  Rule: A request without an id is done without a reply; only an error is told

    Scenario: An edit and a mistake
      Given "writer" streams as Ada
      And "reader" streams as Grace
      And "reader" opens the Thing
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "thing": "THING",
         "body": {"key": "k", "patch": [{"op": "replace", "path": "/meta/title", "value": "Unasked"}]}}
        {"port": 200, "name": "widgetApp_useraction_dance"}
        """
      Then "reader" receives:
        """
        {"name": "widgetApp_useraction_edit", "offset": OFFSET+1}
        """
      And "writer" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_dance", "error": {"code": 103, "name": "unknown_name"}}
        """
      And "writer" has heard of no change

  @claim:join-on-pushes+1
  Rule: Everything about an open Thing carries the id of the request that opened it as its join

    Scenario: Opened, opened again, edited
      Given "reader" streams as Grace
      And "writer" streams as Ada
      When "reader" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 31, "thing": "THING"}
        """
      Then "reader" receives:
        """
        {"name": "widgetApp_useraction_open", "id": 31, "join": 31}
        """
      When "reader" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 32, "thing": "THING"}
        """
      Then "reader" receives:
        """
        {"name": "widgetApp_useraction_open", "id": 32, "join": 32}
        """
      When "writer" edits the title
      Then "reader" receives:
        """
        {"name": "widgetApp_useraction_edit", "join": 32, "offset": OFFSET+1}
        """
      When "reader" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 33, "thing": "THING",
         "body": {"key": "k", "patch": [{"op": "replace", "path": "/meta/title", "value": "Joined"}]}}
        """
      Then "reader" receives:
        """
        {"name": "widgetApp_useraction_edit", "id": 33, "join": 32, "offset": OFFSET+2}
        """

  @claim:unknown-fields-ignored+1
  Rule: Unknown fields are ignored

    Scenario: A colour and a shape
      Given "monitor" streams as Ada
      When "monitor" sends:
        """
        {"port": 0, "name": "ping", "id": 3, "colour": "green", "body": {"shape": "round"}}
        """
      Then "monitor" has a reply to each of 3

  @claim:error-shape+1
  Rule: A request that fails is answered with an error instead of a body

    Scenario Outline: Answered with <name> because <because>
      Given "monitor" streams as Ada
      When "monitor" sends:
        """
        <message>
        """
      Then "monitor" receives:
        """
        {"id": 7, "error": {"code": <code>, "name": "<name>", "message": "...", "temporary": false}}
        """
      And the connection of "monitor" is still good

      Examples:
        | because                   | message                                                                                                | code | name            |
        | the Thing is not shared   | {"port": 200, "name": "widgetApp_useraction_open", "id": 7, "thing": "00000000-0000-4000-8000-000000000000"} | 200  | thing_not_found |
        | no Thing is named         | {"port": 200, "name": "widgetApp_useraction_open", "id": 7}                                            | 208  | invalid_action  |
        | the Thing is not open     | {"port": 200, "name": "widgetApp_useraction_close", "id": 7, "thing": "THING"}                         | 202  | not_open        |
        | the key is missing        | {"port": 200, "name": "widgetApp_useraction_edit", "id": 7, "thing": "THING", "body": {"patch": []}}   | 208  | invalid_action  |
        | the patch does not fit    | {"port": 200, "name": "widgetApp_useraction_edit", "id": 7, "thing": "THING", "body": {"key": "k", "patch": [{"op": "remove", "path": "/parts/ghost"}]}} | 203 | invalid_patch |
        | the patch is none         | {"port": 200, "name": "widgetApp_useraction_edit", "id": 7, "thing": "THING", "body": {"key": "k", "patch": {"op": "add"}}} | 203 | invalid_patch |
        | the update is none        | {"port": 200, "name": "widgetApp_useraction_edit", "id": 7, "thing": "THING", "body": {"key": "k", "update": "/////w=="}} | 300 | invalid_update |

    Scenario: The message says what is wrong, and where
      Given "monitor" streams as Ada
      When "monitor" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_scroll", "id": 7, "body": {"limit": "abc"}}
        """
      Then "monitor" receives:
        """
        {"id": 7, "error": {"code": 208, "name": "invalid_action", "message": "the body does not fit this action: body.limit: invalid type: string \"abc\", expected a whole number from 0"}}
        """

  @claim:not-a-message+1
  Rule: What is no message ends the stream with 4509

    Scenario Outline: Closed after <what>
      Given "careless" streams as Ada
      When "careless" sends <what>
      Then the connection of "careless" is closed with 4509

      Examples:
        | what                                   |
        | text that is not JSON                  |
        | JSON that is no message                |
        | a message with the id 0                |
        | a binary frame                         |
        | JSON that nests too deep               |
        | a ping with a body that nests too deep |

    Scenario: Closed after text on a stream of CBOR
      Given "careless" streams as Ada in CBOR
      When "careless" sends text that is not JSON
      Then the connection of "careless" is closed with 4509

  @claim:broken-websocket+1
  Rule: What breaks the rules of WebSocket ends the stream as RFC 6455 says

    Scenario Outline: Closed with <code> after <what>
      Given "careless" streams as Ada
      When "careless" sends <what>
      Then the connection of "careless" is closed with <code>

      Examples:
        | what                   | code |
        | text that is not UTF-8 | 1007 |
        | a broken frame         | 1002 |

  @claim:mistakes-stay-alone+1
  Rule: One program's mistake is nobody else's trouble

    Scenario: Others go on
      Given Ada and Grace have the Thing open
      And "careless" streams as Ada
      When "careless" sends text that is not JSON
      Then the connection of "careless" is closed with 4509
      When Ada changes the title to "Undisturbed"
      Then Grace sees the title "Undisturbed"
      And Ada and Grace have never lost the connection

  @claim:ping-answered+1
  Rule: Port 0 answers a ping

    Scenario: For programs that cannot send WebSocket's own pings
      Given "monitor" streams as Ada
      When "monitor" sends:
        """
        {"port": 0, "name": "ping", "id": 1}
        """
      Then "monitor" has one reply to 1, like:
        """
        {"port": 0, "name": "ping", "id": 1, "body": {}}
        """

  @claim:drain-on-stop+1
  Rule: Who is sent away is told when to come back

    Scenario: The server is stopped
      Given "monitor" streams as Ada
      When the server is told to stop
      Then "monitor" receives:
        """
        {"port": 0, "name": "drain", "body": {"retry_after_ms": "..."}}
        """
      And the connection of "monitor" is closed with 4001

    Scenario: The _stream is restarted
      Given "monitor" streams as Ada
      When the administrator restarts the _stream
      Then "monitor" receives:
        """
        {"port": 0, "name": "drain", "body": {"retry_after_ms": "..."}}
        """
      And the connection of "monitor" is closed with 4001

  @claim:stream-end-unsaid+1
  Rule: A _stream process that is killed ends its connections without a close code

    Scenario: Killed
      Given "monitor" streams as Ada
      When the _stream is killed
      Then the connection of "monitor" ends without a close code

  @claim:encodings+1
  Rule: Both encodings carry the same messages

    Scenario Outline: Asked in <encoding>
      Given "monitor" streams as Ada in <encoding>
      When "monitor" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_select", "id": 1, "thing": "THING"}
        """
      Then "monitor" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_select", "id": 1, "thing": "THING",
         "body": {"title": "Welcome", "role": "owner", "epoch": "EPOCH", "offset": OFFSET}}
        """
      And "monitor" has got everything in <frames> frames

      Examples:
        | encoding | frames |
        | JSON     | text   |
        | CBOR     | binary |
