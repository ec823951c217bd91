Feature: Running as a service
  A service manager or a container starts the server, watches it and stops it.

  @claim:systemd-notify+1
  Rule: A service manager is told how the server is

    Scenario: Ready, alive and stopping
      Given WidgetApp is started by a service manager that wants a sign of life within 200 ms
      Then the service manager is told "READY=1"
      And the service manager is told "STATUS=listening on http://127.0.0.1"
      And the service manager is told "WATCHDOG=1"
      And the service manager is told "WATCHDOG=1"
      When the server is ended
      Then the service manager is told "STOPPING=1"

    Scenario: The program is replaced
      Given WidgetApp is started by a service manager that wants a sign of life within 30000 ms
      Then the service manager is told "READY=1"
      When the administrator runs "widgetapp_admin -upgrade"
      Then the service manager is told "RELOADING=1"
      And the service manager is told "MONOTONIC_USEC="
      And the service manager is told "WATCHDOG=1"
      And the service manager is told "WATCHDOG=1"
      And the service manager is told "READY=1"
      And the service manager is told "STATUS=listening on http://127.0.0.1"

    Scenario: A service manager without a watchdog
      Given WidgetApp is started by a service manager
      Then the service manager is told "READY=1"
      When the server is ended
      Then the service manager is told "STOPPING=1"
      And the service manager was never told "WATCHDOG=1"

  @claim:systemd-unit+1
  Rule: The unit of the guide fits the program

    Scenario: What it starts
      Given the unit "widgetapp.service" of the guide
      Then the program takes the options of its "ExecStart"
      And its settings are:
        | setting      | value     |
        | Type         | notify    |
        | User         | widgetapp |
        | KillMode     | mixed     |
        | Restart      | on-failure |
      And its "TimeoutStopSec" is longer than the server takes to stop
      And systemd has no complaint, if it is here

  @claim:systemd-reload+1
  Rule: A reload is an upgrade

    Scenario: What it runs
      Given WidgetApp is running
      And the unit "widgetapp.service" of the guide
      When the command of its "ExecReload" is run on this server
      Then the command succeeds and says "is replaced by widgetapp"
      When the server is killed
      And the command of its "ExecReload" is run on this server
      Then it ends with code 3

  @claim:container+1
  Rule: The Dockerfile of the guide fits the program

    Scenario: What it builds and starts
      Given the "Dockerfile" of the guide
      Then cargo can plan the build with the files that it copies
      And the project's settings of cargo are among them
      And it builds as the page "installing.md" says
      And the program takes its command with its variables
      And it runs as "widgetapp"

    Scenario: Its health check
      Given the "Dockerfile" of the guide
      And WidgetApp is running
      Then its health check succeeds
      When the server is killed
      Then its health check fails

  @claim:open-files-raised+1
  Rule: The server takes as many open files as the system permits

    Scenario: A shell that permits few at first
      Given WidgetApp is started where 256 files may be open at first, and 700 at most
      Then each process may have 700 files open
