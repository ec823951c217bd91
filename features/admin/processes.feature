Feature: The processes of the server
  WFE, SFE and the streams are processes of their own. Each can end without taking the others along.

  Background:
    Given WidgetApp is running

  @claim:C29+1
  Rule: One SFE starts with the system

    Scenario: The processes after the start
      Then there is 1 process "_wfe"
      And there is 1 process "_sfe"
      And there is 1 process "_stream"

    @claim:status+2
    Scenario: The status shows every process
      When the administrator runs "widgetapp_admin -status"
      Then the command prints a table with the columns "PROCESS ID PID STATE CLIENTS CPU MEMORY IN/S OUT/S QUEUE UPTIME RESTARTS ROGUE"
      And the table shows "_wfe", "_sfe" and "_stream" as "running"

  @claim:C31+1
  Rule: Processes bear their names

    Scenario Outline: The system's process list shows <process>
      Then the system's process list shows the <process> by that name

      Examples:
        | process |
        | _wfe    |
        | _sfe    |
        | _stream |

  @claim:C33+1 @claim:killed-comes-back+1
  Rule: A process that is killed comes back by itself

    Scenario Outline: A killed <process> is replaced
      When the <process> is killed
      Then another <process> takes its place
      And the status counts 1 restart of the <process>

      Examples:
        | process |
        | _wfe    |
        | _sfe    |
        | _stream |

    @claim:stream-clients+1
    Scenario: The clients of a killed _stream come back and miss nothing
      Given Ada and Grace have the Thing open
      When the _stream is killed
      And Ada changes the title to "After the fall"
      And Grace adds the part "chair"
      Then Ada and Grace see the title "After the fall"
      And Ada and Grace see the part "chair"
      And Ada and Grace have come back without anything missed
      And Ada and Grace have seen every change once and in order

    Scenario: A death stands in the log
      When the _stream is killed
      Then the server's log tells "a process has ended"

  @claim:all-end-together+1
  Rule: No process outlives the server

    Scenario: The server itself is killed
      When the server and nothing else is killed
      Then none of its processes is left

  @claim:C38+1
  Rule: Restarting an SFE does not end the connections behind it

    Scenario: The administrator restarts the SFE
      Given Ada and Grace have the Thing open
      When the administrator restarts the _sfe
      Then another _sfe takes its place
      When Ada changes the title to "As if nothing had happened"
      Then Grace sees the title "As if nothing had happened"
      And Ada and Grace have seen every change once and in order
      And Ada and Grace have never lost the connection

    Scenario: The SFE is killed
      Given Ada and Grace have the Thing open
      When the _sfe is killed
      And Ada changes the title to "As if nothing had happened"
      Then Grace sees the title "As if nothing had happened"
      And another _sfe takes its place
      And Ada and Grace have seen every change once and in order
      And Ada and Grace have never lost the connection

    Scenario: The SFE is killed in the middle of many changes
      Given Ada and Grace have the Thing open
      When Ada makes 200 changes while the _sfe is killed
      Then Grace has seen all 200 changes
      And Ada and Grace have seen every change once and in order
      And Ada and Grace have never lost the connection

  @claim:restart-wfe+1
  Rule: Restarting WFE does not end the connections that SFE runs

    Scenario: WFE is killed
      Given Ada and Grace have the Thing open
      When the _wfe is killed
      And Ada changes the title to "As if nothing had happened"
      Then Grace sees the title "As if nothing had happened"
      And another _wfe takes its place
      And Ada and Grace have seen every change once and in order
      And Ada and Grace have never lost the connection

    Scenario: WFE is killed in the middle of many changes
      Given Ada and Grace have the Thing open
      When Ada makes 200 changes while the _wfe is killed
      Then Grace has seen all 200 changes
      And Ada and Grace have seen every change once and in order
      And Ada and Grace have never lost the connection

    Scenario: The administrator restarts WFE
      Given Ada and Grace have the Thing open
      When the administrator runs "widgetapp_admin -process _wfe -restart"
      Then the command succeeds and says "_wfe"
      When Ada changes the title to "As if nothing had happened"
      Then Grace sees the title "As if nothing had happened"
      And Ada and Grace have never lost the connection

  @claim:restart-stream+1
  Rule: A restarted _stream gives its clients time to come back

    Scenario: The administrator restarts the _stream
      Given Ada and Grace have the Thing open
      When the administrator restarts the _stream
      Then Ada and Grace were sent away with 4001
      And another _stream takes its place
      When Ada changes the title to "Back again"
      Then Ada and Grace see the title "Back again"
      And Ada and Grace have come back without anything missed

    Scenario: A _stream that does not finish is replaced all the same
      Given Ada and Grace have the Thing open
      When the _stream is halted
      And the administrator restarts the _stream
      Then another _stream takes its place
      And Ada and Grace have come back without anything missed

  @claim:stop+1
  Rule: The server stops when it is told to

    Scenario: Stopping the server
      Given Ada has the Thing open
      When the server is told to stop
      Then it ends with code 0
      And none of its processes is left

    Scenario: Stopping it where it runs
      Given Ada has the Thing open
      When Ctrl-C is pressed where the server runs
      Then it ends with code 0
      And none of its processes is left

    @claim:stop-return+1
    Scenario: People come back after a stop
      Given Ada and Grace have the Thing open
      When Ada changes the title to "Before the stop"
      And the server is stopped and started again
      And Grace adds the part "chair"
      Then Ada and Grace see the title "Before the stop"
      And Ada and Grace see the part "chair"
      And Ada and Grace have come back without anything missed

    @claim:stop-twice+1
    Scenario: A process that does not finish is not waited for when told twice
      When the _stream is halted
      And the server is told to stop, and then told again
      Then it ends with code 0
      And none of its processes is left
