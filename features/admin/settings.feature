Feature: Settings
  A setting stands in a file, in a variable of the environment or on the command line.

  @claim:settings-order+2
  Rule: Variables go before the file, and options before both

    Scenario: The file alone
      Given WidgetApp is running with these settings:
        """
        [sfe]
        min_instances = 2
        """
      Then there are 2 processes "_sfe"

    Scenario: The file where the server is started
      Given WidgetApp is running
      When the server is stopped, and started again where there is a "widgetapp.toml":
        """
        [sfe]
        min_instances = 2
        """
      Then there are 2 processes "_sfe"

    Scenario: A variable goes before the file
      Given WidgetApp is running with the variable "WIDGETAPP_SFE__MIN_INSTANCES=3" and these settings:
        """
        [sfe]
        min_instances = 2
        """
      Then there are 3 processes "_sfe"

    Scenario: The option --data goes before the variable
      Given WidgetApp is running with the variable "WIDGETAPP_SERVER__DATA=/nowhere"
      Then the data directory has the file "store.db"

  @claim:more-processes+2
  Rule: The settings say how many front ends and stream processes run

    Scenario: Two front ends with two stream processes each
      Given WidgetApp is running with these settings:
        """
        [sfe]
        min_instances = 2
        streams_per_instance = 2
        """
      Then there are 2 processes "_sfe"
      And there are 4 processes "_stream"

  @claim:stream-own-clients+1
  Rule: With several stream processes, one that ends takes only its own connections along

    Scenario: One of two is killed
      Given WidgetApp is running with these settings:
        """
        [sfe]
        streams_per_instance = 2
        """
      And "one" streams as Ada
      And "two" streams as Grace
      When the _stream of "one" is killed
      Then the connection of "one" is broken
      And the connection of "two" is still good

  @claim:login-hours+1
  Rule: The administrator says how long a login lasts

    Scenario: An hour
      Given WidgetApp is running with these settings:
        """
        [http]
        login_seconds = 3600
        """
      Then the login of Ada lasts 1 hour

  @claim:settings-wrong+1
  Rule: A wrong setting is named

    Scenario Outline: The setting "<setting>"
      When the administrator starts another server with the setting "<setting>"
      Then the command ends with code 1 and the one line "<what>"

      Examples:
        | setting                                   | what                      |
        | [sfe] instance = 2                        | instance                  |
        | [sfe] min_instances = 0                   | sfe.min_instances         |
        | [server] listen = 'localhost'             | server.listen             |
        | [oauth] access_token_seconds = 'long'     | expected a whole number from 0 on |
        | [log] durability = 'maybe'                | expected one of: fsync, os |
        | [http] guides = '/nowhere'                | http.guides: there is no folder /nowhere |

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

  @claim:log+1
  Rule: The log goes to standard error, and can be made longer or shorter

    Scenario Outline: RUST_LOG=<level>
      Given WidgetApp is running with the variable "RUST_LOG=<level>"
      When the _stream is killed
      Then another _stream takes its place
      And the server's log is <length>

      Examples:
        | level          | length    |
        | widgetapp=warn | not empty |
        | off            | empty     |

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

  @claim:config-check+1
  Rule: Settings can be checked before the server is started with them

    Scenario: They are good
      Given WidgetApp is running
      And the administrator has a "my.toml":
        """
        [sfe]
        min_instances = 2
        """
      When the administrator runs "widgetapp config check --config my.toml --listen 127.0.0.1:0"
      Then it ends with code 0
      And the command prints:
        """
        the settings are good; read from my.toml, --listen
        server.listen = ["127.0.0.1:0"]
        sfe.min_instances = 2
        """

    Scenario: Nothing is set
      Given WidgetApp is running
      When the administrator runs "widgetapp config check"
      Then it ends with code 0
      And the command prints:
        """
        the settings are good: nothing is set
        """

    Scenario Outline: <what>
      Given WidgetApp is running
      And the administrator has a "widgetapp.toml":
        """
        [server]
        <line>
        """
      When the administrator runs "widgetapp config check"
      Then the command ends with code 1 and the one line "<told>"

      Examples:
        | what                        | line                  | told                                     |
        | A key that does not exist   | lisen = "127.0.0.1:0" | widgetapp.toml: unknown key server.lisen |
        | A value that makes no sense | listen = "localhost"  | server.listen                            |

    Scenario: The certificate is not there
      Given WidgetApp is running
      When the administrator runs "widgetapp config check --tls-cert absent.pem --tls-key absent.pem"
      Then the command ends with code 1 and the one line "cannot read the certificate absent.pem"

    @claim:config-warns+1
    Scenario: They are risky
      Given WidgetApp is running
      When the administrator runs "widgetapp config check --listen 0.0.0.0:8080"
      Then the command succeeds and says "warning: server.listen: 0.0.0.0:8080 can be reached from other machines"
      And the command succeeds and says "warning: server.demo: "

    @claim:config-warns+1
    Scenario Outline: Risky: <what>
      Given WidgetApp is running
      And the administrator has a "widgetapp.toml":
        """
        [<section>]
        <line>
        """
      When the administrator runs "widgetapp config check"
      Then the command succeeds and says "warning: <told>"

      Examples:
        | what                             | section | line                          | told                                         |
        | The figures are there for all    | metrics | listen = "0.0.0.0:9090"       | metrics.listen: 0.0.0.0:9090 can be reached  |
        | Everybody is taken for a proxy   | server  | trusted_proxies = "0.0.0.0/0" | server.trusted_proxies: 0.0.0.0/0 is everybody |
