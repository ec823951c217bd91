Feature: Restarting and stopping processes
  The administrator replaces processes while people work. Processes that hang or die are replaced by themselves.

  @claim:C34+1
  Rule: Fresh instances take the place of old ones, one by one, until enough run

    @claim:start-kept+1
    Scenario: Three instead of one
      Given WidgetApp is running
      And Ada and Grace have the Thing open
      When the administrator runs "widgetapp_admin -process _sfe -n 3 -start"
      Then the command succeeds and says "_sfe 1 (pid"
      And the command succeeds and says "is replaced by a fresh one (pid"
      And the command succeeds and says "_sfe 3 is started (pid"
      And the command succeeds and says "3 _sfe run, and never fewer than 3 until the next -n N -start, or until the server stops"
      And there are 3 processes "_sfe"
      When Ada changes the title to "All fresh"
      Then Grace sees the title "All fresh"
      And Ada and Grace have seen every change once and in order
      And Ada and Grace have never lost the connection

    @claim:start-floor+2
    Scenario: N stays the floor, until another N is given
      Given WidgetApp is running
      When the administrator runs "widgetapp_admin -process _sfe -n 3 -start"
      And the administrator runs "widgetapp_admin -process _sfe -id 3 -stop"
      Then the command ends with code 1 and the one line "_sfe 3 is not stopped: never fewer than 3 run"
      When the administrator runs "widgetapp_admin -process _sfe -n 1 -start"
      Then the command succeeds and says "1 _sfe run, and never fewer than 1 until the next -n N -start, or until the server stops"
      And there is 1 process "_sfe"

    @claim:start-floor+2
    Scenario: N counts until the server stops
      Given WidgetApp is running
      When the administrator runs "widgetapp_admin -process _sfe -n 2 -start"
      And the server is stopped and started again
      Then there is 1 process "_sfe"

    @claim:exit-codes+1
    Scenario: More than there may be
      Given WidgetApp is running
      When the administrator runs "widgetapp_admin -process _sfe -n 65 -start"
      Then the command ends with code 1 and the one line "at most 64 may run (sfe.max_instances)"
      And there is 1 process "_sfe"

  @claim:restart-told+1
  Rule: The administrator is told when it is done, and it counts as no restart

    Scenario Outline: The <process> is restarted
      Given WidgetApp is running
      When the administrator restarts the <process>
      Then the command succeeds and says "is replaced by a fresh one (pid"
      And another <process> takes its place
      And the status counts 0 restarts of the <process>
      And the server's log tells "a process has ended as it was asked to"

      Examples:
        | process |
        | _wfe    |
        | _sfe    |
        | _stream |

  @claim:stop-one+1
  Rule: One SFE can be stopped, if enough are left

    Scenario: Nobody needs the second
      Given WidgetApp is running
      And Ada and Grace have the Thing open
      When 8 clients are connected
      Then 2 _sfe run
      When the administrator runs "widgetapp_admin -process _sfe -id 2 -stop"
      Then the command ends with code 1 and the one line "10 clients need 2"
      When 0 clients are connected
      And the administrator runs "widgetapp_admin -process _sfe -id 1 -stop"
      Then the command succeeds and says "_sfe 1 is stopped"
      When Ada changes the title to "Moved"
      Then Ada and Grace see the title "Moved"
      And Ada and Grace have come back without anything missed
      When the administrator runs "widgetapp_admin -process _sfe -id 2 -stop"
      Then the command ends with code 1 and the one line "never fewer than 1 run"

    Scenario Outline: "<command>" is refused
      Given WidgetApp is running
      When the administrator runs "<command>"
      Then the command ends with code 1 and the one line "<why>"

      Examples:
        | command                                       | why                                      |
        | widgetapp_admin -process _wfe -stop           | nothing works without it                 |
        | widgetapp_admin -process _stream -id 1.1 -stop | sfe.streams_per_instance                |
        | widgetapp_admin -process _sfe -stop           | -id                                      |

  @claim:hang+1
  Rule: A process that hangs is found within five seconds

    Scenario Outline: A <process> that hangs is replaced
      Given WidgetApp is running
      When the <process> is halted
      Then another <process> takes its place within 5 seconds
      And the server's log tells "a process hangs and is killed"

      Examples:
        | process |
        | _wfe    |
        | _sfe    |
        | _stream |

    Scenario: Nobody misses anything
      Given WidgetApp is running
      And Ada and Grace have the Thing open
      When the _sfe is halted
      And Ada changes the title to "Through the freeze"
      Then Grace sees the title "Through the freeze"
      And Ada and Grace have seen every change once and in order
      And Ada and Grace have never lost the connection

  @claim:crash-loop+1
  Rule: What dies of every start is set aside, unless nobody else could do its work

    Scenario: A _stream that dies again and again
      Given WidgetApp is running with these settings:
        """
        [sfe]
        min_instances = 2
        """
      When the _stream 2.1 is killed at every start
      Then the status shows _sfe 2 as "set aside"
      And the server's log tells "is set aside"
      And 1 _sfe runs
      Given Ada and Grace have the Thing open
      When the administrator runs "widgetapp_admin -process _sfe -id 2 -restart"
      Then the command succeeds and says "_sfe 2 is started (pid"
      And 2 _sfe run

  @claim:stop-bounded+1
  Rule: Nothing holds up the end of the server

    Scenario: A process hangs while the server stops
      Given WidgetApp is running
      And Ada has the Thing open
      When the _stream is halted
      And the server is told to stop
      Then it ends with code 0
      And none of its processes is left
