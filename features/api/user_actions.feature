Feature: User actions in two ways
  Every user action can be done as a call to an _ajax/ endpoint or as a request on port 200, with the same
  body and the same result.

  Background:
    Given WidgetApp is running

  Rule: Both ways have the same result

    Scenario Outline: <what> by HTTP and on the stream
      Given "program" streams as Ada
      When <method> _ajax/<action> is called as Ada with:
        """
        <body>
        """
      And "program" does <action> with the same body
      Then both results are alike

      Examples:
        | what                  | action  | method | body                          |
        | A search that finds   | search  | GET    | {"q": "welcome"}              |
        | A search that fails   | search  | GET    | {"q": "nothing of that kind"} |
        | Scrolling             | scroll  | GET    | {"limit": 5}                  |
        | Selecting             | select  | POST   | {"thing": "THING"}            |
        | Refreshing            | refresh | POST   | {"thing": "THING"}            |

    Scenario: An edit by HTTP is pushed like any other, also to its own author's stream
      Given "program" streams as Ada
      And "program" opens the Thing
      When POST _ajax/edit is called as Ada with:
        """
        {"thing": "THING", "key": "k1", "patch": [{"op": "replace", "path": "/meta/title", "value": "By HTTP"}]}
        """
      Then the answer is 200 and like:
        """
        {"epoch": "EPOCH", "offset": OFFSET+1, "durable": true}
        """
      And "program" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "offset": OFFSET+1, "body": {"user": "ada"}}
        """

    Scenario: One key holds for both ways
      Given "program" streams as Ada
      And "program" opens the Thing
      When POST _ajax/edit is called as Ada with:
        """
        {"thing": "THING", "key": "one", "patch": [{"op": "replace", "path": "/meta/title", "value": "Once"}]}
        """
      And "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 5, "thing": "THING",
         "body": {"key": "one", "patch": [{"op": "replace", "path": "/meta/title", "value": "Once"}]}}
        """
      Then "program" receives:
        """
        {"id": 5, "body": {"offset": OFFSET+1}}
        """

    Scenario Outline: Both ways refuse alike: <because>
      Given "program" streams as Grace
      When POST _ajax/<action> is called as Grace with:
        """
        <body>
        """
      And "program" does <action> with the same body
      Then both are refused with <status> and the code <code>

      Examples:
        | because                 | action | body                                                                           | status | code |
        | the role is too low     | delete | {"thing": "THING"}                                                             | 403    | 201  |
        | there is no such Thing  | select | {"thing": "00000000-0000-4000-8000-000000000000"}                              | 404    | 200  |
        | the patch does not fit  | edit   | {"thing": "THING", "key": "k", "patch": [{"op": "remove", "path": "/parts/x"}]} | 422    | 203  |
        | the body is another one | edit   | {"thing": "THING", "key": 5}                                                   | 400    | 208  |

  Rule: A token needs the scope of the action

    Scenario Outline: <action> with the scope <scope>
      When POST _ajax/<action> is called as the external system with the scope "<scope>"
      Then the answer is <status>

      Examples:
        | action | scope        | status |
        | create | things:write | 200    |
        | create | things:read  | 403    |
        | create | stream       | 403    |

  Rule: A new Thing is announced to those who may see it, and to nobody else

    Scenario: Creating
      Given "own" streams as Ada
      And "foreign" streams as Mallory
      When POST _ajax/create is called as Ada with:
        """
        {"title": "Brand new"}
        """
      Then "own" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_create", "body": {"user": "ada", "title": "Brand new"}}
        """
      And "foreign" has heard of nothing on port 200
