Feature: The commands of the administrator
  A wrong command says in one line what is wrong, and changes nothing.

  Background:
    Given WidgetApp is running

  @claim:dashes+1
  Rule: Long options take one dash or two

    Scenario Outline: <command> is understood
      When the administrator runs "<command>"
      Then the command succeeds and says "designers"

      Examples:
        | command                  |
        | widgetapp_admin -groups  |
        | widgetapp_admin --groups |

  @claim:exit-codes+1
  Rule: Wrong usage is answered with one helpful line

    Scenario Outline: "<command>" is not understood
      When the administrator runs "<command>"
      Then the command ends with code 2 and tells about "<what>"
      And there is 1 process "_sfe"

      Examples:
        | command                                  | what       |
        | widgetapp_admin -staus                   | unexpected argument '-staus' found |
        | widgetapp_admin -grups                   | a similar argument exists: '-groups' |
        | widgetapp_admin --staus                  | unexpected argument '--staus' found |
        | widgetapp_admin -process _sfd -restart   | _sfe       |
        | widgetapp_admin -restart                 | --process  |
        | widgetapp_admin -process _sfe -start     | -n         |
        | widgetapp_admin -process _sfe -n 0 -start | 0         |
        | widgetapp_admin -process _wfe -n 2 -start | _sfe      |
        | widgetapp_admin -process _sfe -n 2       | --start    |
        | widgetapp_admin -status -n 2             | '-status' cannot be used with '-n <COUNT>' |
        | widgetapp_admin -status -process _sfe -id 1 | '-status' cannot be used with |
        | widgetapp_admin -status -since 1h        | '-status' cannot be used with '--since <AGE>' |
        | widgetapp_admin -users -to ada           | '-users' cannot be used with '--to <NAME>' |
        | widgetapp_admin -token -rotate-keys -json | '--json' |
        | widgetapp_admin -user zoe -add -json     | -json goes with -client NAME -add |
        | widgetapp_admin                          | Usage      |

    Scenario Outline: "<command>" cannot be done
      When the administrator runs "<command>"
      Then the command ends with code 1 and the one line "<what>"

      Examples:
        | command                                       | what |
        | widgetapp_admin -process _sfe -id 7 -restart  | 7    |
        | widgetapp_admin -process _sfe -restart        | -id  |
        | widgetapp_admin -group painters -withdraw     | painters |

    Scenario: What was asked is done
      When the administrator runs "widgetapp_admin -groups"
      Then the command succeeds and says "designers"

    Scenario: There is no server
      When the server is killed
      And the administrator runs "widgetapp_admin -status"
      Then the command ends with code 3 and the one line "no server runs"

  @claim:data-one-server+1
  Rule: Two servers never share their data

    Scenario: A second server on the same data
      When the administrator starts a second server on the same data
      Then the command ends with code 1 and the one line "another server uses the data directory"
      And there is 1 process "_sfe"
