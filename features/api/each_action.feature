Feature: The user actions, one by one
  What each is asked with, what it answers, and who hears of it.

  @claim:action-names+2 @claim:C37+1
  Rule: There are sixteen user actions, each known on port 200 by its full name

    Scenario Outline: widgetApp_useraction_<action>
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_<action>", "id": 1, "thing": "THING", "body": <body>}
        """
      Then "program" knows the name that it asked for with 1

      Examples:
        | action  | body                   |
        | scroll  | {"view": {"x": 0}}     |
        | search  | {"q": "a"}             |
        | select  | {}                     |
        | create  | {"title": "A"}         |
        | open    | {}                     |
        | close   | {}                     |
        | edit    | {"key": "k"}           |
        | refresh | {}                     |
        | rename  | {"title": "A"}         |
        | delete  | {}                     |
        | restore | {"offset": 1}          |
        | undo    | {}                     |
        | redo    | {}                     |
        | invite  | {"user": "linus", "role": "editor"} |
        | uninvite | {"user": "linus"}     |
        | history | {}                     |

  @claim:actions-by-http+2 @claim:C37+1
  Rule: All but open and close have an endpoint in _ajax/

    Scenario Outline: <method> _ajax/<action>
      Given WidgetApp is running
      When <method> _ajax/<action> is called as Ada with:
        """
        <body>
        """
      Then the answer is <status>

      Examples:
        | method | action  | body                                        | status |
        | GET    | scroll  | {"limit": 1}                                | 200    |
        | GET    | search  | {"q": "welcome"}                            | 200    |
        | POST   | select  | {"thing": "THING"}                          | 200    |
        | POST   | create  | {"title": "A"}                              | 200    |
        | POST   | edit    | {"thing": "THING", "key": "k", "patch": []} | 200    |
        | POST   | refresh | {"thing": "THING"}                          | 200    |
        | POST   | rename  | {"thing": "THING", "title": "A"}            | 200    |
        | POST   | delete  | {"thing": "THING"}                          | 200    |
        | POST   | restore | {"thing": "THING", "offset": 1}             | 200    |
        | POST   | undo    | {"thing": "THING"}                          | 409    |
        | POST   | redo    | {"thing": "THING"}                          | 409    |
        | GET    | history | {"thing": "THING", "limit": 1}              | 200    |
        | POST   | open    | {"thing": "THING"}                          | 404    |
        | POST   | close   | {"thing": "THING"}                          | 404    |

  @claim:action-roles+2
  Rule: Every action on a Thing needs a role on it

    Scenario Outline: <who> asks for <action>: <outcome>
      Given WidgetApp is running
      And the administrator has run "widgetapp_admin -group reviewers -approve"
      And "program" streams as <who>
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_<action>", "id": 1, "thing": "THING", "body": <body>}
        """
      Then "program" is answered 1 with <outcome>

      Examples:
        | who     | action  | body                      | outcome         |
        | Linus   | select  | {}                        | a body          |
        | Linus   | open    | {}                        | a body          |
        | Linus   | refresh | {}                        | a body          |
        | Linus   | scroll  | {"view": {"x": 0}}        | a body          |
        | Linus   | history | {}                        | a body          |
        | Linus   | edit    | {"key": "k", "patch": []} | forbidden       |
        | Linus   | rename  | {"title": "A"}            | forbidden       |
        | Linus   | restore | {"offset": 1}             | forbidden       |
        | Linus   | undo    | {}                        | forbidden       |
        | Linus   | redo    | {}                        | forbidden       |
        | Linus   | delete  | {}                        | forbidden       |
        | Grace   | edit    | {"key": "k", "patch": []} | a body          |
        | Grace   | rename  | {"title": "A"}            | a body          |
        | Grace   | restore | {"offset": 1}             | a body          |
        | Grace   | undo    | {}                        | nothing_to_undo |
        | Grace   | redo    | {}                        | nothing_to_redo |
        | Grace   | invite  | {"user": "linus", "role": "viewer"} | forbidden |
        | Grace   | delete  | {}                        | forbidden       |
        | Ada     | delete  | {}                        | a body          |
        | Mallory | select  | {}                        | thing_not_found |
        | Mallory | open    | {}                        | thing_not_found |
        | Mallory | edit    | {"key": "k", "patch": []} | thing_not_found |
        | Mallory | undo    | {}                        | thing_not_found |
        | Mallory | history | {}                        | thing_not_found |
        | Mallory | delete  | {}                        | thing_not_found |

  @claim:C43+1
  Rule: Scroll the feed, select a Thing, edit it

    Scenario: The way of somebody who starts working
      Given WidgetApp is running
      And "program" streams as Grace
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_scroll", "id": 1}
        {"port": 200, "name": "widgetApp_useraction_select", "id": 2, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "THING",
         "body": {"key": "k", "patch": [{"op": "add", "path": "/parts/chair", "value": {"kind": "box"}}]}}
        """
      Then "program" has one reply to 1, like:
        """
        {"body": {"things": [{"thing": "THING", "title": "Welcome", "role": "editor"}]}}
        """
      And "program" has one reply to 2, like:
        """
        {"body": {"title": "Welcome", "content": {"notes": "..."}}}
        """
      And "program" has one reply to 3, like:
        """
        {"body": {"durable": true, "offset": OFFSET+1}}
        """

  @claim:action-scroll+2
  Rule: scroll gives the feed page by page, the last changed first

    Scenario: Two pages of two
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" creates and opens 3 Things
      And "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_scroll", "id": 71, "body": {"limit": 2}}
        """
      Then "program" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_scroll", "id": 71, "body": {
          "things": [{"thing": "...", "title": "T2", "role": "owner", "changed_at": "..."}, {"title": "T1"}],
          "next": "..."}}
        """
      When "program" scrolls on from there with the id 72
      Then "program" receives:
        """
        {"id": 72, "body": {"things": [{"title": "T0"}, {"thing": "THING", "title": "Welcome"}], "next": null}}
        """

    Scenario: From where no page ended
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_scroll", "id": 1, "body": {"cursor": "nonsense"}}
        """
      Then "program" receives:
        """
        {"id": 1, "error": {"code": 208, "name": "invalid_action"}}
        """

  @claim:action-scroll-thing+1
  Rule: scroll with a Thing tells the others who have it open where one looks

    Scenario: Following
      Given WidgetApp is running
      And "listener" streams as Grace
      And "listener" opens the Thing
      And "actor" streams as Ada
      When "actor" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_scroll", "id": 1, "thing": "THING", "body": {"view": {"part": "lamp"}}}
        {"port": 200, "name": "widgetApp_useraction_scroll", "id": 2, "thing": "THING"}
        """
      Then "actor" receives:
        """
        {"id": 1, "body": {}}
        """
      And "actor" receives:
        """
        {"id": 2, "error": {"code": 208, "name": "invalid_action"}}
        """
      And "listener" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_scroll", "thing": "THING", "join": 1,
         "body": {"user": "ada", "view": {"part": "lamp"}}}
        """
      When "actor" edits the title
      Then "listener" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "offset": OFFSET+1}
        """

  @claim:action-search+2
  Rule: search finds Things by the beginnings of words in them

    Scenario Outline: Looking for "<text>"
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_search", "id": 1, "body": {"q": "<text>"}}
        """
      Then "program" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_search", "id": 1, "body": {"things": <found>, "next": null}}
        """

      Examples:
        | text    | found                                                                                   |
        | WEL     | [{"thing": "THING", "title": "Welcome", "role": "owner", "changed_at": "..."}]          |
        | come    | []                                                                                      |
        | lampe   | []                                                                                      |

  @claim:action-select+2
  Rule: select gives a Thing as it is now

    Scenario: Ada selects it
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_select", "id": 1, "thing": "THING"}
        """
      Then "program" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_select", "id": 1, "thing": "THING", "body": {
          "title": "Welcome", "role": "owner", "epoch": "EPOCH", "offset": OFFSET,
          "content": {"meta": {"title": "Welcome", "description": "..."},
                      "parts": {"lamp": {"kind": "circle", "x": 280}, "table": {"kind": "box"}},
                      "notes": "..."}}}
        """

  @claim:action-create+1
  Rule: create makes a Thing of the caller's own

    Scenario: With content
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_create", "id": 1,
         "body": {"title": "A shelf", "content": {"parts": {"board": {"kind": "box"}}}}}
        """
      Then "program" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_create", "id": 1, "body": {"thing": "...", "offset": 1}}
        """
      When "program" selects what it has created with the id 2
      Then "program" receives:
        """
        {"id": 2, "body": {"title": "A shelf", "role": "owner", "offset": 1,
         "content": {"meta": {"title": "A shelf"}, "parts": {"board": {"kind": "box"}}, "notes": ""}}}
        """

  @claim:create-announced+1
  Rule: A new Thing is announced to those who may see it, and to nobody else

    Scenario: Creating
      Given WidgetApp is running
      And "own" streams as Ada
      And "foreign" streams as Mallory
      When POST _ajax/create is called as Ada with:
        """
        {"title": "Brand new"}
        """
      Then "own" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_create", "thing": "...", "body": {"user": "ada", "title": "Brand new"}}
        """
      And "foreign" has heard of nothing on port 200

  @claim:action-open+1
  Rule: open gives the whole content and then every change

    Scenario: Opened anew
      Given WidgetApp is running
      And "program" streams as Grace
      And "writer" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "THING", "body": {"as": "json"}}
        """
      Then "program" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "THING", "join": 1, "offset": OFFSET, "body": {
          "role": "editor", "epoch": "EPOCH", "offset": OFFSET, "recovered": false,
          "content": {"meta": {"title": "Welcome"}, "parts": "...", "notes": "..."}}}
        """
      When "writer" edits the title
      Then "program" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "thing": "THING", "join": 1, "offset": OFFSET+1}
        """

  @claim:open-needs-id+1
  Rule: open needs an id

    Scenario: Without one
      Given WidgetApp is running
      And "program" streams as Grace
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "thing": "THING"}
        """
      Then "program" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "error": {"code": 208, "name": "invalid_action"}}
        """

  @claim:action-close+1
  Rule: close ends what open began

    Scenario: Closed once, and once more
      Given WidgetApp is running
      And "program" streams as Grace
      And "program" opens the Thing
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_close", "id": 2, "thing": "THING"}
        {"port": 200, "name": "widgetApp_useraction_close", "id": 3, "thing": "THING"}
        """
      Then "program" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_close", "id": 2, "thing": "THING", "body": {}}
        """
      And "program" receives:
        """
        {"id": 3, "error": {"code": 202, "name": "not_open"}}
        """

  @claim:action-edit+1
  Rule: edit changes the content

    Scenario: By JSON Patch
      Given WidgetApp is running
      And "writer" streams as Ada
      And "reader" streams as Grace
      And "reader" opens the Thing
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "THING",
         "body": {"key": "5f0c", "patch": [{"op": "add", "path": "/parts/chair", "value": {"kind": "box", "x": 5}}]}}
        """
      Then "writer" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "THING", "offset": OFFSET+1,
         "body": {"epoch": "EPOCH", "offset": OFFSET+1, "durable": true}}
        """
      And "reader" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "thing": "THING", "join": 1, "offset": OFFSET+1,
         "body": {"user": "ada", "patch": [{"op": "add", "path": "/parts/chair", "value": {"kind": "box", "x": 5}}]}}
        """

  @claim:action-refresh+1
  Rule: refresh gives what was missed, or the whole content

    Scenario: With a position and without
      Given WidgetApp is running
      And "writer" streams as Ada
      And "writer" opens the Thing
      When "writer" edits the title
      And "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_refresh", "id": 5, "thing": "THING",
         "body": {"since": {"epoch": "EPOCH", "offset": OFFSET}}}
        {"port": 200, "name": "widgetApp_useraction_refresh", "id": 6, "thing": "THING"}
        """
      Then "writer" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_refresh", "id": 5, "body": {"role": "owner", "epoch": "EPOCH",
         "offset": OFFSET+1, "recovered": true, "missed": [{"name": "widgetApp_useraction_edit", "offset": OFFSET+1}]}}
        """
      And "writer" receives:
        """
        {"id": 6, "body": {"offset": OFFSET+1, "recovered": false, "content": {"notes": "..."}}}
        """

    Scenario: Asked by one who has the Thing open as Yjs
      Given WidgetApp is running
      And "drawer" streams as Ada
      And "drawer" opens the Thing as yjs
      When "drawer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_refresh", "id": 5, "thing": "THING"}
        """
      Then "drawer" receives:
        """
        {"id": 5, "body": {"recovered": false, "content": {"notes": "..."}}}
        """

  @claim:action-delete+1
  Rule: delete ends a Thing for everybody

    Scenario: Deleted while it is open
      Given WidgetApp is running
      And "owner" streams as Ada
      And "reader" streams as Grace
      And "reader" opens the Thing
      When "owner" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_delete", "id": 1, "thing": "THING"}
        """
      Then "owner" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_delete", "id": 1, "offset": OFFSET+1, "body": {"offset": OFFSET+1}}
        """
      And "reader" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_delete", "thing": "THING", "join": 1, "offset": OFFSET+1,
         "body": {"user": "ada"}}
        """
      And "reader" receives:
        """
        {"port": 0, "name": "access", "thing": "THING", "body": {"role": "none"}}
        """
      When "reader" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_select", "id": 2, "thing": "THING"}
        """
      Then "reader" receives:
        """
        {"id": 2, "error": {"code": 200, "name": "thing_not_found"}}
        """
