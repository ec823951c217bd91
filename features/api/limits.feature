Feature: Limits
  Everything has a limit. A program that goes beyond one is told so, and how long to wait.

  @claim:limit-requests+1
  Rule: Too many requests are refused with the time to wait

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

    Scenario: A thousand and more requests, as the server comes
      Given WidgetApp is running
      And "hasty" streams as Ada
      When "hasty" sends 1900 pings at once
      Then all of the first 1000 pings of "hasty" are answered, and of the others some are refused

  @claim:limit-requests-close+2
  Rule: Who goes on regardless is cut off, though some requests are answered in between

    Scenario: A hundred where five are allowed
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

    Scenario: Thousands, as the server comes
      Given WidgetApp is running
      And "hasty" streams as Ada
      When "hasty" sends 6000 pings at once
      Then the connection of "hasty" is closed with 4029

  @claim:limit-things+1
  Rule: A stream has so many Things open and no more

    Scenario: A third Thing where two are allowed
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

    Scenario: 129 Things, as the server comes
      Given WidgetApp is running
      And "collector" streams as Ada
      When "collector" creates and opens 128 Things
      And "collector" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_open", "id": 77, "thing": "THING"}
        """
      Then "collector" receives:
        """
        {"id": 77, "error": {"code": 116, "name": "too_many_things"}}
        """

  @claim:limit-frame+1
  Rule: A message that is too large ends the stream

    Scenario: A message of two MiB
      Given WidgetApp is running
      And "careless" streams as Ada
      When "careless" sends a message of 2 MiB
      Then the connection of "careless" is closed with 1009

  @claim:limit-edit+1
  Rule: An edit that is too large is refused

    Scenario: An edit of 600 KiB
      Given WidgetApp is running
      And "writer" streams as Ada
      When "writer" sends an edit of 600 KiB with the id 7
      Then "writer" receives:
        """
        {"id": 7, "error": {"code": 204, "name": "edit_too_large", "temporary": false}}
        """
      And the connection of "writer" is still good

    Scenario: An edit of 500 KiB
      Given WidgetApp is running
      And "writer" streams as Ada
      When "writer" sends an edit of 500 KiB with the id 7
      Then "writer" receives:
        """
        {"id": 7, "body": {"durable": true}}
        """

  @claim:limit-nesting+1
  Rule: What nests deeper than 24 levels is refused

    Scenario Outline: A value <levels> levels deep in the content
      Given WidgetApp is running
      And "writer" streams as Ada
      When "writer" sends an edit with a value <levels> levels deep and the id 7
      Then "writer" is answered 7 with <outcome>
      When "writer" creates a Thing with a value <levels> levels deep and the id 8
      Then "writer" is answered 8 with <outcome>

      Examples:
        | levels | outcome       |
        | 24     | a body        |
        | 25     | invalid_patch |

  @claim:limits-in-welcome+1
  Rule: The welcome tells the limits that an administrator can change

    Scenario: Other limits than usual
      Given WidgetApp is running with these settings:
        """
        [stream]
        max_things = 3
        max_frame_bytes = 2048
        ping_ms = 9000
        pong_ms = 4000
        """
      And "reader" streams as Ada
      Then "reader" receives:
        """
        {"port": 0, "name": "welcome",
         "body": {"max_things": 3, "max_frame_bytes": 2048, "ping_ms": 9000, "pong_ms": 4000}}
        """

  @claim:limit-admissions+1
  Rule: More streams at once than the server takes are told when to come again

    Scenario: Everybody comes at once
      Given WidgetApp is running with these settings:
        """
        [stream]
        admissions_per_second = 2
        """
      When somebody asks for 20 streams at once
      Then two of them are opened at least, and each of the others has another time to wait
      And the answer is 503 with the code 115 "unavailable"
      And the answer's header "Retry-After" contains ""

  @claim:limit-openings+1
  Rule: Streams that are opened too often are refused with the time to wait

    Scenario: Twenty streams at once where two are allowed
      Given WidgetApp is running with these settings:
        """
        [stream]
        openings_per_second = 1
        opening_burst = 2
        """
      When somebody asks for 20 streams at once
      Then two of them are opened at least, and one is refused at least
      And the answer is 429 with the code 114 "too_many_requests"
      And the answer's header "Retry-After" contains "1"

  @claim:limit-passwords+1
  Rule: After ten wrong passwords within a minute one has to wait

    Scenario: The eleventh
      Given WidgetApp is running
      When somebody tries 10 wrong passwords for Ada
      Then the answer is 401 with the code 118 "wrong_credentials"
      When somebody tries 1 wrong passwords for Ada
      Then the answer is 429 with the code 114 "too_many_requests"
      And the answer's header "Retry-After" contains ""

  @claim:limit-silence+1
  Rule: A client that says nothing at all is not kept

    Scenario: No answer to a ping
      Given WidgetApp is running with these settings:
        """
        [stream]
        ping_ms = 200
        pong_ms = 200
        """
      When "sleeper" opens a stream as Ada and never answers
      Then the server closes the connection of "sleeper" with 4012

  @claim:limit-queue+1
  Rule: A client that does not read what it is sent is cut off

    Scenario: One who never reads
      Given WidgetApp is running with these settings:
        """
        [stream]
        max_queue_bytes = 100000
        """
      And "reader" streams as Grace
      And "reader" opens the Thing
      When "sleeper" opens the Thing as Ada and stops reading
      And "writer" streams as Ada
      And "writer" makes 60 edits of 100 KiB
      Then "sleeper" finds its connection closed with 4008
      And "reader" has seen all 60 edits

  @claim:limit-unanswered+1
  Rule: A client with 256 unanswered requests is not read until some are answered

    Scenario Outline: <count> requests wait, and then a ping comes
      Given WidgetApp is running
      And "patient" streams as Ada
      When the _wfe is halted
      And "patient" sends <count> searches and then a ping with the id 999
      And "patient" <answered> to 999
      And the _wfe goes on
      Then "patient" has a reply to each of 1, <count> and 999

      Examples:
        | count | answered     |
        | 255   | has a reply  |
        | 256   | has no reply |

  @claim:limit-title+1
  Rule: A title has 1 to 200 characters

    Scenario Outline: A title of <length> characters
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" creates a Thing with a title of <length> characters and the id 1
      Then "program" is answered 1 with <outcome>

      Examples:
        | length | outcome        |
        | 0      | invalid_action |
        | 200    | a body         |
        | 201    | invalid_action |

  @claim:limit-query+1
  Rule: A search text has at most 200 characters

    Scenario Outline: A search text of <length> characters
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" searches for a text of <length> characters with the id 1
      Then "program" is answered 1 with <outcome>

      Examples:
        | length | outcome   |
        | 200    | a body    |
        | 201    | too_large |

  @claim:limit-page+1
  Rule: A page has 20 Things, or as many as are asked for, but no more than 100

    Scenario Outline: Asked with <body>
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" creates 101 Things
      And "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_scroll", "id": 1, "body": <body>}
        """
      Then the reply to 1 of "program" has <count> Things

      Examples:
        | body           | count |
        | {}             | 20    |
        | {"limit": 3}   | 3     |
        | {"limit": 500} | 100   |

  @claim:limit-view+1
  Rule: The view of a scroll has at most 4,096 bytes

    Scenario: A longer one
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" looks at a view of 5 KiB with the id 1
      Then "program" is answered 1 with too_large

  @claim:limit-body+1
  Rule: The body of an HTTP request has at most 1 MiB

    Scenario: A body of two MiB
      Given WidgetApp is running
      When POST _ajax/create is called as Ada with a body of 2 MiB
      Then the answer is 413 with the code 121 "too_large"
