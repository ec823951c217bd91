Feature: Edits
  An edit is answered when it is durable. Everyone gets the edits of one Thing in one order.

  Background:
    Given WidgetApp is running

  Rule: Offsets rise by one, and the reply stands at the sender's place

    Scenario: The sender gets its reply and no echo; all other streams get the push
      Given "writer" streams as Ada
      And "second" streams as Ada
      And "reader" streams as Grace
      And "writer" opens the Thing
      And "second" opens the Thing
      And "reader" opens the Thing
      When "writer" edits the title
      And "reader" edits the title
      And "writer" edits the title
      Then "writer" has got the changes "reply, push, reply" at one offset after the other
      And "second" has got the changes "push, push, push" at one offset after the other
      And "reader" has got the changes "push, reply, push" at one offset after the other

    Scenario: An edit is durable when it is acknowledged
      Given "writer" streams as Ada
      When "writer" opens the Thing
      And "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "k1", "patch": [{"op": "replace", "path": "/meta/title", "value": "Safe"}]}}
        """
      Then "writer" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING", "offset": OFFSET+1,
         "body": {"epoch": "EPOCH", "offset": OFFSET+1, "durable": true}}
        """

  Rule: A key makes an edit safe to send again

    Scenario: The same key twice
      Given "writer" streams as Ada
      And "reader" streams as Grace
      And "reader" opens the Thing
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "THING",
         "body": {"key": "same", "patch": [{"op": "add", "path": "/parts/chair", "value": {"kind": "box"}}]}}
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "same", "patch": [{"op": "add", "path": "/parts/chair", "value": {"kind": "box"}}]}}
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "THING",
         "body": {"key": "another", "patch": [{"op": "add", "path": "/parts/lamp", "value": {"kind": "box"}}]}}
        """
      Then "writer" receives:
        """
        {"id": 1, "body": {"offset": OFFSET+1}}
        """
      And "writer" receives:
        """
        {"id": 2, "body": {"offset": OFFSET+1}}
        """
      And "writer" receives:
        """
        {"id": 3, "body": {"offset": OFFSET+2}}
        """
      And "reader" has got the changes "push, push" at one offset after the other

    Scenario: The same key after the server was killed
      Given "writer" streams as Ada
      When "writer" opens the Thing
      And "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "same", "patch": [{"op": "add", "path": "/parts/chair", "value": {"kind": "box"}}]}}
        """
      Then "writer" receives:
        """
        {"id": 2, "body": {"offset": OFFSET+1}}
        """
      When the server is killed and started again
      And "successor" streams as Ada
      And "successor" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "THING",
         "body": {"key": "same", "patch": [{"op": "add", "path": "/parts/chair", "value": {"kind": "box"}}]}}
        """
      Then "successor" receives:
        """
        {"id": 1, "body": {"offset": OFFSET+1, "epoch": "EPOCH"}}
        """

    Scenario: The same key of two people means two edits
      Given "writer" streams as Ada
      And "other" streams as Grace
      And "writer" opens the Thing
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "same", "patch": [{"op": "add", "path": "/parts/a", "value": {"kind": "box"}}]}}
        """
      Then "writer" receives:
        """
        {"id": 2, "body": {"offset": OFFSET+1}}
        """
      When "other" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "same", "patch": [{"op": "add", "path": "/parts/b", "value": {"kind": "box"}}]}}
        """
      Then "other" receives:
        """
        {"id": 2, "body": {"offset": OFFSET+2}}
        """

  Rule: An edit that is refused changes nothing and disturbs nobody

    Scenario: A viewer edits
      Given the administrator has run "widgetapp_admin -group reviewers -approve"
      And "viewer" streams as Linus
      And "reader" streams as Grace
      And "viewer" opens the Thing
      And "reader" opens the Thing
      When "viewer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "k", "patch": [{"op": "replace", "path": "/meta/title", "value": "Mine"}]}}
        """
      Then "viewer" receives:
        """
        {"id": 2, "thing": "THING", "error": {"code": 201, "name": "forbidden", "temporary": false}}
        """
      When "reader" edits the title
      Then "reader" has got the changes "reply" at one offset after the other
      And "viewer" has got the changes "push" at one offset after the other

    Scenario: A patch of which only the beginning fits
      Given "writer" streams as Ada
      And "reader" streams as Grace
      And "reader" opens the Thing
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "k", "patch": [{"op": "replace", "path": "/meta/title", "value": "Half"},
                                        {"op": "test", "path": "/meta/title", "value": "Whole"}]}}
        """
      Then "writer" receives:
        """
        {"id": 2, "error": {"code": 203, "name": "invalid_patch"}}
        """
      When "reader" edits the title
      Then "reader" has got the changes "reply" at one offset after the other

  Rule: Each client gets changes in the form and encoding it asked for

    Scenario Outline: Opened as <form> in <encoding>
      Given "writer" streams as Ada
      And "reader" streams as Grace in <encoding>
      When "reader" opens the Thing as <form>
      Then "reader" was given the Thing as <whole>
      When "writer" edits the title
      Then "reader" has got the change as <change> with the new title
      And "reader" has got everything in <frames> frames

      Examples:
        | form | encoding | whole   | change | frames |
        | json | JSON     | content | patch  | text   |
        | json | CBOR     | content | patch  | binary |
        | yjs  | JSON     | update  | update | text   |
        | yjs  | CBOR     | update  | update | binary |

    Scenario Outline: A Yjs update written in <encoding> is a patch for those who read JSON
      Given "reader" streams as Grace
      And "reader" opens the Thing
      And "writer" streams as Ada in <encoding>
      And "writer" opens the Thing as yjs
      When "writer" sends a Yjs update that makes the title "Drawn"
      Then "reader" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "thing": "THING", "offset": OFFSET+1,
         "body": {"user": "ada", "patch": [{"op": "replace", "path": "/meta/title", "value": "Drawn"}]}}
        """

      Examples:
        | encoding |
        | JSON     |
        | CBOR     |
