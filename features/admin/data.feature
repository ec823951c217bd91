Feature: Stored data
  Everything that WidgetApp stores is in the data directory.

  Background:
    Given WidgetApp is running

  @claim:data-files+1 @claim:stored-data+1
  Rule: Two databases hold everything

    @claim:accounts-tables+4
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
        | texts            |
        | principal_shares |
        | group_shares     |
        | oauth_codes      |
        | oauth_consents   |
        | oauth_grants     |
        | login_sessions   |
        | audit            |
        | former_names     |
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

  @claim:backup-running+2
  Rule: A backup is made while the server runs

    Scenario: Going on from a backup
      Given Ada and Grace have the Thing open
      When Ada changes the title to "Kept"
      And the administrator runs "widgetapp backup copy"
      Then the command succeeds and says "widgetapp-data is backed up in copy"
      And Ada and Grace have never lost the connection
      When the administrator runs "widgetapp fsck --data copy"
      Then the command succeeds and says "all is well"
      When the server is stopped and started on the backup "copy"
      And Grace adds the part "chair"
      Then Ada and Grace see the title "Kept"
      And Ada and Grace see the part "chair"

    @claim:backup-restored+1
    Scenario: Going back to a backup
      Given Ada and Grace have the Thing open
      When the administrator runs "widgetapp backup copy"
      And Ada adds the part "chair"
      And Ada adds the part "bench"
      Then Grace sees the part "bench"
      When the server is stopped and started on the backup "copy"
      Then Ada and Grace see no part "bench"
      When Grace adds the part "stool"
      Then Ada and Grace see the part "stool"
      And Ada and Grace see no part "chair"

    @claim:backup-private+1
    Scenario: A backup is for its owner
      When the administrator runs "widgetapp backup copy"
      Then nobody but the owner can enter the backup "copy", or read what is in it
      And the backup "copy" has the files "demo.json, log.db, store.db"
      When the administrator runs "widgetapp backup copy"
      Then the command ends with code 1 and the one line "copy is not empty"

    Scenario: A backup of a server that is stopped
      When the server is killed
      And the administrator runs "widgetapp backup copy"
      Then the command succeeds and says "is backed up in copy"
      When the administrator runs "widgetapp backup other --data absent"
      Then the command ends with code 1 and the one line "there is no store.db in absent"

  @claim:data-whole+1
  Rule: A server does not begin anew where half of its data is

    Scenario Outline: <file> is missing
      When the server is killed
      And "<file>" is lost
      And the administrator starts a second server on the same data
      Then the command ends with code 1 and the one line "<file> is missing in"
      And the data directory has no file "<file>"

      Examples:
        | file     |
        | store.db |
        | log.db   |

    Scenario: The log is older than the rest
      Given Ada and Grace have the Thing open
      When the administrator runs "widgetapp backup copy"
      And Ada changes the title to "Lost"
      And the server is stopped and started with nothing but "log.db" of the backup "copy"
      Then the server's log tells "log.db is older than store.db"

  @claim:backup-files+1
  Rule: The files of a running server are no backup

    Scenario: A copy of the log without its journal
      Given Ada and Grace have the Thing open
      When Ada changes the title to "Lost"
      And the administrator copies "log.db" alone
      Then the copy of "log.db" lacks the last change

  @claim:fsck+1 @claim:fsck-codes+1
  Rule: What is stored can be checked

    Scenario: All is well
      Given Ada and Grace have the Thing open
      When Ada changes the title to "Checked"
      And the administrator runs "widgetapp fsck"
      Then the command succeeds and says "all is well; 1 Things, 2 changes and 0 snapshots were checked"

    Scenario Outline: <damage>
      When the server is killed
      And "<file>" is damaged: "<damage>"
      And the administrator runs "widgetapp fsck"
      Then it ends with code 1
      And it has told "<problem>"

      Examples:
        | file     | damage                                      | problem                                                  |
        | log.db   | DELETE FROM change                          | it has no changes                                        |
        | log.db   | UPDATE change SET update_v1 = x'ff'         | change 1 cannot be applied                               |
        | log.db   | INSERT INTO snapshot SELECT thing, 1, x'0000' FROM thing | snapshot 1 is not what its changes add up to |
        | store.db | DELETE FROM groups WHERE name = 'designers' | rows of memberships refer to rows of groups that are not there |
        | store.db | DELETE FROM things                          | rows of principal_shares refer to rows of things that are not there |

    Scenario: A file that is no database
      When the server is killed
      And "log.db" is overwritten
      And the administrator runs "widgetapp fsck"
      Then it ends with code 1
      And it has told "file is not a database"

    Scenario: There is nothing to check
      When the administrator runs "widgetapp fsck --data absent"
      Then the command ends with code 2 and the one line "there is no store.db in absent"

  @claim:upgrade-newer+1
  Rule: An older program leaves newer data alone

    Scenario Outline: A later version of <file>
      When the server is killed
      And "<file>" is damaged: "PRAGMA user_version = 99"
      And the administrator starts a second server on the same data
      Then the command ends with code 1 and the one line "has version 99"
      When the administrator runs "widgetapp fsck"
      Then the command ends with code 2 and the one line "has version 99"

      Examples:
        | file     |
        | store.db |
        | log.db   |

  @claim:durability-power+2
  Rule: A power cut takes nothing that was acknowledged

    Scenario: The disk stops at once, with what had not reached it
      Given the data are on a disk of their own
      And Ada and Grace have the Thing open
      When Ada changes the title to "Kept"
      And Grace adds the part "chair"
      And the power fails and comes back
      Then Ada and Grace see the title "Kept"
      And Ada and Grace see the part "chair"
      When Ada adds the part "lamp"
      Then Ada and Grace have seen every change once and in order
