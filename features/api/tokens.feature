Feature: Access tokens on a live stream
  Access tokens are short-lived. A program replaces its token without ending the stream.

  Rule: A token can be replaced while the stream goes on

    Scenario: Refreshing
      Given WidgetApp is running with these settings:
        """
        [oauth]
        access_token_seconds = 20
        """
      And "monitor" streams as the external system
      Then "monitor" receives:
        """
        {"port": 0, "name": "token_expiring", "body": {"expires_at": "..."}}
        """
      When "monitor" refreshes its token
      Then the token of "monitor" expires later than before
      And the connection of "monitor" is still good

    Scenario: A token of somebody else is not taken
      Given WidgetApp is running
      And "monitor" streams as Ada
      When "monitor" refreshes its token with one of Grace
      Then "monitor" receives:
        """
        {"port": 0, "name": "refresh", "error": {"code": 105, "name": "invalid_token", "temporary": false}}
        """
      And the connection of "monitor" is still good

    Scenario: What is not a token is not taken
      Given WidgetApp is running
      And "monitor" streams as Ada
      When "monitor" sends:
        """
        {"port": 0, "name": "refresh", "id": 5, "body": {"token": "made up"}}
        """
      Then "monitor" receives:
        """
        {"port": 0, "name": "refresh", "id": 5, "error": {"code": 105, "name": "invalid_token"}}
        """
      And the connection of "monitor" is still good

  Rule: An expired token opens no stream

    Scenario: Too late
      Given WidgetApp is running with these settings:
        """
        [oauth]
        access_token_seconds = 1
        """
      And somebody has a token that has expired
      When somebody asks for a stream with "the expired token"
      Then the answer is 401 with the code 106 "token_expired"
      And the answer's header "WWW-Authenticate" contains "invalid_token"
