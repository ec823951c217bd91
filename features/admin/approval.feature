Feature: Approving user groups for streaming
  Streaming is optional. The administrator switches it on for one user group after the other.
  Ada and Grace are in the group "designers", which is approved; Linus is in "reviewers", which is not.

  Background:
    Given WidgetApp is running

  @claim:C06+1
  Rule: Only people of approved groups can stream

    Scenario: A group that is not approved
      When Linus tries to open a stream
      Then Linus is told that "group_not_approved"

    Scenario: Without an access token nobody streams
      When somebody asks for a stream with "no token"
      Then the answer is 401 with the code 104 "token_missing"

    @claim:token-needs-approval+1
    Scenario: A good access token of a member of a group that is not approved
      When somebody asks for a stream with "a token of Linus"
      Then the answer is 403 with the code 108 "group_not_approved"

    @claim:C25+1
    Scenario: The administrator approves the group
      When the administrator runs "widgetapp_admin -group reviewers -approve"
      Then the command succeeds and says "reviewers is approved for streaming"
      When Linus tries to open a stream
      Then Linus is let in

    @claim:approval-withdrawn+1
    Scenario: The administrator withdraws the approval
      Given Ada has the Thing open
      And the administrator has run "widgetapp_admin -group reviewers -approve"
      And Linus has the Thing open
      When the administrator runs "widgetapp_admin -group reviewers -withdraw"
      Then the command succeeds and says "1 connection was ended"
      And Linus's connection has ended with close code 4503
      When Linus tries to open a stream
      Then Linus is told that "group_not_approved"
      When Ada changes the title to "Still live"
      Then Ada sees the title "Still live"
      And Ada has never lost the connection

    @claim:approval-withdrawn+1
    Scenario: An external system belongs to a group, too
      Given "monitor" streams as the external system
      When the administrator runs "widgetapp_admin -group designers -withdraw"
      Then the connection of "monitor" is closed with 4503

    @claim:approval-streaming-only+1
    Scenario: A group that is not approved works as before, only not live
      Given Linus is logged in
      When Linus searches for "Welcome"
      Then Linus finds "Welcome"

  @claim:groups-listed+2
  Rule: The administrator sees which groups are approved

    Scenario: The list of groups
      When the administrator runs "widgetapp_admin -groups"
      Then the command prints:
        """
        designers  acme    approved      ada demo-external-system grace
        reviewers  acme    not approved  linus
        spies      rivals  approved      mallory
        """

    Scenario: A group that does not exist
      When the administrator runs "widgetapp_admin -group painters -approve"
      Then the command ends with code 1 and the one line "painters"
