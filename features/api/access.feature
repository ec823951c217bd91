Feature: Access that ends while a program is connected
  Access is decided for every message anew. What is taken away ends at once on live connections, whatever the
  processes do meanwhile.
  Ada owns the Thing "Welcome", Grace may change it; both are in the approved group "designers".

  Background:
    Given WidgetApp is running

  @claim:access-per-message+1
  Rule: One connection, and each message decided anew

    Scenario: What was allowed a moment ago is refused now
      Given "program" streams as Grace
      And "program" opens the Thing
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 5, "thing": "THING",
         "body": {"key": "a", "patch": [{"op": "replace", "path": "/meta/title", "value": "Hers"}]}}
        """
      Then "program" has one reply to 5, like:
        """
        {"body": {"durable": true}}
        """
      When POST _ajax/invite is called as Ada with:
        """
        {"thing": "THING", "user": "grace", "role": "viewer"}
        """
      And "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 6, "thing": "THING",
         "body": {"key": "b", "patch": [{"op": "replace", "path": "/meta/title", "value": "Not hers"}]}}
        """
      Then "program" has one reply to 6, like:
        """
        {"error": {"code": 201, "name": "forbidden"}}
        """

  @claim:access-ends+1
  Rule: What is taken away ends within a second

    Scenario Outline: <what>
      Given "program" streams as Grace
      And "program" opens the Thing
      When the administrator runs "widgetapp_admin <command>"
      Then within a second the connection of "program" is closed with <code>

      Examples:
        | what                                | command                                 | code |
        | The approval of the only group      | -group designers -withdraw              | 4503 |
        | The membership of the only group    | -group designers -remove-member grace   | 4503 |
        | The user                            | -user grace -disable                    | 4507 |
        | The password                        | -user grace -password                   | 4500 |

    Scenario: An application
      Given "system" streams as the external system
      When the administrator runs "widgetapp_admin -client demo-external-system -revoke"
      Then within a second the connection of "system" is closed with 4507

    Scenario: A share
      Given "program" streams as Grace
      And "program" opens the Thing
      When POST _ajax/uninvite is called as Ada with:
        """
        {"thing": "THING", "user": "grace"}
        """
      Then "program" receives:
        """
        {"port": 0, "name": "access", "body": {"thing": "THING", "role": "none"}}
        """

  @claim:access-ends-restart+1
  Rule: It ends also if a process cannot pass it on at that moment

    Scenario Outline: While the _sfe is halted, and then the <killed> is killed
      Given Ada and Grace have the Thing open
      And the _sfe is halted
      When Ada uninvites Grace
      And the <killed> is killed
      And the _sfe goes on
      Then Grace is told that her access has ended
      When Ada changes the title to "Without her"
      Then Grace has heard nothing of the Thing since
      And Grace has never lost the connection

      Examples:
        | killed |
        | _wfe   |

    Scenario: While the _sfe is halted, which is then killed
      Given Ada and Grace have the Thing open
      And the _sfe is halted
      When Ada uninvites Grace
      And the _sfe is killed
      Then Grace is told that her access has ended
      When Ada changes the title to "Without her"
      Then Grace has heard nothing of the Thing since
      And Grace has never lost the connection
