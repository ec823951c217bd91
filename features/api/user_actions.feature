Feature: User actions in two ways
  Most user actions can be done as a call to an _ajax/ endpoint or as a request on port 200, with the same
  body and the same result.

  Background:
    Given WidgetApp is running

  @claim:C12+1 @claim:C44+1
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

  @claim:ajax-pushed+1
  Rule: What is done by HTTP is pushed like anything else, also to its own author's streams

    Scenario: An edit by HTTP
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

  @claim:key-both-ways+1
  Rule: One key holds for both ways

    Scenario: First by HTTP, then on the stream
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

  @claim:ajax-errors+1
  Rule: Both ways refuse alike

    Scenario Outline: Refused by both: <because>
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

    Scenario Outline: Refused by both, a GET: <because>
      Given "program" streams as Ada
      When GET _ajax/<action> is called as Ada with:
        """
        <body>
        """
      And "program" does <action> with the same body
      Then both are refused with 400 and the code 208

      Examples:
        | because                    | action  | body                               |
        | the limit is no number     | scroll  | {"limit": "abc"}                   |
        | the cursor is none         | scroll  | {"cursor": "nonsense"}             |
        | the limit is below 0       | search  | {"q": "welcome", "limit": -1}      |
        | there is nothing to search | search  | {"limit": 1}                       |
        | no such place              | history | {"thing": "THING", "before": "x"}  |
        | no Thing is named          | history | {"limit": 1}                       |

  @claim:http-problem+1 @claim:response-format+1
  Rule: HTTP answers are JSON, errors are problem documents

    Scenario: An answer
      When POST _ajax/select is called as Ada with:
        """
        {"thing": "THING"}
        """
      Then the answer is 200 and like:
        """
        {"title": "Welcome", "content": "..."}
        """
      And the answer's header "Content-Type" is "application/json"
      And the answer's header "Cache-Control" is "no-store"

    Scenario: An error
      When POST _ajax/select is called as Ada with:
        """
        {"thing": "nowhere"}
        """
      Then the answer is 404 with the code 200 "thing_not_found"
      And the answer's header "Content-Type" is "application/problem+json"
      And the answer's header "Cache-Control" is "no-store"

  @claim:scope-things+1
  Rule: A token needs the scope of the action

    Scenario Outline: <method> _ajax/<action> with the scope <scope>
      When <method> _ajax/<action> is called as the external system with the scope "<scope>"
      Then the answer is <status>

      Examples:
        | method | action | scope        | status |
        | POST   | create | things:write | 200    |
        | POST   | create | things:read  | 403    |
        | POST   | create | stream       | 403    |
        | GET    | scroll | things:read  | 200    |
        | GET    | scroll | things:write | 403    |
        | GET    | scroll | stream       | 403    |

  @claim:ajax-unapproved+1
  Rule: HTTP is for every group, approved for streaming or not

    Scenario: Linus, whose group is not approved
      Given Linus is logged in
      When Linus searches for "Welcome"
      Then Linus finds "Welcome"

  @claim:ajax-json-only+1
  Rule: A POST takes JSON and nothing else

    Scenario: Sent as a form
      When POST _ajax/select is called as Ada and "Content-Type: application/x-www-form-urlencoded" with:
        """
        {"thing": "THING"}
        """
      Then the answer is 415 with the code 123 "unsupported_media_type"

  @claim:ajax-own-pages+2
  Rule: With a login, what changes something or is told to others comes only from WidgetApp's own pages and from programs

    Scenario: A page of somebody else asks for a change
      When POST _ajax/select is called as Ada and "Origin: https://evil.example" with:
        """
        {"thing": "THING"}
        """
      Then the answer is 403 with the code 110 "origin_not_allowed"

    Scenario: A page of somebody else tells the others that Ada looks at something
      When GET _ajax/scroll is called as Ada and "Origin: https://evil.example" with:
        """
        {"thing": "THING", "view": {"part": "p1"}}
        """
      Then the answer is 403 with the code 110 "origin_not_allowed"
      When GET _ajax/scroll is called as Ada and "Sec-Fetch-Site: same-origin" with:
        """
        {"thing": "THING", "view": {"part": "p1"}}
        """
      Then the answer is 200

  @claim:ajax-token-in-url+2
  Rule: A token in the URL is not taken

    Scenario Outline: In the query as <name>, as some programs do it
      When GET _ajax/search is called as Ada with:
        """
        {"q": "Welcome", "<name>": "eyJ"}
        """
      Then the answer is 400 with the code 107 "token_in_url"
      When the old program of Ada lists the Things with the query "limit=1&<name>=eyJ"
      Then the answer is 400 with the code 107 "token_in_url"

      Examples:
        | name         |
        | access_token |
        | token        |
        | bearer_token |
        | ticket       |
        | Token        |

  @claim:ajax-method+1
  Rule: Each endpoint takes one method

    Scenario: Scrolling by POST
      When POST _ajax/scroll is called as Ada with:
        """
        {}
        """
      Then the answer is 405 with the code 120 "method_not_allowed"
      And the answer's header "Allow" contains "GET"
