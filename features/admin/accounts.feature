Feature: Renaming and removing users, groups, organisations and applications
  Names change, and people leave. What they have made stays.
  Ada alone owns the Thing "Welcome"; Grace is an editor of it.

  Background:
    Given WidgetApp is running

  @claim:admin-accounts+2
  Rule: Users, groups, organisations and applications are renamed and removed by command

    Scenario: An organisation with all that is in it
      Given the administrator has run "widgetapp_admin -organisation guild -add"
      And the administrator has run "widgetapp_admin -group masons -add -organisation guild"
      And the administrator has run "widgetapp_admin -user eve -add -organisation guild -group masons"
      And the administrator has run "widgetapp_admin -client crm -add -organisation guild"
      When the administrator runs "widgetapp_admin -organisation guild -rename lodge"
      Then the command succeeds and says "guild is named lodge now"
      When the administrator runs "widgetapp_admin -group masons -rename builders"
      Then the command succeeds and says "masons is named builders now"
      When the administrator runs "widgetapp_admin -client crm -rename sales"
      Then the command succeeds and says "it has to ask for tokens as client_id sales from now on"
      When the administrator runs "widgetapp_admin -user eve -rename evelyn"
      Then the command succeeds and says "eve is named evelyn now"
      When the administrator runs "widgetapp_admin -users"
      Then the command succeeds and says "evelyn   lodge   enabled   builders"
      When the administrator runs "widgetapp_admin -user evelyn -remove"
      Then the command succeeds and says "evelyn is removed"
      When the administrator runs "widgetapp_admin -group builders -remove"
      Then the command succeeds and says "builders is removed"
      When the administrator runs "widgetapp_admin -client sales -remove"
      Then the command succeeds and says "sales is removed"
      When the administrator runs "widgetapp_admin -organisation lodge -remove"
      Then the command succeeds and says "lodge is removed"
      And the record shows "user_renamed  administrator  eve evelyn  done"
      And the record shows "organisation_removed  administrator  lodge  done"

    Scenario Outline: <why>
      When the administrator runs "widgetapp_admin <options>"
      Then the command ends with code 1 and the one line "<why>"

      Examples:
        | options                       | why                                                |
        | -user ada -rename grace       | there is already a user or client named grace      |
        | -user ada -rename demo-app    | there is already a user or client named demo-app   |
        | -group designers -rename spies | there is already a group named spies              |
        | -organisation acme -rename rivals | there is already an organisation named rivals  |
        | -client demo-app -rename widgetapp-cli | which is built in                         |
        | -user ada -rename Ada         | cannot be a name                                   |
        | -user nobody -remove          | there is no user named nobody                      |
        | -client ada -remove           | there is no application named ada                  |
        | -group nobody -remove         | there is no group named nobody                     |
        | -organisation nobody -remove  | there is no organisation named nobody              |

    Scenario: What does not go together
      When the administrator runs "widgetapp_admin -user ada -group designers -remove"
      Then the command ends with code 2 and tells about "-rename and -remove go with one of -user, -client, -group and -organisation"
      When the administrator runs "widgetapp_admin -group designers -remove -to ada"
      Then the command ends with code 2 and tells about "-to goes with -user NAME or -client NAME"

  @claim:user-renamed+1
  Rule: Whoever is renamed keeps what they have, and comes back under the new name

    Scenario: Grace works in her browser meanwhile
      Given Ada and Grace have the Thing open in their browsers
      When the administrator runs "widgetapp_admin -user grace -rename hopper"
      Then the command succeeds and says "grace is named hopper now; 1 connection was ended"
      And the page of Ada says "hopper"
      When Grace types "Still here. " at the beginning of the notes
      Then Ada finds "Still here." in the notes

    Scenario: An application works for Ada meanwhile
      Given the application "planner" is registered for "stream things:read"
      And Ada has allowed "planner" "stream things:read"
      And "planner" streams with its access token as "program"
      When the administrator runs "widgetapp_admin -user ada -rename augusta"
      Then the connection of "program" is closed with 4001 within a second
      And the access token of "planner" is worth nothing
      And "ada" cannot log in
      And "augusta" can log in with the password of Ada
      When "planner" refreshes
      Then the access token of "planner" is good

  @claim:application-renamed+1
  Rule: An application that is renamed keeps what people have allowed it, and asks under its new name

    Scenario: "planner" becomes "board"
      Given the application "planner" is registered for "stream things:read"
      And Ada has allowed "planner" "stream things:read"
      And "planner" streams with its access token as "program"
      When the administrator runs "widgetapp_admin -client planner -rename board"
      Then the command succeeds and says "planner is named board now; 1 connection was ended"
      And the connection of "program" is closed with 4500 within a second
      When "planner" refreshes
      Then the answer is 401 and like:
        """
        {"error": "invalid_client"}
        """
      When "planner" shows the name "board" from now on
      And "planner" asks Ada for "stream things:read"
      And "planner" exchanges its code
      Then the access token of "planner" is good

  @claim:user-removed+1
  Rule: Who is removed is out at once, and what they did stays

    Scenario: Grace is removed while she edits
      Given Ada and Grace have the Thing open
      When Grace changes the title to "Hers"
      And the administrator runs "widgetapp_admin -user grace -remove"
      Then the command succeeds and says "grace is removed; 1 connection was ended"
      And Grace's connection has ended with close code 4507
      And "grace" cannot log in
      And Ada sees the title "Hers"
      When Ada looks at the history
      Then the history tells, the newest first: "grace edit", "ada create"
      And the record shows "user_removed  administrator  grace  done"

    Scenario: An application is removed
      Given the application "planner" is registered for "stream things:read"
      And Ada has allowed "planner" "stream things:read"
      And "planner" streams with its access token as "program"
      When the administrator runs "widgetapp_admin -client planner -remove"
      Then the connection of "program" is closed with 4500 within a second
      And the access token of "planner" is worth nothing
      When "planner" refreshes
      Then the answer is 401 and like:
        """
        {"error": "invalid_client"}
        """

  @claim:things-handed-over+1
  Rule: No Thing is lost with its owner

    Scenario: Ada alone owns a Thing
      When the administrator runs "widgetapp_admin -user ada -remove"
      Then the command ends with code 1 and the one line 'ada alone owns 1 Thing: "Welcome"; say with -to NAME whose they become'
      And "ada" can log in with the old password
      When the administrator runs "widgetapp_admin -user ada -remove -to mallory"
      Then the command ends with code 1 and the one line "there is no other user or client named mallory in acme"

    Scenario: Grace gets it
      Given Grace has the Thing open
      When the administrator runs "widgetapp_admin -user ada -remove -to grace"
      Then the command succeeds and says "ada is removed; 1 Thing is grace's now"
      And Grace is told that she is an owner now
      When Grace invites Linus as editor
      Then the home page shows Linus the role "editor"

  @claim:only-empty-removed+1
  Rule: A group is removed when nobody is in it, an organisation when nothing is in it

    Scenario: The designers
      When the administrator runs "widgetapp_admin -group designers -remove"
      Then the command ends with code 1 and the one line "designers still has 3 members: ada, demo-external-system, grace; take them out first with -remove-member NAME"
      Given the administrator has run "widgetapp_admin -group designers -remove-member ada"
      And the administrator has run "widgetapp_admin -group designers -remove-member grace"
      And the administrator has run "widgetapp_admin -group designers -remove-member demo-external-system"
      When the administrator runs "widgetapp_admin -group designers -remove"
      Then the command succeeds and says "designers is removed"

    Scenario: An organisation with somebody in it
      When the administrator runs "widgetapp_admin -organisation rivals -remove"
      Then the command ends with code 1 and the one line "rivals still has 1 user: mallory; remove them first"

  @claim:name-taken-again+1
  Rule: Whoever gets a name that somebody else had gets nothing of theirs

    Scenario: Another Grace
      Given Ada and Grace have the Thing open
      When Grace changes the title to "Hers"
      And the administrator runs "widgetapp_admin -user grace -remove"
      And the administrator runs "widgetapp_admin -user grace -add -organisation acme -group designers"
      Then the new "grace" has no Things
      When Ada invites Grace as editor
      And the new "grace" undoes the last change that is hers
      Then the answer is 409 with the code 212 "nothing_to_undo"
      And Ada sees the title "Hers"
