Feature: Who is there, and where they point
  Port 202 tells everyone who has a Thing open who else has, and where in it they point. Nothing of it is stored.
  Ada owns the Thing "Welcome", Grace may change it; both are in the approved group "designers".

  Background:
    Given WidgetApp is running

  @claim:presence-port+1
  Rule: Port 202 tells who is present, and where their cursors are

    Scenario: Coming, pointing and leaving
      Given "ada" streams as Ada
      And "ada" opens the Thing
      Then "ada" receives:
        """
        {"port": 202, "name": "state", "thing": "THING", "join": 1,
         "body": {"present": [{"id": "...", "user": "ada", "color": "..."}], "others": 0}}
        """
      Given "grace" streams as Grace
      And "grace" opens the Thing
      Then "ada" receives:
        """
        {"port": 202, "name": "joined", "thing": "THING", "join": 1, "body": {"id": "...", "user": "grace"}}
        """
      When "grace" sends:
        """
        {"port": 202, "name": "cursor", "id": 7, "thing": "THING",
         "body": {"x": 10, "y": 20.5, "part": "lamp", "selection": {"from": 3, "to": 5}}}
        """
      Then "grace" has one reply to 7, like:
        """
        {"port": 202, "name": "cursor", "join": 1, "body": {}}
        """
      And "ada" receives:
        """
        {"port": 202, "name": "cursor", "thing": "THING", "join": 1,
         "body": {"user": "grace", "x": 10, "y": 20.5, "part": "lamp", "selection": {"from": 3, "to": 5}}}
        """
      When "grace" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_close", "id": 8, "thing": "THING"}
        """
      Then "ada" receives:
        """
        {"port": 202, "name": "left", "thing": "THING", "join": 1, "body": {"id": "...", "user": "grace"}}
        """

    Scenario: Who comes later is told where the others point
      Given "ada" streams as Ada
      And "ada" opens the Thing
      And "ada" points at 3, 4
      And "grace" streams as Grace in CBOR
      And "grace" opens the Thing
      Then "grace" receives:
        """
        {"port": 202, "name": "state", "body": {"present": [
          {"user": "ada", "cursor": {"x": 3, "y": 4}}, {"user": "grace"}]}}
        """

  @claim:presence-stamped+1
  Rule: The server says who points

    Scenario: Somebody who would be another
      Given "ada" streams as Ada
      And "ada" opens the Thing
      And "grace" streams as Grace
      And "grace" opens the Thing
      When "grace" sends:
        """
        {"port": 202, "name": "cursor", "id": 7, "thing": "THING",
         "body": {"x": 1, "y": 2, "user": "ada", "id": "ada's", "color": "#000000"}}
        """
      Then "ada" hears a cursor under the id and the name of "grace", in the colour that its state has for her

  @claim:presence-ends+1
  Rule: Who is there no more has left at once

    Scenario Outline: They leave: <what>
      Given "ada" streams as Ada
      And "ada" opens the Thing
      And "grace" streams as Grace
      And "grace" opens the Thing
      When <what>
      Then "ada" receives:
        """
        {"port": 202, "name": "left", "body": {"user": "grace"}}
        """

      Examples:
        | what                                                                           |
        | "grace" disconnects                                                            |
        | the administrator runs "widgetapp_admin -user grace -disable"                  |
        | the administrator runs "widgetapp_admin -group designers -remove-member grace" |

    Scenario: A share that ends
      Given "ada" streams as Ada
      And "ada" opens the Thing
      And "grace" streams as Grace
      And "grace" opens the Thing
      When POST _ajax/uninvite is called as Ada with:
        """
        {"thing": "THING", "user": "grace"}
        """
      Then "ada" receives:
        """
        {"port": 202, "name": "left", "body": {"user": "grace"}}
        """
      And the connection of "grace" is still good

  @claim:presence-restart+1
  Rule: A process that is killed makes nobody leave or join

    Scenario Outline: <process>
      Given "ada" streams as Ada
      And "ada" opens the Thing
      And "ada" points at 3, 4
      And "grace" streams as Grace
      And "grace" opens the Thing
      When the <process> is killed
      Then another <process> takes its place
      When "late" streams as Grace
      And "late" opens the Thing
      Then "late" receives:
        """
        {"port": 202, "name": "state", "body": {"present": ["...", "...", {"user": "grace"}]}}
        """
      And "late" is told that ada points at 3, 4
      And nobody but "late" has joined, and nobody has left, as "ada" sees it

      Examples:
        | process |
        | _sfe    |
        | _wfe    |

  @claim:presence-bounds+1
  Rule: Cursors are told 20 times a second at most, and the newest in any case

    Scenario: A hand that never rests
      Given "ada" streams as Ada
      And "ada" opens the Thing
      And "grace" streams as Grace
      And "grace" opens the Thing
      When "grace" points at 100 places, one after the other
      Then "ada" is told of the last of them, and of less than half of them all

  @claim:presence-refused+1
  Rule: A cursor that is none, or nowhere, is refused

    Scenario: A Thing that is not open
      Given "ada" streams as Ada
      When "ada" sends:
        """
        {"port": 202, "name": "cursor", "id": 1, "thing": "THING", "body": {"x": 1, "y": 2}}
        """
      Then "ada" has one reply to 1, like:
        """
        {"error": {"code": 202, "name": "not_open"}}
        """

    Scenario Outline: <what>
      Given "ada" streams as Ada
      And "ada" opens the Thing
      When "ada" sends:
        """
        {"port": 202, "name": "cursor", "id": 5, "thing": "THING", "body": <body>}
        """
      Then "ada" has one reply to 5, like:
        """
        {"error": {"code": 400, "name": "invalid_cursor"}}
        """

      Examples:
        | what            | body                      |
        | No y            | {"x": 1}                  |
        | A word for x    | {"x": "left", "y": 2}     |
        | Nothing         | null                      |

    Scenario: Selections that are too large
      Given "ada" streams as Ada
      And "ada" opens the Thing
      When "ada" points with a selection of 5000 bytes and the id 5
      Then "ada" has one reply to 5, like:
        """
        {"error": {"code": 400, "name": "invalid_cursor"}}
        """
