Feature: What runs out
  When there is no room on the disk, or a process may open no more files, the server says so, refuses what it cannot
  do, and does everything else. When the cause has gone it goes on by itself.

  Background:
    Given WidgetApp is running
    And "writer" streams as Ada
    And "writer" opens the Thing

  @claim:disk-full+1
  Rule: A full disk puts edits off, and nothing else

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
