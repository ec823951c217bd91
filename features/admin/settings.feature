Feature: Settings
  A setting stands in a file, in a variable of the environment or on the command line.

  @claim:settings-order+1
  Rule: Variables go before the file, and options before both

    Scenario: The file alone
      Given WidgetApp is running with these settings:
        """
        [sfe]
        instances = 2
        """
      Then there are 2 processes "_sfe"

    Scenario: A variable goes before the file
      Given WidgetApp is running with the variable "WIDGETAPP_SFE__INSTANCES=3" and these settings:
        """
        [sfe]
        instances = 2
        """
      Then there are 3 processes "_sfe"

    Scenario: The option --data goes before the variable
      Given WidgetApp is running with the variable "WIDGETAPP_SERVER__DATA=/nowhere"
      Then the data directory has the file "store.db"

  @claim:more-processes+1
  Rule: The settings say how many front ends and stream processes run

    Scenario: Two front ends with two stream processes each
      Given WidgetApp is running with these settings:
        """
        [sfe]
        instances = 2
        streams_per_instance = 2
        """
      Then there are 2 processes "_sfe"
      And there are 4 processes "_stream"

  @claim:settings-wrong+1
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

    Scenario: A variable that names no setting
      When the administrator starts another server with the variable "WIDGETAPP_SERVER__LISTN=127.0.0.1:0"
      Then the command ends with code 1 and the one line "WIDGETAPP_SERVER__LISTN"

  @claim:proxy-believed+1
  Rule: Only a proxy that is named is believed about where people are

    Scenario: A proxy that is named
      Given WidgetApp is running with these settings:
        """
        [server]
        trusted_proxies = ["127.0.0.1"]
        """
      When somebody at "198.51.100.7" tries 10 wrong passwords for Ada
      Then Grace has to wait at "198.51.100.7"
      And Grace can log in at "198.51.100.8"

    Scenario: Anyone else
      Given WidgetApp is running
      When somebody at "198.51.100.7" tries 10 wrong passwords for Ada
      Then Grace has to wait at "198.51.100.8"

  @claim:public-address+1
  Rule: The public address is the one that WidgetApp's pages have

    Scenario Outline: A page of <site>
      Given WidgetApp is running with these settings:
        """
        [server]
        public_url = "https://www.widgetapp.com"
        """
      When a page of "<site>" asks for a stream with the login of Ada
      Then the answer is <status>

      Examples:
        | site                      | status |
        | https://www.widgetapp.com | 101    |
        | https://www.example.com   | 403    |
