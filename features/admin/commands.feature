Feature: The commands of the administrator
  A wrong command says in one line what is wrong, and changes nothing.

  Background:
    Given WidgetApp is running

  Rule: Long options take one dash or two

    Scenario Outline: <command> is understood
      When the administrator runs "<command>"
      Then the command succeeds and says "designers"

      Examples:
        | command                  |
        | widgetapp_admin -groups  |
        | widgetapp_admin --groups |

  Rule: Wrong usage is answered with one helpful line

    Scenario Outline: "<command>" is not understood
      When the administrator runs "<command>"
      Then the command ends with code 2 and tells about "<what>"
      And there is 1 process "_sfe"

      Examples:
        | command                                  | what       |
        | widgetapp_admin -statu                   | -statu     |
        | widgetapp_admin -process _sfd -restart   | _sfe       |
        | widgetapp_admin -restart                 | --process  |
        | widgetapp_admin                          | Usage      |

    Scenario Outline: "<command>" cannot be done
      When the administrator runs "<command>"
      Then the command ends with code 1 and the one line "<what>"

      Examples:
        | command                                       | what |
        | widgetapp_admin -process _sfe -id 7 -restart  | 7    |
        | widgetapp_admin -group painters -withdraw     | painters |

    Scenario: There is no server
      When the server is killed
      And the administrator runs "widgetapp_admin -status"
      Then the command ends with code 3 and the one line "no server runs"

  Rule: Two servers never share their data

    Scenario: A second server on the same data
      When the administrator starts a second server on the same data
      Then the command ends with code 1 and the one line "another server uses the data directory"
      And there is 1 process "_sfe"

  Rule: A wrong setting is named

    Scenario Outline: The setting "<setting>"
      When the administrator starts another server with the setting "<setting>"
      Then the command ends with code 1 and the one line "<what>"

      Examples:
        | setting                                   | what                      |
        | [sfe] instance = 2                        | instance                  |
        | [sfe] instances = 0                       | sfe.instances             |
        | [server] listen = 'localhost'             | server.listen             |
        | [oauth] access_token_seconds = 'long'     | access_token_seconds      |
        | [log] durability = 'maybe'                | durability                |

    Scenario Outline: The option "<option>"
      When the administrator starts another server with the option "<option>"
      Then the command ends with code <code> and tells about "<what>"

      Examples:
        | option            | code | what          |
        | --listen nowhere  | 1    | server.listen |
        | --lisen 127.0.0.1 | 2    | --lisen       |
        | --tls-cert a.pem  | 2    | --tls-key     |
