Feature: Upgrading while people work
  The program is replaced in place: the server goes on with another program, and nobody is disconnected.

  @claim:upgrade-kept+1
  Rule: The server goes on with the program that has taken the place of its own, and keeps every connection

    @claim:upgrade-told+1
    Scenario: By command
      Given WidgetApp is installed and running
      And Ada and Grace have the Thing open
      When a newer program takes the place of the installed one
      And the administrator runs "widgetapp_admin -upgrade"
      Then the command succeeds and says "is replaced by widgetapp"
      And the command succeeds and says "connections that have stayed: 2"
      And the command succeeds and says "_wfe (pid"
      And the command succeeds and says "_sfe 1 (pid"
      And the server itself, the _wfe and the _sfe are of the newer program
      And the _stream is the same as before
      When Ada changes the title to "Upgraded"
      Then Grace sees the title "Upgraded"
      And Ada and Grace have seen every change once and in order
      And Ada and Grace have never lost the connection

    Scenario: By signal
      Given WidgetApp is installed and running
      And Ada and Grace have the Thing open
      When a newer program takes the place of the installed one
      And the server gets the signal "HUP"
      Then the server itself, the _wfe and the _sfe are of the newer program
      And the _stream is the same as before
      When Ada changes the title to "Upgraded"
      Then Grace sees the title "Upgraded"
      And Ada and Grace have never lost the connection

    @claim:upgrade-stream+1
    Scenario: The rest of the old program
      Given WidgetApp is installed and running
      And Ada and Grace have the Thing open
      When a newer program takes the place of the installed one
      And the administrator runs "widgetapp_admin -upgrade"
      Then the _stream is the same as before
      When the administrator restarts the _stream
      Then the _stream is of the newer program
      When Ada changes the title to "All new"
      Then Grace sees the title "All new"
      And Ada and Grace have come back without anything missed

  @claim:upgrade-refused+1
  Rule: If the new program cannot take over, nothing changes

    Scenario Outline: <program>
      Given WidgetApp is installed and running
      And Ada and Grace have the Thing open
      When <program> takes the place of the installed one
      And the administrator runs "widgetapp_admin -upgrade"
      Then the command ends with code 1 and the one line "<why>"
      And the _wfe is the same as before
      And the _sfe is the same as before
      And the _stream is the same as before
      When Ada changes the title to "As before"
      Then Grace sees the title "As before"
      And Ada and Grace have never lost the connection

      Examples:
        | program                       | why                  |
        | a program that ends at once   | exit status: 1       |
        | half a program                | cannot take over     |
        | a program of another kind     | is not the server's program |

    Scenario: A signal is in vain
      Given WidgetApp is installed and running
      When a program that ends at once takes the place of the installed one
      And the server gets the signal "HUP"
      Then the server's log tells "the upgrade has failed"
      And the _wfe is the same as before

  @claim:upgrade-back+1
  Rule: A new program that cannot start after all gives the server back to the one before

    Scenario: The settings go bad at the last moment
      Given WidgetApp is installed and running
      And Ada and Grace have the Thing open
      When a program that cannot start after all takes the place of the installed one
      And the administrator runs "widgetapp_admin -upgrade"
      Then the command ends with code 1 and the one line "the one before goes on, and nothing has changed"
      And the _wfe is the same as before
      And the _sfe is the same as before
      And the _stream is the same as before
      When Ada changes the title to "As before"
      Then Grace sees the title "As before"
      And Ada and Grace have never lost the connection

  @claim:upgrade-settings+1
  Rule: The new program reads its settings, but stays where it is

    Scenario: What it takes over
      Given WidgetApp is installed and running
      When the settings are changed to:
        """
        [sfe]
        min_instances = 2
        """
      And the administrator runs "widgetapp_admin -upgrade"
      Then the command succeeds and says "is replaced by widgetapp"
      And 2 _sfe run

    Scenario: What it refuses
      Given WidgetApp is installed and running
      When the settings are changed to:
        """
        [metrics]
        listen = "127.0.0.1:0"
        """
      And the administrator runs "widgetapp_admin -upgrade"
      Then the command ends with code 1 and the one line "metrics.listen has changed, which takes effect with a restart only"

    Scenario: What is wrong
      Given WidgetApp is installed and running
      When the settings are changed to:
        """
        [sfe]
        min_instances = 0
        """
      And the administrator runs "widgetapp_admin -upgrade"
      Then the command ends with code 1 and the one line "sfe.min_instances"

  @claim:upgrade-apart+1
  Rule: Where the processes of both programs would not understand each other, all are started anew

    Scenario: Clients come back
      Given WidgetApp is installed and running
      And Ada and Grace have the Thing open
      When a program whose processes speak another language takes the place of the installed one
      And the administrator runs "widgetapp_admin -upgrade"
      Then the command succeeds and says "all were started anew"
      When Ada changes the title to "Other words"
      Then Grace sees the title "Other words"
      And Ada and Grace were sent away with 4001
      And Ada and Grace have come back without anything missed

  @claim:same-program+1
  Rule: Until then, processes are started from the running program

    Scenario: A process dies before the upgrade
      Given WidgetApp is installed and running
      When a program that ends at once takes the place of the installed one
      And the _sfe is killed
      Then another _sfe takes its place

  @claim:terminal-closed+1
  Rule: A server whose terminal is closed stops

    Scenario: The window is closed
      Given WidgetApp is running at a terminal
      When the terminal is closed
      Then the server stops by itself with code 0
