Feature: Coming back
  A program that lost its connection opens its Things again with the last epoch and offset that it had,
  and gets exactly what it missed.

  Background:
    Given WidgetApp is running
    And "writer" streams as Ada
    And "writer" opens the Thing

  @claim:resume-complete+1
  Rule: Nothing is missed and nothing comes twice

    Scenario: Three changes were missed
      When "writer" edits the title
      And "writer" edits the title
      And "writer" edits the title
      And "returned" streams as Grace
      And "returned" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 4, "thing": "THING",
         "body": {"since": {"epoch": "EPOCH", "offset": OFFSET+1}, "as": "json"}}
        """
      Then "returned" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 4, "thing": "THING", "join": 4,
         "body": {"role": "editor", "epoch": "EPOCH", "offset": OFFSET+3, "recovered": true, "missed": [
           {"port": 200, "name": "widgetApp_useraction_edit", "offset": OFFSET+2, "body": {"user": "ada", "patch": "..."}},
           {"port": 200, "name": "widgetApp_useraction_edit", "offset": OFFSET+3, "body": {"user": "ada", "patch": "..."}}]}}
        """

    Scenario: Nothing was missed
      When "returned" streams as Grace
      And "returned" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 4, "thing": "THING",
         "body": {"since": {"epoch": "EPOCH", "offset": OFFSET}}}
        """
      Then "returned" receives:
        """
        {"id": 4, "body": {"offset": OFFSET, "recovered": true, "missed": []}}
        """

  @claim:resume-no-gap+1
  Rule: After the answer the pushes go on where it ends

    Scenario: A change after the return
      When "writer" edits the title
      And "returned" streams as Grace
      And "returned" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 4, "thing": "THING",
         "body": {"since": {"epoch": "EPOCH", "offset": OFFSET}}}
        """
      Then "returned" receives:
        """
        {"id": 4, "body": {"offset": OFFSET+1, "recovered": true, "missed": [{"offset": OFFSET+1}]}}
        """
      When "writer" edits the title
      Then "returned" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "thing": "THING", "join": 4, "offset": OFFSET+2}
        """

  @claim:resume-after-restart+1
  Rule: Epoch and offset outlive the server's processes

    Scenario: Changes were missed while the server was down
      When "writer" edits the title
      And "writer" edits the title
      And the server is killed and started again
      And "returned" streams as Grace
      And "returned" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 4, "thing": "THING",
         "body": {"since": {"epoch": "EPOCH", "offset": OFFSET}}}
        """
      Then "returned" receives:
        """
        {"id": 4, "body": {"epoch": "EPOCH", "offset": OFFSET+2, "recovered": true,
         "missed": [{"offset": OFFSET+1}, {"offset": OFFSET+2}]}}
        """

  @claim:resume-whole+1
  Rule: Where the log cannot tell, the whole Thing is sent and never a part of it

    Scenario Outline: The position is <what>
      When "writer" edits the title
      And "returned" streams as Grace
      And "returned" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 4, "thing": "THING",
         "body": {"since": {"epoch": "<epoch>", "offset": <offset>}}}
        """
      Then "returned" receives:
        """
        {"id": 4, "body": {"epoch": "EPOCH", "offset": OFFSET+1, "recovered": false,
         "content": {"meta": {"title": "..."}, "parts": {"lamp": "...", "table": "..."}, "notes": "..."}}}
        """

      Examples:
        | what                   | epoch    | offset    |
        | of an unknown epoch    | forgotten| OFFSET    |
        | ahead of the log       | EPOCH    | OFFSET+99 |

  @claim:resume-limit+1
  Rule: Up to 1,000 missed changes are sent one by one, of more the whole

    Scenario Outline: <count> changes were missed
      When "writer" makes <count> edits
      And "returned" streams as Grace
      And "returned" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 4, "thing": "THING",
         "body": {"since": {"epoch": "EPOCH", "offset": OFFSET}}}
        """
      Then "returned" receives:
        """
        {"id": 4, "body": {"offset": OFFSET+<count>, "recovered": <recovered>}}
        """

      Examples:
        | count | recovered |
        | 1000  | true      |
        | 1001  | false     |

  @claim:resume-access+1
  Rule: Access is checked again at every opening

    Scenario: A position does not open what is not shared
      When "thief" streams as Mallory
      And "thief" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 4, "thing": "THING",
         "body": {"since": {"epoch": "EPOCH", "offset": OFFSET}}}
        """
      Then "thief" receives:
        """
        {"id": 4, "error": {"code": 200, "name": "thing_not_found"}}
        """
