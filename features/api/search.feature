Feature: Finding Things by what is in them

  @claim:search-ranked+1
  Rule: The best comes first

    Scenario: A word in the title, in a label and in the notes
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_create", "id": 1,
         "body": {"title": "One", "content": {"notes": "In the corner stands a wardrobe."}}}
        {"port": 200, "name": "widgetApp_useraction_create", "id": 2,
         "body": {"title": "Two", "content": {"parts": {"a": {"kind": "box", "label": "Wardrobe"}}}}}
        {"port": 200, "name": "widgetApp_useraction_create", "id": 3, "body": {"title": "A wardrobe"}}
        {"port": 200, "name": "widgetApp_useraction_create", "id": 4,
         "body": {"title": "Four", "content": {"notes": "Nothing of the kind."}}}
        """
      Then within two seconds "program" finds by "ward": "A wardrobe", "Two", "One"
      And within two seconds "program" finds by "WARD corn": "One"
      And within two seconds "program" finds by "ward nothing":

  @claim:search-current+1
  Rule: What was changed is found soon

    Scenario: A label is changed
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "THING",
         "body": {"key": "a", "patch": [{"op": "replace", "path": "/parts/lamp/label", "value": "A chandelier"}]}}
        """
      Then within two seconds "program" finds by "chand": "Welcome"
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_undo", "id": 2, "thing": "THING"}
        """
      Then within two seconds "program" finds by "chand":
      And within two seconds "program" finds by "lamp": "Welcome"

    Scenario: The server is killed right after the change
      Given WidgetApp is running
      And "program" streams as Ada
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "THING",
         "body": {"key": "a", "patch": [{"op": "replace", "path": "/notes", "value": "A chandelier"}]}}
        """
      And "program" has a reply to 1
      And the server is killed and started again
      And "program" streams as Ada
      Then within two seconds "program" finds by "chand": "Welcome"
