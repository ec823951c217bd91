Feature: Texts that several people change at once
  A patch replaces a text as a whole. The server finds out what its author changed in the text that they had
  seen, and merges that with what others have typed meanwhile.

  Background:
    Given WidgetApp is running
    And "ada" streams as Ada
    And "grace" streams as Grace
    And "ada" opens the Thing
    And "grace" opens the Thing

  @claim:merge-notes+1 @claim:merge-reply+1 @claim:seen-offset+1
  Rule: Both keep what they typed, and the later one is told what came of it

    Scenario: Grace had not seen what Ada typed
      When "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "1", "patch": [{"op": "replace", "path": "/notes", "value": "a chair"}]}}
        """
      Then "grace" receives:
        """
        {"offset": OFFSET+1, "body": {"user": "ada"}}
        """
      When "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "THING", "offset": OFFSET+1,
         "body": {"key": "2", "patch": [{"op": "replace", "path": "/notes", "value": "We need a chair"}]}}
        """
      Then "grace" receives:
        """
        {"offset": OFFSET+2, "body": {"user": "ada"}}
        """
      When "grace" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "THING", "offset": OFFSET+1,
         "body": {"key": "2", "patch": [{"op": "replace", "path": "/notes", "value": "a chair and a window."}]}}
        """
      Then "grace" receives:
        """
        {"id": 3, "offset": OFFSET+3, "body": {"offset": OFFSET+3, "durable": true,
         "patch": [{"op": "replace", "path": "/notes", "value": "We need a chair and a window."}]}}
        """
      And "ada" receives:
        """
        {"offset": OFFSET+3, "body": {"user": "grace",
         "patch": [{"op": "replace", "path": "/notes", "value": "We need a chair and a window."}]}}
        """

  @claim:merge-label+1
  Rule: Labels of parts are merged like the notes

    Scenario: Two people name one part
      When "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING", "offset": OFFSET,
         "body": {"key": "1", "patch": [{"op": "replace", "path": "/parts/lamp/label", "value": "A bright lamp"}]}}
        """
      Then "grace" receives:
        """
        {"offset": OFFSET+1, "body": {"user": "ada"}}
        """
      When "grace" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "THING", "offset": OFFSET,
         "body": {"key": "2", "patch": [{"op": "replace", "path": "/parts/lamp/label", "value": "A lamp, yellow"}]}}
        """
      Then "grace" receives:
        """
        {"id": 3, "body": {"patch": [{"op": "replace", "path": "/parts/lamp/label", "value": "A bright lamp, yellow"}]}}
        """

  @claim:seen-default+1
  Rule: Without an offset the author counts as having seen what was sent to them

    Scenario: Grace replaces what she was sent
      When "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "1", "patch": [{"op": "replace", "path": "/notes", "value": "a chair"}]}}
        """
      Then "grace" receives:
        """
        {"offset": OFFSET+1, "body": {"user": "ada"}}
        """
      When "grace" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "THING",
         "body": {"key": "2", "patch": [{"op": "replace", "path": "/notes", "value": "a window"}]}}
        """
      Then "ada" receives:
        """
        {"offset": OFFSET+2, "body": {"user": "grace",
         "patch": [{"op": "replace", "path": "/notes", "value": "a window"}]}}
        """
      And "grace" has one reply to 3 without a patch

  @claim:own-edits-seen+1
  Rule: What the author has sent before counts as seen, whether its reply has come or not

    Scenario: Grace types fast, while Ada types too
      When "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "1", "patch": [{"op": "replace", "path": "/notes", "value": "a chair"}]}}
        """
      Then "grace" receives:
        """
        {"offset": OFFSET+1, "body": {"user": "ada"}}
        """
      When "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "THING", "offset": OFFSET+1,
         "body": {"key": "2", "patch": [{"op": "replace", "path": "/notes", "value": "We need a chair"}]}}
        """
      Then "grace" receives:
        """
        {"offset": OFFSET+2, "body": {"user": "ada"}}
        """
      When "grace" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 4, "thing": "THING", "offset": OFFSET+1,
         "body": {"key": "4", "patch": [{"op": "replace", "path": "/notes", "value": "a chair a"}]}}
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 5, "thing": "THING", "offset": OFFSET+1,
         "body": {"key": "5", "patch": [{"op": "replace", "path": "/notes", "value": "a chair an"}]}}
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 6, "thing": "THING", "offset": OFFSET+1,
         "body": {"key": "6", "patch": [{"op": "replace", "path": "/notes", "value": "a chair and"}]}}
        """
      Then "ada" receives:
        """
        {"offset": OFFSET+5, "body": {"user": "grace",
         "patch": [{"op": "replace", "path": "/notes", "value": "We need a chair and"}]}}
        """

    Scenario: Grace sends again what she does not know the reply to, over a new connection
      When "grace" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 4, "thing": "THING", "offset": OFFSET,
         "body": {"key": "4", "patch": [{"op": "replace", "path": "/notes", "value": "a"}]}}
        """
      Then "ada" receives:
        """
        {"offset": OFFSET+1, "body": {"user": "grace"}}
        """
      When "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING", "offset": OFFSET+1,
         "body": {"key": "2", "patch": [{"op": "replace", "path": "/notes", "value": "Buy a"}]}}
        """
      Then "grace" receives:
        """
        {"offset": OFFSET+2, "body": {"user": "ada"}}
        """
      When "again" streams as Grace
      And "again" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 4, "thing": "THING", "offset": OFFSET,
         "body": {"key": "4", "patch": [{"op": "replace", "path": "/notes", "value": "a"}]}}
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 5, "thing": "THING", "offset": OFFSET,
         "body": {"key": "5", "patch": [{"op": "replace", "path": "/notes", "value": "a chair"}]}}
        """
      Then "ada" receives:
        """
        {"offset": OFFSET+3, "body": {"user": "grace",
         "patch": [{"op": "replace", "path": "/notes", "value": "Buy a chair"}]}}
        """

  @claim:seen-over-http+1
  Rule: Over HTTP the offset stands in the body

    Scenario: A form that was open for a while
      When "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "1", "patch": [{"op": "replace", "path": "/notes", "value": "a chair"}]}}
        """
      Then "grace" receives:
        """
        {"offset": OFFSET+1, "body": {"user": "ada"}}
        """
      When "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "THING", "offset": OFFSET+1,
         "body": {"key": "2", "patch": [{"op": "replace", "path": "/notes", "value": "We need a chair"}]}}
        """
      Then "grace" receives:
        """
        {"offset": OFFSET+2, "body": {"user": "ada"}}
        """
      When POST _ajax/edit is called as Grace with:
        """
        {"thing": "THING", "key": "3", "offset": OFFSET+1,
         "patch": [{"op": "replace", "path": "/notes", "value": "a chair and a window."}]}
        """
      Then the answer is 200
      And "ada" receives:
        """
        {"offset": OFFSET+3, "body": {"user": "grace",
         "patch": [{"op": "replace", "path": "/notes", "value": "We need a chair and a window."}]}}
        """
      When POST _ajax/edit is called as Grace with:
        """
        {"thing": "THING", "key": "4", "offset": "the last one",
         "patch": [{"op": "replace", "path": "/notes", "value": "nothing"}]}
        """
      Then the answer is 400

  @claim:text-whole+1
  Rule: In a patch, a text that was changed is replaced as a whole

    Scenario: One letter
      When "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "1", "patch": [{"op": "replace", "path": "/parts/lamp/label", "value": "A lamp!"}]}}
        """
      Then "grace" receives:
        """
        {"offset": OFFSET+1, "body": {"user": "ada",
         "patch": [{"op": "replace", "path": "/parts/lamp/label", "value": "A lamp!"}]}}
        """

  @claim:last-value-wins+2
  Rule: Of other values the later one stays

    Scenario: Two people paint one part
      When "ada" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING", "offset": OFFSET,
         "body": {"key": "1", "patch": [{"op": "replace", "path": "/parts/lamp/color", "value": "#ff0000"}]}}
        """
      Then "grace" receives:
        """
        {"offset": OFFSET+1, "body": {"user": "ada"}}
        """
      When "grace" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "THING", "offset": OFFSET,
         "body": {"key": "2", "patch": [{"op": "replace", "path": "/parts/lamp/color", "value": "#0000ff"}]}}
        {"port": 200, "name": "widgetApp_useraction_select", "id": 4, "thing": "THING"}
        """
      Then "grace" receives:
        """
        {"id": 4, "body": {"content": {"parts": {"lamp": {"color": "#0000ff"}}}}}
        """
