Feature: Editors built on Yjs
  Any editor built on Yjs works on a Thing through y-websocket's provider: one Thing for each connection, sync and
  awareness messages as y-protocols has them.
  Ada owns the Thing "Welcome", Grace may change it; Linus may see it, but is in no approved group.

  Background:
    Given WidgetApp is running

  @claim:yjs-provider+1
  Rule: A Thing opens in any editor built on Yjs

    Scenario: Two editors
      Given Ada has the Thing open in the editor "hers"
      And Grace has the Thing open in the editor "other"
      Then "other" shows "Ada owns this" in the notes, once
      When "hers" types "Hello! "
      Then "other" shows "Hello! Ada owns this" in the notes, once

    Scenario: Typed offline, on both sides
      Given Ada has the Thing open in the editor "hers"
      And Grace has the Thing open in the editor "other"
      When "other" goes offline
      And "other" types "offline "
      And "hers" types "online "
      And Grace opens the Thing in the editor "other"
      And "other" types "again "
      Then "hers" shows "offline " in the notes, once
      And "hers" shows "again " in the notes, once
      And "other" shows "online " in the notes, once

  @claim:yjs-same-log+1
  Rule: What is typed in an editor is an edit like any other

    Scenario: Among people with other programs
      Given Ada has the Thing open in the editor "hers"
      And "json" streams as Grace
      And "json" opens the Thing
      When "hers" types "From the editor. "
      Then "json" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "thing": "THING", "join": 1, "offset": OFFSET+1,
         "body": {"user": "ada", "patch": [{"op": "replace", "path": "/notes",
           "value": "From the editor. Ada owns this, Grace can change it, Linus can look at it.\n"}]}}
        """
      When "json" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "k", "patch": [{"op": "replace", "path": "/notes", "value": "From JSON."}]}}
        """
      Then "hers" shows the notes "From JSON."

    Scenario: Stored as soon as others see it
      Given Ada has the Thing open in the editor "hers"
      And Grace has the Thing open in the editor "other"
      When "hers" types "Kept. "
      Then "other" shows "Kept. " in the notes, once
      When the server is killed and started again
      And Grace opens the Thing in the editor "later"
      Then "later" shows "Kept. Ada owns this" in the notes, once

  @claim:yjs-same-rules+1
  Rule: The door is that of the stream

    Scenario: Nobody
      When somebody asks for the Thing's editor with ""
      Then the answer is 401 with the code 104 "token_missing"

    Scenario: A token in the URL
      When somebody asks for the Thing's editor with "access_token=x"
      Then the answer is 400 with the code 107 "token_in_url"

    Scenario Outline: <who>
      When <who> tries to open the Thing in the editor "editor"
      Then "editor" is refused with <status> "<name>"

      Examples:
        | who     | status | name               |
        | Linus   | 403    | group_not_approved |
        | Mallory | 404    | thing_not_found    |

    Scenario: The token as a subprotocol, for browsers
      When "editor" offers the subprotocols "widgetapp.v1.yjs, bearer.TOKEN" with the token of Ada
      Then "editor" shows "Ada owns this" in the notes, once

  @claim:ticket-once+1
  Rule: A ticket is good for one use

    Scenario: Used twice
      When Ada opens the Thing in the editor "editor" with a ticket
      Then "editor" shows "Ada owns this" in the notes, once
      When "second" tries the same ticket
      Then "second" is refused with 401 "invalid_token"

    Scenario: Made up
      When somebody asks for the Thing's editor with "ticket=guessed"
      Then the answer is 401 with the code 105 "invalid_token"

    Scenario: At the other door
      When somebody asks for a stream with "a ticket in the URL"
      Then the answer is 400 with the code 107 "token_in_url"

  @claim:ticket-bound+1
  Rule: A ticket stands for a login, and perhaps for one Thing

    Scenario: The login ends
      When Ada opens the Thing in the editor "editor" with a ticket
      Then "editor" shows "Ada owns this" in the notes, once
      When Ada logs out in that browser
      Then the connection of the editor "editor" is closed with 4500

    Scenario: For another Thing
      When "editor" tries a ticket of Ada that is for another Thing
      Then "editor" is refused with 401 "invalid_token"

  @claim:ticket-limit+1
  Rule: Nobody has more than 100 tickets

    Scenario: A hundred and one
      When Ada asks for 100 tickets
      And POST _ajax/ticket is called as Ada with:
        """
        {}
        """
      Then the answer is 429 with the code 114 "too_many_requests"

  @claim:yjs-viewer+1
  Rule: A viewer's changes are refused as y-protocols does it

    Scenario: Typing all the same
      Given Grace has the Thing open in the editor "viewer"
      And Ada has the Thing open in the editor "hers"
      When POST _ajax/invite is called as Ada with:
        """
        {"thing": "THING", "user": "grace", "role": "viewer"}
        """
      And "viewer" types "Mine! "
      Then "viewer" is told that it is denied: "your role on this Thing does not allow that"
      When "hers" types "Not hers. "
      Then "viewer" shows "Not hers. " in the notes, once
      And "hers" shows "Not hers. Ada owns this" in the notes, once

  @claim:yjs-access-ends+1
  Rule: With the access the connection ends

    Scenario: The share
      Given Grace has the Thing open in the editor "editor"
      When POST _ajax/uninvite is called as Ada with:
        """
        {"thing": "THING", "user": "grace"}
        """
      Then the connection of the editor "editor" is closed with 4507

    Scenario: The Thing
      Given Grace has the Thing open in the editor "editor"
      When POST _ajax/delete is called as Ada with:
        """
        {"thing": "THING"}
        """
      Then the connection of the editor "editor" is closed with 4507

    Scenario: The password, and all that was opened by it
      Given Grace has the Thing open in the editor "editor"
      When the administrator runs "widgetapp_admin -user grace -password"
      Then the connection of the editor "editor" is closed with 4500

  @claim:yjs-restart+1
  Rule: An editor notices nothing of a process that is killed

    Scenario Outline: <process>
      Given Ada has the Thing open in the editor "hers"
      And Grace has the Thing open in the editor "other"
      When the <process> is killed
      And "hers" types "First. "
      And "other" types "Second. "
      Then "other" shows "First. " in the notes, once
      And "hers" shows "Second. " in the notes, once
      And "hers" has never lost its connection
      And "other" has never lost its connection

      Examples:
        | process |
        | _sfe    |
        | _wfe    |

  @claim:yjs-awareness+1
  Rule: Awareness goes to the others, under the sender's own name

    Scenario: Somebody who would be another
      Given Ada has the Thing open in the editor "hers"
      And Grace has the Thing open in the editor "other"
      When "other" says of itself "{'user': {'name': 'ada', 'color': '#000000', 'colorLight': '#eeeeee'}}"
      Then "hers" knows of "other" that it is "{'user': {'name': 'grace', 'color': '...', 'colorLight': '#eeeeee'}}"
      When "hers" says of itself "{}"
      Then "other" knows of "hers" that it is "{'user': {'name': 'ada'}}"
      When "other" says of the client of "hers" that it is "{'mood': 'hacked'}"
      And "other" says of itself "{'mood': 'good'}"
      Then "hers" knows of "other" that it is "{'mood': 'good'}"
      And "other" knows of "hers" that it is "{'user': {'name': 'ada'}}"
      When "other" goes offline
      Then "hers" does not know of "other" any more

    Scenario: Who comes later
      Given Ada has the Thing open in the editor "hers"
      When "hers" says of itself "{'mood': 'good'}"
      And Grace opens the Thing in the editor "late"
      Then "late" knows of "hers" that it is "{'mood': 'good', 'user': {'name': 'ada'}}"

    Scenario: On port 202
      Given "json" streams as Ada
      And "json" opens the Thing
      When Grace opens the Thing in the editor "editor"
      Then "json" receives:
        """
        {"port": 202, "name": "joined", "body": {"user": "grace"}}
        """
      When "editor" says of itself "{'cursor': {'x': 3, 'y': 4}}"
      Then "json" receives:
        """
        {"port": 202, "name": "cursor", "body": {"user": "grace", "x": 3, "y": 4}}
        """
      When "editor" goes offline
      Then "json" receives:
        """
        {"port": 202, "name": "left", "body": {"user": "grace"}}
        """

  @claim:yjs-hostile+1
  Rule: What is no message of y-websocket ends its own connection alone

    Scenario Outline: <what>
      Given Ada has the Thing open in the editor "hers"
      And Grace has the Thing open in the editor "other"
      When "other" sends <what> by y-websocket
      Then the connection of the editor "other" is closed with <code>
      When "hers" types "Undisturbed. "
      And Grace opens the Thing in the editor "third"
      Then "third" shows "Undisturbed. " in the notes, once
      And "hers" has never lost its connection

      Examples:
        | what                                    | code |
        | nothing                                 | 4509 |
        | a number that does not end              | 4509 |
        | a message of an unknown type            | 4509 |
        | half a sync message                     | 4509 |
        | a sync message of an unknown kind       | 4509 |
        | an awareness state of 9 KiB             | 4509 |
        | an awareness state of 1 MiB             | 4509 |
        | an awareness state that is no object    | 4509 |
        | awareness of 100000 clients             | 4509 |

    Scenario Outline: <what> is refused, and the connection stays
      Given Ada has the Thing open in the editor "hers"
      And Grace has the Thing open in the editor "other"
      When "other" sends <what> by y-websocket
      Then "other" is told that it is denied: "<why>"
      When "other" types "Still here. "
      Then "hers" shows "Still here. " in the notes, once

      Examples:
        | what                                          | why                                             |
        | a state vector that claims a billion clients  | the data is not one sync message of y-protocols: step 1, step 2 or an update |
        | an update that is none                        | not an acceptable Yjs update: it ends too early |
