Feature: What runs out
  When there is no room on the disk, or a process may open no more files, the server says so, refuses what it cannot
  do, and does everything else. When the cause has gone it goes on by itself.

  Background:
    Given WidgetApp is running
    And "writer" streams as Ada
    And "writer" opens the Thing

  @claim:disk-full+2
  Rule: A full disk puts off what is to be stored, and nothing else

    Scenario: No room for a while
      Given there is no room on the disk
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "k1", "patch": [{"op": "replace", "path": "/meta/title", "value": "Kept"}]}}
        """
      Then "writer" receives:
        """
        {"id": 2, "error": {"code": 206, "name": "not_durable", "temporary": true}}
        """
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_select", "id": 3, "thing": "THING", "body": {}}
        """
      Then "writer" receives:
        """
        {"id": 3, "body": {"offset": OFFSET}}
        """
      When there is room on the disk again
      And "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 4, "thing": "THING",
         "body": {"key": "k1", "patch": [{"op": "replace", "path": "/meta/title", "value": "Kept"}]}}
        """
      Then "writer" receives:
        """
        {"id": 4, "offset": OFFSET+1, "body": {"durable": true}}
        """
      And the server's log tells "the log can be written again"

    Scenario: Nobody is let in who could not be remembered
      Given there is no room on the disk
      When Grace fills in the login page
      Then the answer is 503
      And the page says "the server cannot store anything just now"
      And the answer's header "Retry-After" is "1"
      When Grace tries to log in
      Then the answer is 503 with the code 115 "unavailable"
      And the answer's header "Retry-After" is "1"
      And nobody was let in
      When there is room on the disk again
      And Grace tries to log in
      Then the answer is 200

    Scenario: No tokens for a while
      Given there is no room on the disk
      When the external system asks for a token with:
        """
        grant_type=client_credentials&client_id=demo-external-system&client_secret=SECRET
        """
      Then the answer is 503 and like:
        """
        {"error": "temporarily_unavailable", "error_description": "the server cannot store anything just now; try again later"}
        """
      And the answer's header "Retry-After" is "1"
      When there is room on the disk again
      And the external system asks for a token with:
        """
        grant_type=client_credentials&client_id=demo-external-system&client_secret=SECRET
        """
      Then the answer is 200 and like:
        """
        {"access_token": "...", "token_type": "Bearer", "expires_in": 600, "scope": "..."}
        """

    Scenario: Nobody is invited for a while
      Given there is no room on the disk
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_invite", "id": 2, "thing": "THING",
         "body": {"user": "grace", "role": "viewer"}}
        """
      Then "writer" receives:
        """
        {"id": 2, "error": {"code": 115, "name": "unavailable", "temporary": true, "retry_after_ms": 1000}}
        """

  @claim:no-descriptors+1
  Rule: Without descriptors new clients are refused, and those that are there go on

    Scenario Outline: The <process> may open no more files
      Given the <process> may open no more files
      When somebody asks for a stream
      Then the answer is 503 with the code 115 "unavailable"
      And the answer's header "Retry-After" contains "1"
      And the server's log tells "no descriptors are left"
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "k1", "patch": [{"op": "replace", "path": "/meta/title", "value": "Kept"}]}}
        """
      Then "writer" receives:
        """
        {"id": 2, "offset": OFFSET+1, "body": {"durable": true}}
        """
      When the <process> may open files again
      And somebody asks for a stream
      Then the answer is 101

      Examples:
        | process |
        | _sfe    |
        | _stream |

    @claim:health+2
    Scenario: The _wfe has no descriptors left
      Given the _wfe has as many files open as it may
      When someone who is not logged in asks for "/healthz"
      Then the answer is 503 with the code 115 "unavailable"
      And the answer's header "Retry-After" is "1"
      And the server's log tells "no descriptors are left: new connections are refused"
      When the _wfe may open files again
      And someone who is not logged in asks for "/healthz"
      Then the answer is 200
