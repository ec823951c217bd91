Feature: Two front ends
  WFE answers HTTP: pages, logins, existing programs. SFE runs the live sessions beside it. A request for a
  stream reaches WFE first; whoever may stream is handed over to SFE, which takes four steps with it.

  @claim:C35+1
  Rule: SFE works beside WFE, not in its place

    Scenario: Both are there after the start
      Given WidgetApp is running
      Then there is 1 process "_wfe"
      And there is 1 process "_sfe"

    Scenario: WFE goes on while no SFE works
      Given WidgetApp is running
      When the _sfe is halted
      And GET _ajax/search is called as Ada with:
        """
        {"q": "welcome"}
        """
      Then the answer is 200 and like:
        """
        {"things": [{"thing": "THING", "title": "Welcome"}]}
        """

  @claim:C36+1
  Rule: SFE passes changes on between those who were let in

    Scenario: What one does, the other sees
      Given WidgetApp is running
      And "writer" streams as Ada
      And "reader" streams as Grace
      Then "reader" receives:
        """
        {"port": 0, "name": "welcome", "body": {"sfe": "1"}}
        """
      When "reader" opens the Thing
      And "writer" edits the title
      Then "reader" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "offset": OFFSET+1, "body": {"user": "ada"}}
        """

    Scenario: Without SFE nobody sees it
      Given WidgetApp is running
      And "reader" streams as Grace
      And "reader" opens the Thing
      When the _sfe is halted
      And POST _ajax/edit is called as Ada with:
        """
        {"thing": "THING", "key": "k", "patch": [{"op": "replace", "path": "/meta/title", "value": "Later"}]}
        """
      Then the answer is 200 and like:
        """
        {"offset": OFFSET+1}
        """
      And "reader" hears nothing for a while
      When the _sfe goes on
      Then "reader" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "offset": OFFSET+1, "body": {"user": "ada"}}
        """

  @claim:C47+1
  Rule: A request for a stream reaches WFE first, through a proxy where there is one

    Scenario: WFE answers those who may not stream by itself
      Given WidgetApp is running
      When the _sfe is halted
      And somebody asks for a stream with "a made-up token"
      Then the answer is 401 with the code 105 "invalid_token"

    Scenario: Through Cloudflare and WFE to SFE
      Given WidgetApp is running behind a proxy
      When a program at "198.51.100.7" streams through Cloudflare as the request "8f2-FRA"
      Then SFE knows the session by the address "198.51.100.7" and as the request "8f2-FRA"

  @claim:C48+1
  Rule: First step: SFE accepts the connection

    Scenario: A connection waits while its SFE is replaced
      Given WidgetApp is running
      When the _sfe is killed
      And somebody asks for a stream with "Authorization"
      Then the answer is 101

  @claim:refused-unavailable+1
  Rule: Nobody else accepts it

    Scenario: No SFE takes it for ten seconds
      Given WidgetApp is running
      When the _sfe is halted, and the supervisor that would replace it
      And somebody asks for a stream with "Authorization"
      Then the answer is 503 with the code 115 "unavailable"
      And the answer's header "Retry-After" is "1"

  @claim:C49+1
  Rule: Second step: the filter chain builds the request context

    Scenario: A proxy that the configuration names is believed
      Given WidgetApp is running behind a proxy
      When a program at "203.0.113.9" streams through Cloudflare as the request "9a1-AMS"
      Then SFE knows the session by the address "203.0.113.9" and as the request "9a1-AMS"

    Scenario: What anyone else says about addresses is ignored
      Given WidgetApp is running and tells of its sessions
      When a program at "203.0.113.9" streams through Cloudflare as the request "9a1-AMS"
      Then SFE knows the session by the address "127.0.0.1" and as a request of its own

    Scenario: The welcome says who the token makes the client
      Given WidgetApp is running
      And "monitor" streams as Grace
      Then "monitor" receives:
        """
        {"port": 0, "name": "welcome", "body": {"user": "grace", "organisation": "acme", "expires_at": "..."}}
        """

  @claim:C50+1 @claim:C51+1
  Rule: Third and fourth step: SFE splits the stream by service, and connects each part to its service

    Scenario: The session answers while the service of user actions is halted
      Given WidgetApp is running
      And "monitor" streams as Ada
      And "monitor" opens the Thing
      When the _wfe is halted
      And "monitor" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_search", "id": 4, "body": {"q": "welcome"}}
        {"port": 0, "name": "ping", "id": 2}
        {"port": 7, "name": "ping", "id": 3}
        """
      Then "monitor" receives:
        """
        {"port": 0, "name": "ping", "id": 2, "body": {}}
        """
      And "monitor" receives:
        """
        {"port": 7, "id": 3, "error": {"code": 102, "name": "unknown_port"}}
        """
      And "monitor" has no reply to 4
      When the _wfe goes on
      Then "monitor" receives:
        """
        {"port": 200, "id": 4, "body": {"things": [{"title": "Welcome"}]}}
        """
