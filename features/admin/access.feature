Feature: Users and their access
  The administrator adds users and groups, shuts users out, gives new passwords, and sees who did what. Whatever
  ends somebody's access ends it on their live connections, too.

  Background:
    Given WidgetApp is running

  @claim:users-added+1
  Rule: Users, groups and organisations are added by command

    Scenario: A new organisation with a group and a user
      When the administrator runs "widgetapp_admin -organisation guild -add"
      And the administrator runs "widgetapp_admin -group masons -add -organisation guild"
      Then the command succeeds and says "group masons of guild is added, not approved"
      When the administrator runs "widgetapp_admin -user eve -add -organisation guild -group masons"
      Then the command succeeds and says "eve is added to guild, in masons"
      And "eve" can log in with the password that was printed

    Scenario: The organisation has to be named where there are several
      When the administrator runs "widgetapp_admin -user eve -add"
      Then the command ends with code 1 and the one line "acme, rivals"

    Scenario: A name that is taken
      When the administrator runs "widgetapp_admin -user ada -add -organisation acme"
      Then the command ends with code 1 and the one line "there is already a user or client named ada"

    @claim:users-listed+2
    Scenario: The list of users
      When the administrator runs "widgetapp_admin -users"
      Then the command prints:
        """
        ada      acme    enabled   designers
        grace    acme    enabled   designers
        linus    acme    enabled   reviewers
        mallory  rivals  enabled   spies
        """
      When the administrator runs "widgetapp_admin -users -json"
      Then the command succeeds and says '"name":"mallory"'
      When the administrator runs "widgetapp_admin -user mallory -administrator"
      And the administrator runs "widgetapp_admin -user mallory -disable"
      And the administrator runs "widgetapp_admin -users"
      Then the command succeeds and says "mallory  rivals  disabled administrator  spies"

  @claim:user-disabled+1
  Rule: A user who is disabled is out at once

    Scenario: Grace is disabled while she edits
      Given Ada and Grace have the Thing open
      When the administrator runs "widgetapp_admin -user grace -disable"
      Then the command succeeds and says "grace is disabled; 1 connection was ended"
      And Grace's connection has ended with close code 4507
      And "grace" cannot log in
      When the administrator runs "widgetapp_admin -user grace -enable"
      Then "grace" can log in with the old password

  @claim:password-changed+1
  Rule: A new password ends everything that the old one began

    Scenario: Grace gets a new password
      Given Ada and Grace have the Thing open
      When the administrator runs "widgetapp_admin -user grace -password"
      Then the command succeeds and says "grace has a new password"
      And Grace's connection has ended with close code 4500
      And "grace" cannot log in
      And "grace" can log in with the password that was printed

  @claim:group-members+1
  Rule: Who leaves a group loses what they had by it, at once

    Scenario: Grace leaves her only approved group
      Given Ada and Grace have the Thing open
      When the administrator runs "widgetapp_admin -group designers -remove-member grace"
      Then the command succeeds and says "grace is not in designers; 1 connection was ended"
      And Grace's connection has ended with close code 4503
      When the administrator runs "widgetapp_admin -group designers -add-member grace"
      And Grace tries to open a stream
      Then Grace is let in

  @claim:approval-told+1
  Rule: People who are connected are told what happens to the approval of their groups

    Scenario: Ada belongs to a second group, which is approved and withdrawn again
      Given "program" streams as Ada
      And the administrator has run "widgetapp_admin -group reviewers -add-member ada"
      When the administrator runs "widgetapp_admin -group reviewers -approve"
      Then "program" receives:
        """
        {"port": 203, "name": "approved", "body": {"group": "reviewers"}}
        """
      When the administrator runs "widgetapp_admin -group reviewers -withdraw"
      Then "program" receives:
        """
        {"port": 203, "name": "withdrawn", "body": {"group": "reviewers"}}
        """
      And the connection of "program" is still good

  @claim:audit+1
  Rule: What happens to anybody's access is on record

    Scenario: A stream that was refused, and an approval
      When Linus tries to open a stream
      And the administrator runs "widgetapp_admin -group reviewers -approve"
      Then the record shows "stream_refused  user:linus  /_stream  group_not_approved  127.0.0.1"
      And the record shows "group_approved  administrator  reviewers  done"

    Scenario: A wrong password, without the password
      When Ada logs in with a wrong password
      Then the record shows "login_failed  -  ada  wrong_credentials  127.0.0.1"
      And the record does not show "not hers"

    Scenario: Of one user alone
      When Linus tries to open a stream
      And Ada logs in with a wrong password
      Then the record shows "login_failed"
      When the administrator runs "widgetapp_admin -audit -user linus -since 1h -json"
      Then the command succeeds and says '"what":"stream_refused","who":"user:linus"'
      And the command does not tell about "login_failed"

    Scenario: An age that cannot be
      When the administrator runs "widgetapp_admin -audit -since yesterday"
      Then the command ends with code 2 and tells about "write it as 90s, 30m, 1h or 7d"

  @claim:audit-bounded+1
  Rule: The record has bounds

    Scenario: A record of at most a hundred entries
      Given the server is stopped, and started again where there is a "widgetapp.toml":
        """
        [audit]
        keep_rows = 100
        """
      When the administrator approves and withdraws the group "reviewers" 60 times
      Then the record has at most 100 entries, and tells that older ones were dropped
