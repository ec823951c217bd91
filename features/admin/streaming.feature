Feature: What streaming adds
  Release 1.1 adds the Streaming API and the Streaming Front End (SFE). WFE does what it did before.

  Background:
    Given WidgetApp is running

  @claim:C01+1
  Rule: With streaming, several people work on one Thing at once

    Scenario: Two people at work
      Given Ada and Grace have the Thing open
      When Ada changes the title to "Together"
      And Grace adds the part "chair"
      Then Ada and Grace see the title "Together"
      And Ada and Grace see the part "chair"

  @claim:C02+1
  Rule: The Streaming API takes connections of other systems, and an SFE runs their sessions

    Scenario: An external system is told who it is and which processes serve it
      Given "monitor" streams as the external system
      Then "monitor" receives:
        """
        {"port": 0, "name": "welcome", "body": {"user": "demo-external-system", "sfe": "1", "stream": "1.1"}}
        """

  @claim:C03+1
  Rule: A stream is a WebSocket

    @claim:C26+1
    Scenario: At /_stream a connection becomes a WebSocket
      When somebody asks for a stream with "Authorization"
      Then the answer is 101
      And the answer's header "Upgrade" contains "websocket"

    Scenario: Anything else is refused
      When somebody asks for a stream with "plain HTTP"
      Then the answer is 426 with the code 112 "not_an_upgrade"

  @claim:C04+1
  Rule: Several services share one WebSocket

    Scenario: The session and the user actions on one connection
      Given "monitor" streams as the external system
      When "monitor" sends:
        """
        {"port": 0, "name": "ping", "id": 1}
        {"port": 200, "name": "widgetApp_useraction_search", "id": 2, "body": {"q": "welcome"}}
        {"port": 0, "name": "ping", "id": 3}
        {"port": 200, "name": "widgetApp_useraction_scroll", "id": 4}
        """
      Then "monitor" has a reply to each of 1, 2, 3 and 4

  @claim:C27+1 @claim:sapi-purpose+1
  Rule: External systems hear of user actions on port 200, inside the stream

    @claim:C28+1
    Scenario Outline: The user action <action>
      Given "listener" streams as Grace
      And "listener" opens the Thing
      And "actor" streams as Ada
      When "actor" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_<action>", "id": 9, "thing": "THING", "body": <body>}
        """
      Then "listener" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_<action>", "thing": "THING", "body": {"user": "ada"}}
        """

      Examples:
        | action  | body                                                                       |
        | refresh | {}                                                                         |
        | edit    | {"key": "k", "patch": [{"op":"replace","path":"/meta/title","value":"A"}]} |

  @claim:C05+1
  Rule: People log in at WFE as before

    Scenario: Logging in needs no SFE
      When the _sfe is halted
      Then the home page lists "Welcome" for Ada

  @claim:C09+1 @claim:before-streaming+1 @claim:auth-before+1
  Rule: WFE serves existing programs as before

    Scenario: A program written for release 1.0 needs no SFE, token or approval
      When the _sfe is halted
      And the old program of Linus reads the Thing
      Then the answer is 200 and like:
        """
        {"title": "Welcome"}
        """

  @claim:C10+1
  Rule: WFE hands an authorised stream over to an SFE

    Scenario: The stream goes on without the WFE that let it in
      Given "monitor" streams as the external system
      When the _wfe is killed
      Then another _wfe takes its place
      And the connection of "monitor" is still good

    Scenario: A connection that is refused never reaches an SFE
      When the _sfe is halted
      And somebody asks for a stream with "a made-up token"
      Then the answer is 401 with the code 105 "invalid_token"

  @claim:C11+1
  Rule: An SFE holds to the same rights as WFE

    Scenario: What WFE shows, SFE shows
      Given "program" streams as Grace
      When GET _ajax/search is called as Grace with:
        """
        {"q": "welcome"}
        """
      And "program" does search with the same body
      Then both results are alike

    Scenario: What WFE refuses, SFE refuses
      Given "program" streams as Grace
      When POST _ajax/delete is called as Grace with:
        """
        {"thing": "THING"}
        """
      And "program" does delete with the same body
      Then both are refused with 403 and the code 201

  @claim:C12+1
  Rule: User actions are calls to _ajax/ endpoints

    Scenario Outline: <action> as a call
      When GET _ajax/<action> is called as Ada with:
        """
        <body>
        """
      Then the answer is 200 and like:
        """
        {"things": [{"title": "Welcome", "role": "owner"}]}
        """

      Examples:
        | action | body             |
        | search | {"q": "welcome"} |
        | scroll | {"limit": 5}     |

  @claim:C13+1
  Rule: Streaming has processes of its own, beside WFE

    Scenario: One _sfe and one _stream more
      Then there is 1 process "_wfe"
      And there is 1 process "_sfe"
      And there is 1 process "_stream"
