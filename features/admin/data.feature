Feature: Stored data
  Everything that WidgetApp stores is in the data directory.

  Background:
    Given WidgetApp is running

  @claim:data-files+1 @claim:stored-data+1
  Rule: Two databases hold everything

    @claim:accounts-tables+1
    Scenario: Accounts, groups and shares
      Then "store.db" has the tables:
        | table            |
        | organisations    |
        | principals       |
        | users            |
        | clients          |
        | groups           |
        | memberships      |
        | things           |
        | titles           |
        | principal_shares |
        | group_shares     |
        | oauth_codes      |
        | login_sessions   |
        | signing_keys     |

    @claim:log-tables+1
    Scenario: The changes of the Things
      Then "log.db" has the tables:
        | table    |
        | thing    |
        | change   |
        | snapshot |

  @claim:changes-kept+1
  Rule: Every change is stored, with who made it and when

    Scenario: Three changes
      Given Ada and Grace have the Thing open
      When Ada changes the title to "One"
      And Grace changes the title to "Two"
      And Ada changes the title to "Three"
      Then "log.db" has 2 changes of the Thing by Ada
      And "log.db" has 1 changes of the Thing by Grace

  @claim:passwords-hashed+1
  Rule: Passwords are stored as hashes

    Scenario: Looking for a password
      Then the password of Ada stands in no file but "demo.json"

  @claim:backup+1
  Rule: A copy of the data directory of a stopped server is a backup

    Scenario: Going on from a copy
      Given Ada and Grace have the Thing open
      When Ada changes the title to "Kept"
      And the server is stopped and started on a copy of its data
      And Grace adds the part "chair"
      Then Ada and Grace see the title "Kept"
      And Ada and Grace see the part "chair"
      And Ada and Grace have seen every change once and in order
