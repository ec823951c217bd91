Feature: Letting an application work for you
  An application of your organisation may work with your Things as you, if you allow it. "planner" is such an
  application; it runs on a site of its own.

  Background:
    Given WidgetApp is running

  @claim:consent-page+1
  Rule: A page asks you, and says who asks, whom, and for what

    Scenario: What Ada reads
      Given the application "planner" is registered for "stream things:read things:write"
      When "planner" asks Ada for "stream things:read"
      Then Ada is asked whether she allows "planner" that
      And the page says "You are logged in as ada of acme."
      And the page says "work with your Things live"
      And the page says "look at your Things"
      And the page does not say "create Things"
      And the page says "Your answer is sent to planner.example."

    Scenario: An application that was registered with a name
      Given the application "planner" is registered for "stream" as "Planning board"
      When "planner" asks Ada for "stream"
      Then the page says "May Planning board work as you?"
      And the page says "The application Planning board (planner) asks"

    Scenario: Who is not logged in logs in first
      Given the application "planner" is registered for "stream"
      When "planner" asks somebody who is not logged in for "stream"
      Then they are sent to the login

  @claim:consent-decide+1 @claim:oauth-consent+2
  Rule: An application gets nothing that you do not allow

    Scenario: Ada allows it
      Given the application "planner" is registered for "things:read"
      When "planner" asks Ada for "things:read"
      And she allows "planner" that
      Then her browser is sent back to "planner" with "code iss state"
      When "planner" exchanges its code
      Then the answer is 200 and like:
        """
        {"token_type": "Bearer", "scope": "things:read", "access_token": "...", "refresh_token": "..."}
        """
      When "planner" searches for "Welcome"
      Then the answer is 200 and like:
        """
        {"things": [{"title": "Welcome", "role": "owner"}]}
        """

    Scenario: Ada does not allow it
      Given the application "planner" is registered for "things:read"
      When "planner" asks Ada for "things:read"
      And she does not allow "planner" that
      Then "planner" is told "access_denied"

  @claim:consent-limits+1
  Rule: An application can do no more in your name than you can

    Scenario: Linus may look at the Thing, and so may the application
      Given the application "planner" is registered for "things:read"
      And Linus has allowed "planner" "things:read"
      When "planner" searches for "Welcome"
      Then the answer is 200 and like:
        """
        {"things": [{"title": "Welcome", "role": "viewer"}]}
        """

    Scenario: Allowed to look, it cannot change
      Given the application "planner" is registered for "things:read things:write"
      And Ada has allowed "planner" "things:read"
      When "planner" refreshes for "things:read things:write"
      Then the answer is 400 and like:
        """
        {"error": "invalid_scope"}
        """

  @claim:consent-remembered+1
  Rule: You are asked once, and again only if the application wants more

    Scenario: The same once more
      Given the application "planner" is registered for "stream things:read"
      And Ada has allowed "planner" "stream"
      When "planner" asks Ada for "stream"
      Then her browser is sent back to "planner" with "code iss state"

    Scenario: More than before
      Given the application "planner" is registered for "stream things:read"
      And Ada has allowed "planner" "stream"
      When "planner" asks Ada for "stream things:read"
      Then Ada is asked whether she allows "planner" that

    Scenario: What Ada has allowed, Grace has not
      Given the application "planner" is registered for "stream"
      And Ada has allowed "planner" "stream"
      When "planner" asks Grace for "stream"
      Then Grace is asked whether she allows "planner" that

  @claim:consent-computer+1
  Rule: For a program on your own computer you are asked each time, as others could use its name

    Scenario: The same program once more
      Given the application of the demonstration runs on the user's computer
      And Ada has allowed "demo-app" "stream"
      When "demo-app" asks Ada for "stream"
      Then Ada is asked whether she allows "demo-app" that
      And the page says "Your answer is sent to a program on this computer."

  @claim:consent-protected+1
  Rule: No other site can show the page in a frame, or answer it for you

    Scenario: In a frame
      Given the application "planner" is registered for "stream"
      When "planner" asks Ada for "stream"
      Then the answer's header "Content-Security-Policy" contains "frame-ancestors 'none'"
      And the answer's header "X-Frame-Options" is "DENY"

    Scenario: Answered by another site
      Given the application "planner" is registered for "stream"
      When "planner" asks Ada for "stream"
      And a page of "https://evil.example" sends her consent for "planner"
      Then the answer is 403 with the code 110 "origin_not_allowed"

  @claim:consent-withdraw+1
  Rule: You see on a page of your own which applications work for you, and end that there

    Scenario: Ada ends what she has allowed
      Given the application "planner" is registered for "stream things:read"
      And Ada has allowed "planner" "stream things:read"
      And "planner" streams with its access token as "live"
      When Ada looks at her applications
      Then the page says "planner"
      And the page says "look at your Things"
      And the page does not say "create Things"
      When Ada ends "planner" there
      Then the connection of "live" is closed with 4500 within a second
      And the access token of "planner" is worth nothing
      When "planner" refreshes
      Then the answer is 400
      When Ada looks at her applications
      Then the page does not say "planner"
      When "planner" asks Ada for "stream"
      Then Ada is asked whether she allows "planner" that

    Scenario: Another site cannot press the button
      Given the application "planner" is registered for "things:read"
      And Ada has allowed "planner" "things:read"
      When a page of "https://evil.example" ends "planner" for Ada
      Then the answer is 403 with the code 110 "origin_not_allowed"
      And the access token of "planner" is good

    Scenario: Nobody sees it without a login
      When someone who is not logged in asks for "/account/applications"
      Then they are sent to the login
