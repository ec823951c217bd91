Feature: Renaming, going back, and the history of a Thing
  Every change is kept. So a change can be taken back, by the one who made it, and a Thing can go back to what it was.

  @claim:action-rename+1
  Rule: rename gives a Thing another title

    Scenario: Renamed while somebody has it open
      Given WidgetApp is running
      And "owner" streams as Ada
      And "reader" streams as Grace
      And "reader" opens the Thing
      And "drawer" streams as Grace
      And "drawer" opens the Thing as yjs
      When "owner" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 1, "thing": "THING", "body": {"title": "Our boat"}}
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 2, "thing": "THING", "body": {"title": "  "}}
        {"port": 200, "name": "widgetApp_useraction_select", "id": 3, "thing": "THING"}
        """
      Then "owner" has one reply to 1, like:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "offset": OFFSET+1, "body": {"offset": OFFSET+1}}
        """
      And "owner" is answered 2 with invalid_action
      And "owner" has one reply to 3, like:
        """
        {"id": 3, "body": {"title": "Our boat", "content": {"meta": {"title": "Our boat"}}}}
        """
      And "reader" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "thing": "THING", "join": 1, "offset": OFFSET+1,
         "body": {"user": "ada", "patch": [{"op": "replace", "path": "/meta/title", "value": "Our boat"}]}}
        """
      And "drawer" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "thing": "THING", "join": 1, "offset": OFFSET+1,
         "body": {"user": "ada", "update": "..."}}
        """

  @claim:action-undo+1
  Rule: undo and redo go through one's own changes

    Scenario: Back, and forward again
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "THING",
         "body": {"key": "a", "patch": [{"op": "add", "path": "/parts/chair", "value": {"kind": "box"}}]}}
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "b", "patch": [{"op": "add", "path": "/parts/chair/x", "value": 7}]}}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 3, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 4, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 5, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_redo", "id": 6, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_select", "id": 7, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_redo", "id": 8, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_select", "id": 9, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_redo", "id": 10, "thing": "THING"}
        """
      Then "program" has one reply to 3, like:
        """
        {"offset": OFFSET+3, "body": {"offset": OFFSET+3}}
        """
      And "program" has one reply to 4, like:
        """
        {"body": {"offset": OFFSET+4}}
        """
      And "program" is answered 5 with nothing_to_undo
      And "program" has one reply to 6, like:
        """
        {"body": {"offset": OFFSET+5}}
        """
      And "program" has one reply to 7, like:
        """
        {"body": {"content": {"parts": {"chair": {"kind": "box"}}}}}
        """
      And "program" has one reply to 9, like:
        """
        {"body": {"content": {"parts": {"chair": {"kind": "box", "x": 7}}}}}
        """
      And "program" is answered 10 with nothing_to_redo

    Scenario: A new change ends what could be redone
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 1, "thing": "THING", "body": {"title": "Boat"}}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 2, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "THING",
         "body": {"key": "a", "patch": [{"op": "add", "path": "/parts/chair", "value": {"kind": "box"}}]}}
        {"port": 200, "name": "widgetApp_useraction_redo", "id": 4, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_select", "id": 5, "thing": "THING"}
        """
      Then "program" is answered 4 with nothing_to_redo
      And "program" has one reply to 5, like:
        """
        {"body": {"title": "Welcome", "content": {"parts": {"chair": {"kind": "box"}}}}}
        """

  @claim:undo-before+1
  Rule: A program that undoes by itself what it does now leaves the rest to the server

    Scenario: Ada had given it another title before she drew a window
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 1, "thing": "THING", "body": {"title": "Boat"}}
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "b", "patch": [{"op": "add", "path": "/parts/window", "value": {"kind": "box"}}]}}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 3, "thing": "THING", "body": {"before": OFFSET+2}}
        {"port": 200, "name": "widgetApp_useraction_select", "id": 4, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 5, "thing": "THING", "body": {"before": OFFSET+2}}
        {"port": 200, "name": "widgetApp_useraction_redo", "id": 6, "thing": "THING", "body": {"before": OFFSET+2}}
        {"port": 200, "name": "widgetApp_useraction_select", "id": 7, "thing": "THING"}
        """
      Then "program" has one reply to 4, like:
        """
        {"body": {"title": "Welcome", "content": {"parts": {"window": {"kind": "box"}}}}}
        """
      And "program" is answered 5 with nothing_to_undo
      And "program" has one reply to 7, like:
        """
        {"body": {"title": "Boat", "content": {"parts": {"window": {"kind": "box"}}}}}
        """

  @claim:undo-own+1
  Rule: Undo leaves alone what others did

    Scenario: Grace has typed into the same text, and set a value again
      Given WidgetApp is running
      And "ada" streams as Ada
      And "grace" streams as Grace
      When "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "THING",
         "body": {"key": "a", "patch": [{"op": "replace", "path": "/notes", "value": "A lamp."},
                                        {"op": "add", "path": "/parts/lamp/x", "value": 1}]}}
        """
      And "ada" has a reply to 1
      And "grace" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "THING",
         "body": {"key": "b", "patch": [{"op": "replace", "path": "/notes", "value": "A lamp. A chair."},
                                        {"op": "add", "path": "/parts/lamp/x", "value": 2},
                                        {"op": "add", "path": "/parts/chair", "value": {"kind": "box"}}]}}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 2, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_redo", "id": 3, "thing": "THING"}
        """
      And "grace" has a reply to 3
      And "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "c", "patch": [{"op": "add", "path": "/parts/window", "value": {"kind": "box"}}]}}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 3, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 4, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_select", "id": 5, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 6, "thing": "THING"}
        """
      Then "ada" has one reply to 5, like:
        """
        {"body": {"content": {"notes": "...", "parts": {"lamp": {"x": 2}, "chair": {"kind": "box"}}}}}
        """
      And the notes in the reply to 5 of "ada" have " A chair." and not "A lamp."
      And "ada" is answered 6 with nothing_to_undo

  @claim:undo-anywhere+1
  Rule: What can be undone is the same everywhere, and after a restart

    Scenario: Undone over HTTP, after the server was killed
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 1, "thing": "THING", "body": {"title": "Boat"}}
        """
      And "program" has a reply to 1
      And the server is killed and started again
      And POST _ajax/undo is called as Ada with:
        """
        {"thing": "THING"}
        """
      Then the answer is 200
      When POST _ajax/select is called as Ada with:
        """
        {"thing": "THING"}
        """
      Then the answer is 200 and like:
        """
        {"title": "Welcome"}
        """

  @claim:undo-once+1
  Rule: Under one key it is done once

    Scenario: The same undo twice, and another one
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 1, "thing": "THING", "body": {"title": "One"}}
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 2, "thing": "THING", "body": {"title": "Two"}}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 3, "thing": "THING", "body": {"key": "once"}}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 4, "thing": "THING", "body": {"key": "once"}}
        {"port": 200, "name": "widgetApp_useraction_select", "id": 5, "thing": "THING"}
        """
      Then "program" has one reply to 4, like:
        """
        {"body": {"offset": OFFSET+3}}
        """
      And "program" has one reply to 5, like:
        """
        {"body": {"title": "One", "offset": OFFSET+3}}
        """

    Scenario: The _sfe is killed before it has answered
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 1, "thing": "THING", "body": {"title": "One"}}
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 2, "thing": "THING", "body": {"title": "Two"}}
        """
      And "program" has a reply to 2
      And the _sfe is halted
      And "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 3, "thing": "THING"}
        """
      And the _sfe is killed
      Then "program" has one reply to 3, like:
        """
        {"body": {"offset": OFFSET+3}}
        """
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_select", "id": 4, "thing": "THING"}
        """
      Then "program" has one reply to 4, like:
        """
        {"body": {"title": "One", "offset": OFFSET+3}}
        """

  @claim:action-pushed-to-all+1
  Rule: The connection that asks hears what it came to before the reply

    Scenario: An undo on a connection that has the Thing open
      Given WidgetApp is running
      And "program" streams as Ada
      And "program" opens the Thing
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "a", "patch": [{"op": "add", "path": "/parts/chair", "value": {"kind": "box"}}]}}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 3, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_redo", "id": 4, "thing": "THING"}
        """
      Then "program" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_undo", "thing": "THING", "join": 1, "offset": OFFSET+2,
         "body": {"user": "ada", "patch": [{"op": "remove", "path": "/parts/chair"}]}}
        """
      And "program" receives:
        """
        {"id": 3, "offset": OFFSET+2, "body": {"offset": OFFSET+2}}
        """
      And "program" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_redo", "thing": "THING", "join": 1, "offset": OFFSET+3,
         "body": {"user": "ada", "patch": [{"op": "add", "path": "/parts/chair", "value": {"kind": "box"}}]}}
        """
      And "program" receives:
        """
        {"id": 4, "offset": OFFSET+3, "body": {"offset": OFFSET+3}}
        """

    Scenario: Who comes back is told of it like of any change
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 1, "thing": "THING", "body": {"title": "Boat"}}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 2, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_open", "id": 3, "thing": "THING",
         "body": {"since": {"epoch": "EPOCH", "offset": OFFSET}}}
        """
      Then "program" receives:
        """
        {"id": 3, "body": {"recovered": true, "missed": [
          {"name": "widgetApp_useraction_rename", "offset": OFFSET+1,
           "body": {"user": "ada", "patch": [{"op": "replace", "path": "/meta/title", "value": "Boat"}]}},
          {"name": "widgetApp_useraction_undo", "offset": OFFSET+2,
           "body": {"user": "ada", "patch": [{"op": "replace", "path": "/meta/title", "value": "Welcome"}]}}]}}
        """

  @claim:action-restore+1
  Rule: restore makes a Thing what it was

    Scenario: Back to before two people's changes, and that undone
      Given WidgetApp is running
      And "ada" streams as Ada
      And "grace" streams as Grace
      When "grace" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "THING",
         "body": {"key": "a", "patch": [{"op": "remove", "path": "/parts/lamp"}]}}
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 2, "thing": "THING", "body": {"title": "Empty"}}
        """
      And "grace" has a reply to 2
      And "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_restore", "id": 1, "thing": "THING", "body": {"offset": OFFSET}}
        """
      Then "ada" has one reply to 1, like:
        """
        {"offset": OFFSET+3, "body": {"offset": OFFSET+3}}
        """
      When "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_select", "id": 2, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 3, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_select", "id": 4, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_restore", "id": 5, "thing": "THING", "body": {"offset": 99}}
        """
      Then "ada" has one reply to 2, like:
        """
        {"body": {"title": "Welcome", "content": {"parts": {"lamp": {"kind": "circle", "x": 280}}}}}
        """
      And "ada" has one reply to 4, like:
        """
        {"body": {"title": "Empty", "content": {"parts": {"table": {"kind": "box"}}}}}
        """
      And "ada" is answered 5 with no_such_change

  @claim:action-history+1
  Rule: history tells who changed what, when

    Scenario: Two pages
      Given WidgetApp is running
      And "ada" streams as Ada
      And "grace" streams as Grace
      When "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_rename", "id": 1, "thing": "THING", "body": {"title": "Boat"}}
        """
      And "ada" has a reply to 1
      And "grace" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "THING",
         "body": {"key": "a", "patch": [{"op": "add", "path": "/parts/lamp/x", "value": 4}]}}
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 2, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_history", "id": 3, "thing": "THING", "body": {"limit": 2}}
        {"port": 200, "name": "widgetApp_useraction_history", "id": 4, "thing": "THING", "body": {"before": OFFSET+2}}
        """
      Then "grace" has one reply to 3, like:
        """
        {"body": {"next": OFFSET+2, "changes": [
          {"offset": OFFSET+3, "user": "grace", "at": "...", "action": "undo", "changed": ["/parts/lamp/x"]},
          {"offset": OFFSET+2, "user": "grace", "at": "...", "action": "edit", "changed": ["/parts/lamp/x"]}]}}
        """
      And "grace" has one reply to 4, like:
        """
        {"body": {"next": null, "changes": [
          {"offset": OFFSET+1, "user": "ada", "at": "...", "action": "rename", "changed": ["/meta/title"]},
          {"offset": 1, "user": "ada", "at": "...", "action": "create", "changed": "..."}]}}
        """

  @claim:limit-history+1
  Rule: A page of history has a bound

    Scenario Outline: A limit of <limit>
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" has changed the Thing 120 times
      And "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_history", "id": 1, "thing": "THING", "body": <body>}
        """
      Then the reply to 1 of "program" has <count> changes

      Examples:
        | limit | body           | count |
        | none  | {}             | 20    |
        | 7     | {"limit": 7}   | 7     |
        | 500   | {"limit": 500} | 100   |
