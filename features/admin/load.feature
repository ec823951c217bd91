Feature: Load
  Whoever asks for too much is told to wait, and is cut off in the end. The others go on.

  @claim:load-bounded+1
  Rule: One busy program does not hold up the others

    Scenario: A program that floods the server
      Given WidgetApp is running with these settings:
        """
        [stream]
        requests_per_second = 1
        request_burst = 5
        """
      And Ada and Grace have the Thing open
      And "hasty" streams as the external system
      When "hasty" sends 100 pings at once
      Then the connection of "hasty" is closed with 4029
      When Grace changes the title to "Undisturbed"
      Then Ada sees the title "Undisturbed"
      And Ada and Grace have never lost the connection
