Feature: Durability
  What has been acknowledged is on the disk. What is not on the disk, nobody has seen.

  Background:
    Given WidgetApp is running
    And "writer" streams as Ada
    And "reader" streams as Grace
    And "writer" opens the Thing
    And "reader" opens the Thing
    And the disk takes nothing

  @claim:edit-durable+1
  Rule: An edit is acknowledged and shown to others when it is on the disk, and not before

    Scenario: The disk is slow
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "k1", "patch": [{"op": "replace", "path": "/meta/title", "value": "Safe"}]}}
        """
      Then "writer" and "reader" have heard nothing of it, while everything else is answered
      When the disk takes changes again
      Then "writer" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "offset": OFFSET+1, "body": {"durable": true}}
        """
      And "reader" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "offset": OFFSET+1, "body": {"user": "ada"}}
        """

  @claim:edit-not-stored+1
  Rule: An edit that cannot be stored is refused, nobody sees it, and it can be sent again

    Scenario: The disk takes nothing for too long
      When "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "THING",
         "body": {"key": "k1", "patch": [{"op": "replace", "path": "/meta/title", "value": "Safe"}]}}
        """
      Then "writer" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 2,
         "error": {"code": 206, "name": "not_durable", "temporary": true}}
        """
      When the disk takes changes again
      And "writer" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "THING",
         "body": {"key": "k1", "patch": [{"op": "replace", "path": "/meta/title", "value": "Safe"}]}}
        """
      Then "writer" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "offset": OFFSET+1, "body": {"durable": true}}
        """
      And "reader" has got the changes "push" at one offset after the other
