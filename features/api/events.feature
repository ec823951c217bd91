Feature: Server-sent events
  Programs that hold no WebSocket listen to a Thing over plain HTTP.

  @claim:http-push-events+2 @claim:events-unbuffered+1
  Rule: What is pushed about a Thing comes as events

    Scenario: Listening while others work
      Given WidgetApp is running
      And "writer" streams as Ada
      And "writer" opens the Thing
      When "program" listens to the Thing's events as Grace
      Then the answer with the events of "program" has the header "content-type: text/event-stream"
      And the answer with the events of "program" has the header "cache-control: no-store, no-transform"
      And the answer with the events of "program" has the header "x-accel-buffering: no"
      And "program" is sent the event:
        """
        {"port": 0, "name": "welcome", "body": {"user": "grace"}}
        """
      And "program" is sent the event:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "THING", "join": 1, "offset": OFFSET, "body": {
          "role": "editor", "epoch": "EPOCH", "offset": OFFSET, "recovered": false,
          "content": {"meta": {"title": "Welcome"}}}}
        """
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "a", "patch": [{"op": "add", "path": "/parts/chair", "value": {"kind": "box"}}]}}
        {"port": 202, "name": "cursor", "id": 3, "thing": "THING", "body": {"x": 3, "y": 4}}
        {"port": 200, "name": "widgetApp_useraction_scroll", "id": 4, "thing": "THING", "body": {"view": {"part": "lamp"}}}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 5, "thing": "THING"}
        """
      Then "program" is sent the event:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "thing": "THING", "join": 1, "offset": OFFSET+1,
         "body": {"user": "ada", "patch": [{"op": "add", "path": "/parts/chair", "value": {"kind": "box"}}]}}
        """
      And "program" is sent the event:
        """
        {"port": 200, "name": "widgetApp_useraction_undo", "offset": OFFSET+2}
        """
      And "program" is sent the event 2 places after the beginning
      And "program" has had each change once and in order

  @claim:events-one-way+1
  Rule: Who listens is one of those who have the Thing open

    Scenario: Seen by the others, and changing the Thing over HTTP
      Given WidgetApp is running
      And "writer" streams as Ada
      And "writer" opens the Thing
      When "program" listens to the Thing's events as Grace
      Then "writer" receives:
        """
        {"port": 202, "name": "joined", "thing": "THING", "body": {"user": "grace"}}
        """
      When POST _ajax/rename is called as Grace with:
        """
        {"thing": "THING", "title": "Boat"}
        """
      Then "program" is sent the event:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "offset": OFFSET+1, "body": {"user": "grace"}}
        """

    Scenario Outline: <who> asks for <what>
      Given WidgetApp is running
      When events are asked for as <who> with:
        """
        GET /_stream/events<query>
        """
      Then the answer is <status> with the code <code>

      Examples:
        | who     | what                | query                | status | code                     |
        | Mallory | a Thing of others   | ?thing=THING         | 404    | 200 "thing_not_found"    |
        | Linus   | it without approval | ?thing=THING         | 403    | 108 "group_not_approved" |
        | Ada     | nothing             |                      | 400    | 208 "invalid_action"     |
        | Ada     | it with a token     | ?thing=THING&token=x | 400    | 107 "token_in_url"       |

  @claim:events-resume+1
  Rule: Who comes back says how far they have got

    Scenario: Two changes are missed
      Given WidgetApp is running
      And "program" listens to the Thing's events as Grace
      And "writer" streams as Ada
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 1, "thing": "THING", "body": {"title": "One"}}
        """
      Then "program" is sent the event 1 places after the beginning
      When the _stream is killed
      Then the events of "program" end
      When POST _ajax/rename is called as Ada with:
        """
        {"thing": "THING", "title": "Two"}
        """
      And POST _ajax/undo is called as Ada with:
        """
        {"thing": "THING"}
        """
      And "program" comes back for events as Grace with the last id that it had
      Then "program" is sent the event:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "offset": OFFSET+3, "body": {
          "recovered": true, "offset": OFFSET+3, "missed": [
            {"name": "widgetApp_useraction_rename", "offset": OFFSET+2},
            {"name": "widgetApp_useraction_undo", "offset": OFFSET+3}]}}
        """

    Scenario Outline: With <what>
      Given WidgetApp is running
      When events are asked for as Ada with:
        """
        GET /_stream/events?thing=THING<more>
        Last-Event-ID: <id>
        """
      Then "program" is sent the event:
        """
        {"name": "widgetApp_useraction_open", "body": {"recovered": false, "content": {"notes": "..."}}}
        """

      Examples:
        | what                     | more          | id |
        | an id that is to come    |               | 99 |
        | an id of another life    | &epoch=a1b2c3 | 1  |

    Scenario: With an id that is none
      Given WidgetApp is running
      When events are asked for as Ada with:
        """
        GET /_stream/events?thing=THING
        Last-Event-ID: soon
        """
      Then the answer is 400 with the code 101 "bad_request"

  @claim:events-live+1
  Rule: A _sfe that is killed is not noticed

    Scenario: Killed between changes
      Given WidgetApp is running
      And "program" listens to the Thing's events as Grace
      And "writer" streams as Ada
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 1, "thing": "THING", "body": {"title": "One"}}
        """
      And the _sfe is killed
      And "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 2, "thing": "THING", "body": {"title": "Two"}}
        """
      Then "program" is sent the event 2 places after the beginning
      And "program" has had each change once and in order
      And the events of "program" have never ended

  @claim:events-access+1
  Rule: The end of access ends the events

    Scenario: Grace is not invited any more
      Given WidgetApp is running
      And "program" listens to the Thing's events as Grace
      And "owner" streams as Ada
      When "owner" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_uninvite", "id": 1, "thing": "THING", "body": {"user": "grace"}}
        """
      Then "program" is sent the event:
        """
        {"port": 0, "name": "access", "thing": "THING", "body": {"role": "none"}}
        """
      And the events of "program" end
      When events are asked for as Grace with:
        """
        GET /_stream/events?thing=THING
        """
      Then the answer is 404 with the code 200 "thing_not_found"

    Scenario: The approval of her group is withdrawn
      Given WidgetApp is running
      And "program" listens to the Thing's events as Grace
      When the administrator runs "widgetapp_admin -group designers -withdraw"
      Then the events of "program" end
