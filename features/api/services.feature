Feature: Several services on one stream
  A stream carries several services at once. Each message names its service by its port: 0 is the session
  itself, 200 the user actions. To listen on port 200 means to receive what carries port 200.

  Background:
    Given WidgetApp is running

  Rule: All services share one connection

    Scenario: The session and user actions, mixed
      Given "editor" streams as Ada
      When "editor" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "THING"}
        {"port": 0, "name": "ping", "id": 2}
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "THING",
         "body": {"key": "k1", "patch": [{"op": "replace", "path": "/meta/title", "value": "Mixed"}]}}
        {"port": 0, "name": "ping", "id": 4}
        {"port": 200, "name": "widgetApp_useraction_scroll", "id": 5}
        {"port": 200, "name": "widgetApp_useraction_search", "id": 6, "body": {"q": "welcome"}}
        """
      Then "editor" has a reply to each of 1, 2, 3, 4, 5 and 6

    Scenario: Many Things on one stream
      Given "editor" streams as Ada
      When "editor" creates and opens 20 Things
      Then a change of each of them by Ada's other program reaches "editor" under its own join

  Rule: Port 200 carries what users do

    Scenario Outline: Others hear of <action>
      Given "listener" streams as Grace
      And "listener" opens the Thing
      And "actor" streams as Ada
      When "actor" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_<action>", "id": 9, "thing": "THING", "body": <body>}
        """
      Then "actor" has a reply to each of 9
      And "listener" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_<action>", "thing": "THING", "join": 1, "body": <push>}
        """

      Examples:
        | action  | body                                                                        | push                                                                                 |
        | edit    | {"key": "k", "patch": [{"op":"replace","path":"/meta/title","value":"A"}]} | {"user": "ada", "patch": [{"op": "replace", "path": "/meta/title", "value": "A"}]} |
        | refresh | {}                                                                          | {"user": "ada"}                                                                      |
        | select  | {}                                                                          | {"user": "ada"}                                                                      |
        | scroll  | {"view": {"x": 1, "y": 2}}                                                  | {"user": "ada", "view": {"x": 1, "y": 2}}                                            |
        | delete  | {}                                                                          | {"user": "ada"}                                                                      |

    Scenario: A closed Thing is not heard of any more
      Given "listener" streams as Grace
      And "listener" opens the Thing
      When "listener" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_close", "id": 2, "thing": "THING"}
        """
      Then "listener" has a reply to each of 2
      When Ada opens the Thing
      And Ada changes the title to "Not for everyone"
      Then "listener" has heard of no change

  Rule: What is unknown is answered with an error, and the stream goes on

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
        | no service has the port   | {"port": 999, "name": "ping", "id": 7}                                                                 | 102  | unknown_port    |
        | the name is unknown       | {"port": 200, "name": "widgetApp_useraction_dance", "id": 7}                                           | 103  | unknown_name    |
        | the port's name is foreign| {"port": 0, "name": "widgetApp_useraction_edit", "id": 7}                                              | 103  | unknown_name    |
        | the Thing is not shared   | {"port": 200, "name": "widgetApp_useraction_open", "id": 7, "thing": "00000000-0000-4000-8000-000000000000"} | 200  | thing_not_found |
        | no Thing is named         | {"port": 200, "name": "widgetApp_useraction_open", "id": 7}                                            | 208  | invalid_action  |
        | the Thing is not open     | {"port": 200, "name": "widgetApp_useraction_close", "id": 7, "thing": "THING"}                         | 202  | not_open        |
        | the key is missing        | {"port": 200, "name": "widgetApp_useraction_edit", "id": 7, "thing": "THING", "body": {"patch": []}}   | 208  | invalid_action  |
        | the patch does not fit    | {"port": 200, "name": "widgetApp_useraction_edit", "id": 7, "thing": "THING", "body": {"key": "k", "patch": [{"op": "remove", "path": "/parts/ghost"}]}} | 203 | invalid_patch |
        | the patch is none         | {"port": 200, "name": "widgetApp_useraction_edit", "id": 7, "thing": "THING", "body": {"key": "k", "patch": {"op": "add"}}} | 203 | invalid_patch |
        | the update is none        | {"port": 200, "name": "widgetApp_useraction_edit", "id": 7, "thing": "THING", "body": {"key": "k", "update": "/////w=="}} | 300 | invalid_update |

    Scenario: Unknown fields are ignored
      Given "monitor" streams as Ada
      When "monitor" sends:
        """
        {"port": 0, "name": "ping", "id": 3, "colour": "green", "body": {"shape": "round"}}
        """
      Then "monitor" has a reply to each of 3

  Rule: A message that is none ends the stream

    Scenario Outline: Closed with <code> after <what>
      Given "careless" streams as Ada
      When "careless" sends <what>
      Then the connection of "careless" is closed with <code>

      Examples:
        | what                         | code |
        | text that is not JSON        | 4509 |
        | JSON that is no message      | 4509 |
        | a binary frame               | 4509 |
        | a message of 2 MiB           | 1009 |
        | text that is not UTF-8       | 1007 |
        | a broken frame               | 1002 |

    Scenario: One program's mistake is nobody else's trouble
      Given Ada and Grace have the Thing open
      And "careless" streams as Ada
      When "careless" sends text that is not JSON
      Then the connection of "careless" is closed with 4509
      When Ada changes the title to "Undisturbed"
      Then Grace sees the title "Undisturbed"
      And Ada and Grace have never lost the connection
