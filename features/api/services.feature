Feature: Several services on one stream
  A stream carries several services at once. Each message names its service by its port: 0 is the session
  itself, 200 the user actions. To listen on port 200 means to receive what carries port 200.

  Background:
    Given WidgetApp is running

  @claim:C04+1
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

  @claim:many-things+1
  Rule: A stream carries many Things, told apart by their join

    Scenario: Twenty Things on one stream
      Given "editor" streams as Ada
      When "editor" creates and opens 20 Things
      Then a change of each of them by Ada's other program reaches "editor" under its own join

  @claim:services+3
  Rule: The welcome lists the services

    Scenario: Five services
      Given "monitor" streams as Ada
      Then "monitor" receives:
        """
        {"port": 0, "name": "welcome", "body": {"ports": {
           "session": 0, "useraction": 200, "sync": 201, "presence": 202, "notifications": 203}}}
        """

  @claim:C27+1 @claim:C28+1 @claim:C39+1
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

  @claim:closed-thing-silent+1
  Rule: A closed Thing is not heard of any more

    Scenario: Closing
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

  @claim:unknown-port+1
  Rule: A port that no service has is answered with an error, and the stream goes on

    Scenario: Port 999
      Given "monitor" streams as Ada
      When "monitor" sends:
        """
        {"port": 999, "name": "ping", "id": 7}
        """
      Then "monitor" receives:
        """
        {"port": 999, "id": 7, "error": {"code": 102, "name": "unknown_port", "message": "...", "temporary": false}}
        """
      And the connection of "monitor" is still good

  @claim:unknown-name+1
  Rule: A name that its service does not know is answered with an error, and the stream goes on

    Scenario Outline: <name> on port <port>
      Given "monitor" streams as Ada
      When "monitor" sends:
        """
        {"port": <port>, "name": "<name>", "id": 7}
        """
      Then "monitor" receives:
        """
        {"port": <port>, "id": 7, "error": {"code": 103, "name": "unknown_name", "message": "...", "temporary": false}}
        """
      And the connection of "monitor" is still good

      Examples:
        | port | name                        |
        | 200  | widgetApp_useraction_dance  |
        | 0    | widgetApp_useraction_edit   |
        | 200  | ping                        |
