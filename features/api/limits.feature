Feature: Limits
  Everything has a limit. A program that goes beyond one is told so, and how long to wait.

  Rule: Too many requests are refused, and then the stream is closed

    Scenario: A burst that is too long
      Given WidgetApp is running with these settings:
        """
        [stream]
        requests_per_second = 1
        request_burst = 5
        """
      And "hasty" streams as Ada
      When "hasty" sends 8 pings at once
      Then "hasty" has a reply to each of 1, 2, 3, 4 and 5
      And "hasty" receives:
        """
        {"id": 6, "error": {"code": 114, "name": "too_many_requests", "temporary": true, "retry_after_ms": "..."}}
        """
      And the connection of "hasty" is still open

    Scenario: Who goes on regardless is cut off
      Given WidgetApp is running with these settings:
        """
        [stream]
        requests_per_second = 1
        request_burst = 5
        """
      And Grace has the Thing open
      And "hasty" streams as Ada
      When "hasty" sends 100 pings at once
      Then the connection of "hasty" is closed with 4029
      When Grace changes the title to "Undisturbed"
      Then Grace sees the title "Undisturbed"
      And Grace has never lost the connection

  Rule: The other limits are kept, too

    Scenario: Too many Things on one stream
      Given WidgetApp is running with these settings:
        """
        [stream]
        max_things = 2
        """
      And "collector" streams as Ada
      When "collector" creates and opens 2 Things
      And "collector" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 77, "thing": "THING"}
        """
      Then "collector" receives:
        """
        {"id": 77, "error": {"code": 116, "name": "too_many_things"}}
        """
      And the connection of "collector" is still good

    Scenario: An edit that is too large
      Given WidgetApp is running
      And "writer" streams as Ada
      When "writer" sends an edit of 600 KiB with the id 7
      Then "writer" receives:
        """
        {"id": 7, "error": {"code": 204, "name": "edit_too_large", "temporary": false}}
        """
      And the connection of "writer" is still good

    Scenario: The limits are told in the welcome
      Given WidgetApp is running with these settings:
        """
        [stream]
        max_things = 3
        max_frame_bytes = 2048
        """
      And "reader" streams as Ada
      Then "reader" receives:
        """
        {"port": 0, "name": "welcome", "body": {"max_things": 3, "max_frame_bytes": 2048}}
        """

    Scenario: Opening streams too often
      Given WidgetApp is running with these settings:
        """
        [stream]
        openings_per_second = 1
        opening_burst = 2
        """
      When somebody asks for a stream with "Authorization"
      And somebody asks for a stream with "Authorization"
      Then the answer is 101
      When somebody asks for a stream with "Authorization"
      Then the answer is 429 with the code 114 "too_many_requests"
      And the answer's header "Retry-After" contains "1"

    Scenario: Too many wrong passwords
      Given WidgetApp is running
      When somebody tries 11 wrong passwords for Ada
      Then the answer is 429 with the code 114 "too_many_requests"
      And the answer's header "Retry-After" contains ""

    Scenario: A client that says nothing at all is not kept
      Given WidgetApp is running with these settings:
        """
        [stream]
        ping_ms = 200
        pong_ms = 200
        """
      When "sleeper" opens a stream as Ada and never answers
      Then the server closes the connection of "sleeper" with 4012
