Feature: A proxy in front
  Somebody else may take the connections from the internet and pass them on to WidgetApp.

  @claim:proxy-believed+2
  Rule: Only a proxy that is named is believed about where people are

    Scenario Outline: <named> is named
      Given WidgetApp is running with these settings:
        """
        [server]
        trusted_proxies = ["<named>"]
        """
      When somebody at "198.51.100.7" tries 10 wrong passwords for Ada
      Then Grace has to wait at "198.51.100.7"
      And Grace can log in at "198.51.100.8"

      Examples:
        | named         |
        | 127.0.0.1     |
        | 127.0.0.0/8   |

    Scenario: Anyone else
      Given WidgetApp is running
      When somebody at "198.51.100.7" tries 10 wrong passwords for Ada
      Then Grace has to wait at "198.51.100.8"

    Scenario: What is no address
      When the administrator starts another server with the variable "WIDGETAPP_SERVER__TRUSTED_PROXIES=cloudflare"
      Then the command ends with code 1 and the one line "cloudflare"

  @claim:proxy-headers+1
  Rule: Each proxy's own header is understood

    Scenario Outline: Where <header> says
      Given WidgetApp is running with these settings:
        """
        [server]
        trusted_proxies = ["127.0.0.1"]
        """
      When a proxy says "<header>: <seven>" while somebody tries 10 wrong passwords for Ada
      Then Grace has to wait where a proxy says "<header>: <seven>"
      And Grace can log in where a proxy says "<header>: <eight>"

      Examples:
        | header           | seven                      | eight                      |
        | CF-Connecting-IP | 198.51.100.7               | 198.51.100.8               |
        | Forwarded        | for=198.51.100.7;proto=http | for=198.51.100.8;proto=http |
        | X-Forwarded-For  | 203.0.113.1, 198.51.100.7  | 203.0.113.1, 198.51.100.8  |

  @claim:behind-nginx+1 @claim:proxy-believed+2 @claim:C47+1
  Rule: Behind nginx, set up as the guide shows, everything works over TLS

    Scenario: Streaming
      Given WidgetApp is running behind nginx
      And Ada and Grace have the Thing open
      When Grace writes "Through the proxy" into the notes
      Then Ada reads "Through the proxy" in the notes

    Scenario: The login is for HTTPS alone
      Given WidgetApp is running behind nginx
      Then the login cookie of Ada is for HTTPS only

    Scenario: Nobody can pretend to come from elsewhere
      Given WidgetApp is running behind nginx
      When somebody at "198.51.100.7" tries 10 wrong passwords for Ada
      Then Grace has to wait at "198.51.100.8"

    Scenario: A stream keeps the name that nginx gave it
      Given WidgetApp is running behind nginx
      When a program streams, and ends its stream
      Then WidgetApp's log names the stream as nginx's log does

  @claim:proxy-patience+1
  Rule: Pings keep a quiet stream open

    Scenario: nginx closes what is silent for a second, and pings come more often
      Given WidgetApp is running behind nginx, with a ping every 300 ms
      And nginx closes what is silent for 1 second
      When a program streams and says nothing
      Then it has been pinged 8 times, and its stream is open

    Scenario: The same with pings that come too late
      Given WidgetApp is running behind nginx, with a ping every 60000 ms
      And nginx closes what is silent for 1 second
      When a program streams and says nothing
      Then nginx closes its stream
