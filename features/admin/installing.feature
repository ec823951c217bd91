Feature: Installing and starting
  One program is all that an installation needs.

  @claim:needs-nothing+1
  Rule: The server starts on an empty directory, with nothing else installed

    @claim:says-where+2
    Scenario: A first start
      Given WidgetApp is running with the option "--listen 127.0.0.1:0"
      Then it has said on one line where it listens
      And it answers "ok" at "/healthz"
      And the data directory has the files "store.db, log.db, admin.sock"

  @claim:health+2
  Rule: Two addresses tell whether the server is well

    Scenario: Alive and ready
      Given WidgetApp is running
      Then it answers "ok" at "/healthz"
      And it answers "ready" at "/readyz"

  @claim:several-addresses+1
  Rule: The server can listen at several addresses

    Scenario: Two addresses
      Given WidgetApp is running at two addresses
      Then it has said on a line for each where it listens
      And it answers at both

  @claim:port-in-use+1
  Rule: A port that is in use is told

    Scenario: Another program has the port
      Given WidgetApp is running
      When the administrator starts a second server at the same address, on new data
      Then the command ends with code 1 and the one line "cannot listen on"

  @claim:data-owner-only+1
  Rule: What the server stores is for its own account

    Scenario: The directory that the server makes
      Given WidgetApp is running
      When the administrator starts a second server at the same address, on new data
      Then nobody but the owner can enter the data directory that it made

    Scenario Outline: The file <file>
      Given WidgetApp is running
      Then nobody but the owner can read "<file>"

      Examples:
        | file       |
        | store.db   |
        | log.db     |
        | log.db-wal |
        | demo.json  |
        | admin.sock |

  @claim:demo+1
  Rule: The first start on an empty directory sets up a demonstration

    Scenario: The demonstration
      Given WidgetApp is running
      When the administrator runs "widgetapp_admin -groups"
      Then the command succeeds and says "designers  acme    approved"
      And the password of Ada stands in no file but "demo.json"
      And the home page lists "Welcome" for Ada

    Scenario: The demonstration is set up once
      Given WidgetApp is running
      And Ada is logged in
      When the server is stopped and started again
      And Ada searches for "Welcome"
      Then Ada finds "Welcome"

  @claim:no-demo+1
  Rule: Without the demonstration an installation begins empty

    Scenario: With --no-demo
      Given WidgetApp is running with the option "--no-demo"
      Then the data directory has no file "demo.json"
      When the administrator runs "widgetapp_admin -groups"
      Then the command succeeds and prints nothing

  @claim:version+1 @claim:versions+1
  Rule: The programs tell their release

    Scenario: widgetapp_admin tells it
      Given WidgetApp is running
      When the administrator runs "widgetapp_admin -version"
      Then the command succeeds and says "1.1.0"

  @claim:cookie-secure+2
  Rule: Away from this machine people log in over HTTPS only

    Scenario: On this machine alone
      Given WidgetApp is running
      Then the login cookie of Ada works over plain HTTP

    Scenario: At all addresses
      Given WidgetApp is running with the options "--listen 0.0.0.0:0"
      Then the login cookie of Ada is for HTTPS only

    Scenario: Behind a proxy with a public address
      Given WidgetApp is running with these settings:
        """
        [server]
        public_url = "https://www.widgetapp.com"
        """
      Then the login cookie of Ada is for HTTPS only

  @claim:tls+1
  Rule: With a certificate the server speaks TLS

    Scenario: Everything is encrypted
      Given WidgetApp is running with a certificate
      Then it answers over HTTPS, and not over plain HTTP

    Scenario: Working together over TLS
      Given WidgetApp is running with a certificate
      And Ada and Grace have the Thing open
      When the _sfe is killed
      And Ada changes the title to "Encrypted"
      Then Grace sees the title "Encrypted"
      And Ada and Grace have never lost the connection

    @claim:tls-wfe+1
    Scenario: WFE ends, and over TLS the streams with it
      Given WidgetApp is running with a certificate
      And Ada and Grace have the Thing open
      When the _wfe is killed
      And Ada changes the title to "Encrypted again"
      Then Grace sees the title "Encrypted again"
      And Ada and Grace have come back without anything missed

    @claim:tls-wrong-file+1
    Scenario: A certificate that is not there
      When the administrator starts another server with the option "--tls-cert absent.pem --tls-key absent.pem"
      Then the command ends with code 1 and the one line "absent.pem"
