Feature: As many front ends as the clients need
  More clients have more SFEs, which start at once. When they have gone, the SFEs go too, after a while.

  @claim:C30+1
  Rule: One more SFE starts for every ten clients

    Scenario: Clients come
      Given WidgetApp is running
      When 9 clients are connected
      Then 1 _sfe runs
      When 10 clients are connected
      Then 2 _sfe run
      When 19 clients are connected
      Then 2 _sfe run
      When 20 clients are connected
      Then 3 _sfe run
      And 3 _stream run

    Scenario: Many come at once
      Given WidgetApp is running
      When 70 clients are connected
      Then 8 _sfe run

    @claim:more-processes+2
    Scenario: The settings say otherwise
      Given WidgetApp is running with these settings:
        """
        [sfe]
        clients_per_instance = 2
        min_instances = 2
        max_instances = 4
        streams_per_instance = 2
        """
      Then 2 _sfe run
      When 5 clients are connected
      Then 3 _sfe run
      And 6 _stream run
      When 30 clients are connected
      Then 4 _sfe run

  @claim:scale-spread+1
  Rule: A new connection goes to the SFE with the fewest clients

    Scenario: Nine clients and three SFEs
      Given WidgetApp is running with these settings:
        """
        [sfe]
        min_instances = 3
        """
      When 9 clients are connected
      Then every _sfe has 3 clients

    Scenario: Nine clients of one SFE and its three _streams
      Given WidgetApp is running with these settings:
        """
        [sfe]
        streams_per_instance = 3
        """
      When 9 clients are connected
      Then every _stream has 3 clients

  @claim:scale-down+1
  Rule: What was not needed for a while ends, and nobody misses anything

    Scenario: Clients leave
      Given WidgetApp is running with these settings:
        """
        [sfe]
        scale_down_after_seconds = 1
        """
      And Ada and Grace have the Thing open
      When 28 clients are connected
      Then 4 _sfe run
      When 0 clients are connected
      Then 1 _sfe runs
      When Ada changes the title to "Quiet again"
      Then Ada and Grace see the title "Quiet again"
      And Ada and Grace have seen every change once and in order
