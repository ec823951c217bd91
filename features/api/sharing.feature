Feature: Invitations and access, as programs see them
  `invite` and `uninvite` have the same body by HTTP and on port 200. Port 203 tells those whom it concerns, on all
  their connections; `access` on port 0 tells a stream of another role on a Thing that it has open.

  Background:
    Given WidgetApp is running

  @claim:role-changes+1
  Rule: Another role on an open Thing is told by access

    @claim:access-none+1
    Scenario: Lowered, then ended
      Given "program" streams as Grace
      And "program" opens the Thing
      When POST _ajax/invite is called as Ada with:
        """
        {"thing": "THING", "user": "grace", "role": "viewer"}
        """
      Then the answer is 200 and like:
        """
        {}
        """
      And "program" receives:
        """
        {"port": 0, "name": "access", "thing": "THING", "join": 1, "body": {"thing": "THING", "role": "viewer"}}
        """
      When POST _ajax/uninvite is called as Ada with:
        """
        {"thing": "THING", "user": "grace"}
        """
      Then "program" receives:
        """
        {"port": 203, "name": "uninvited", "thing": "THING", "body": {"by": "ada", "role": "none"}}
        """
      And "program" receives:
        """
        {"port": 0, "name": "access", "thing": "THING", "join": 1, "body": {"thing": "THING", "role": "none"}}
        """
      When "program" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_close", "id": 7, "thing": "THING"}
        """
      Then "program" receives:
        """
        {"id": 7, "error": {"code": 202, "name": "not_open"}}
        """

  @claim:notifications-port+2
  Rule: Port 203 tells of invitations, on all connections

    Scenario: Two connections of Grace, and neither has the Thing open
      Given "one" streams as Grace
      And "two" streams as Grace
      When POST _ajax/invite is called as Ada with:
        """
        {"thing": "THING", "user": "grace", "role": "owner"}
        """
      Then "one" receives:
        """
        {"port": 203, "name": "invited", "thing": "THING", "body": {"by": "ada", "role": "owner", "title": "Welcome"}}
        """
      And "two" receives:
        """
        {"port": 203, "name": "invited", "thing": "THING", "body": {"by": "ada", "role": "owner", "title": "Welcome"}}
        """

  @claim:invite-both-ways+1
  Rule: Inviting works by HTTP and on port 200, and again without harm

    Scenario: The same body both ways
      Given "program" streams as Ada
      When POST _ajax/invite is called as Ada with:
        """
        {"thing": "THING", "group": "reviewers", "role": "viewer"}
        """
      And "program" does invite with the same body
      Then both results are alike

    Scenario Outline: Refused both ways: <why>
      Given "program" streams as Ada
      When POST _ajax/<action> is called as Ada with:
        """
        <body>
        """
      And "program" does <action> with the same body
      Then both are refused with <status> and the code <code>

      Examples:
        | why                        | action   | body                                                                   | status | code |
        | nobody is named            | invite   | {"thing": "THING", "role": "viewer"}                                   | 400    | 208  |
        | two are named              | invite   | {"thing": "THING", "user": "grace", "group": "reviewers", "role": "viewer"} | 400 | 208  |
        | no such role               | invite   | {"thing": "THING", "user": "grace", "role": "king"}                    | 400    | 208  |
        | the only owner             | uninvite | {"thing": "THING", "user": "ada"}                                      | 409    | 209  |
        | nobody of that name        | invite   | {"thing": "THING", "user": "nobody", "role": "viewer"}                 | 422    | 210  |
        | of another organisation    | invite   | {"thing": "THING", "user": "mallory", "role": "viewer"}                | 422    | 210  |
