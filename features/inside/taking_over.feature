Feature: How processes take over from one another
  No process but the log's keeps what another could not tell it again. So a restart, a crash and a lost link
  are one and the same path.

  Background:
    Given WidgetApp is running

  @claim:sockets-held+1
  Rule: The supervisor holds the listening sockets, so connections wait while WFE is replaced

    Scenario: A request that comes just after WFE was killed
      When the _wfe is killed
      And someone who is not logged in asks for "/login"
      Then the answer is 200

  @claim:handover-copy+1
  Rule: WFE keeps its copy of a socket until a _stream has it, and hands it over again if a process dies on the way

    Scenario: The SFE that is to take a connection dies
      When "late" opens a stream as Ada while the _sfe is halted, which is then killed
      Then "late" receives:
        """
        {"port": 0, "name": "welcome"}
        """

  @claim:state-told-again+1
  Rule: A new _sfe is told by its _stream who is connected and what they have open

    Scenario: A change after the SFE was killed
      Given "reader" streams as Grace
      And "writer" streams as Ada
      And "reader" opens the Thing
      When the _sfe is killed
      And "writer" edits the title
      Then another _sfe takes its place
      And "reader" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "thing": "THING", "join": 1, "offset": OFFSET+1}
        """
      And the connection of "reader" is still good

  @claim:asked-again+1
  Rule: Requests that were unanswered are asked again

    Scenario Outline: The <process> dies with an edit in its hands
      Given "writer" streams as Ada
      And "writer" opens the Thing
      When the <process> is halted
      And "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "k", "patch": [{"op": "replace", "path": "/meta/title", "value": "Asked twice"}]}}
        """
      And "writer" has no reply to 2
      And the <process> is killed
      Then "writer" has one reply to 2, like:
        """
        {"id": 2, "offset": OFFSET+1, "body": {"offset": OFFSET+1, "durable": true}}
        """

      Examples:
        | process |
        | _sfe    |
        | _wfe    |

  @claim:answered-by-change+1
  Rule: An edit that was stored by a WFE which died is answered once, in order, and without an echo

    Scenario: WFE dies in the middle of many edits
      Given Ada and Grace have the Thing open
      When Ada makes 200 changes while the _wfe is killed
      Then Grace has seen all 200 changes
      And Ada and Grace have seen every change once and in order
      And Ada and Grace have never lost the connection
