Feature: Edits
  An edit is answered when it is durable. Everyone gets the edits of one Thing in one order.

  Background:
    Given WidgetApp is running

  @claim:offsets-rise-by-one+1
  Rule: Everyone gets the edits of a Thing in one order, and offsets rise by one

    Scenario: Three streams, two of them writing
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

  @claim:edit-no-echo+1
  Rule: The sender's reply stands at the place of its edit; its other streams get the push

    Scenario: Two streams of one person
      Given "writer" streams as Ada
      And "second" streams as Ada
      And "writer" opens the Thing
      And "second" opens the Thing
      When "writer" edits the title
      Then "writer" has got the changes "reply" at one offset after the other
      And "second" has got the changes "push" at one offset after the other

  @claim:edit-empty+1
  Rule: An edit that changes nothing takes a place in the log too

    Scenario Outline: <what>
      Given "reader" streams as Grace
      And "reader" opens the Thing
      And "writer" streams as Ada
      When "writer" opens the Thing
      And "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 7, "thing": "THING",
         "body": {"key": "empty", "patch": <patch>}}
        """
      Then "writer" receives:
        """
        {"id": 7, "offset": OFFSET+1, "body": {"offset": OFFSET+1, "durable": true}}
        """
      And "reader" receives:
        """
        {"name": "widgetApp_useraction_edit", "offset": OFFSET+1, "body": {"user": "ada", "patch": []}}
        """
      When "writer" edits the title
      Then "reader" receives:
        """
        {"name": "widgetApp_useraction_edit", "offset": OFFSET+2}
        """

      Examples:
        | what                       | patch                                                             |
        | A patch without operations | []                                                                |
        | A title that it has        | [{"op": "replace", "path": "/meta/title", "value": "Welcome"}]    |

  @claim:edit-durable+1
  Rule: An edit is durable when it is acknowledged

    Scenario: Acknowledged, and then the server is killed
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
      When the server is killed and started again
      And "successor" streams as Ada
      And "successor" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_select", "id": 1, "thing": "THING"}
        """
      Then "successor" receives:
        """
        {"id": 1, "body": {"title": "Safe", "epoch": "EPOCH", "offset": OFFSET+1}}
        """

  @claim:key-idempotent+1
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

  @claim:key-own+1
  Rule: Keys belong to the user or client who chose them

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

  @claim:key-length+1
  Rule: A key has 1 to 128 bytes

    Scenario Outline: A key of <length>
      Given "writer" streams as Ada
      When "writer" sends an edit with a key of <length> and the id 1
      Then "writer" is answered 1 with <outcome>

      Examples:
        | length    | outcome        |
        | 0 bytes   | invalid_action |
        | 1 bytes   | a body         |
        | 128 bytes | a body         |
        | 129 bytes | invalid_action |

  @claim:patch-or-update+1
  Rule: An edit has either a patch or an update

    Scenario Outline: An edit with <what>
      Given "writer" streams as Ada
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "THING", "body": <body>}
        """
      Then "writer" is answered 1 with invalid_action

      Examples:
        | what    | body                                            |
        | neither | {"key": "k"}                                    |
        | both    | {"key": "k", "patch": [], "update": "AAA="}     |

  @claim:edit-refused+1
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

  @claim:patch-whole+1
  Rule: A patch is applied as a whole or not at all

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

  @claim:content-shape+1
  Rule: The content of a Thing keeps its shape

    Scenario Outline: <what> is refused
      Given "writer" streams as Ada
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "THING",
         "body": {"key": "k", "patch": [<change>]}}
        """
      Then "writer" receives:
        """
        {"id": 1, "error": {"code": 203, "name": "invalid_patch"}}
        """

      Examples:
        | what                  | change                                               |
        | A fourth root         | {"op": "add", "path": "/colour", "value": "green"}   |
        | Parts that are a list | {"op": "replace", "path": "/parts", "value": []}     |
        | Notes that are none   | {"op": "replace", "path": "/notes", "value": 5}      |

  @claim:forms+1
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

  @claim:update-as-patch+1
  Rule: A Yjs update is a patch for those who opened the Thing as JSON

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

  @claim:update-incomplete+1
  Rule: An update that builds on changes which the server does not have is refused

    Scenario: The change before it was never sent
      Given "writer" streams as Ada
      And "writer" opens the Thing as yjs
      When "writer" sends a Yjs update that builds on one which it keeps
      Then "writer" receives:
        """
        {"id": 50, "error": {"code": 301, "name": "incomplete_update", "temporary": false}}
        """
