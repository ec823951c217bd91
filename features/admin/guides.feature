Feature: The guides on the server
  WidgetApp can show its own guides, so that people try out in the page what they read.

  @claim:guides-served+1
  Rule: They are shown if the server is told where they are

    Scenario: With the option
      Given WidgetApp is running and shows the guides
      When someone who is not logged in asks for "/guide/user/start.html"
      Then the answer is 200
      And the answer's header "content-type" is "text/html"

    Scenario: Without it
      Given WidgetApp is running
      When someone who is not logged in asks for "/guide/user/start.html"
      Then the answer is 404 with the code 119 "not_found"

    Scenario: Nothing beside them
      Given WidgetApp is running and shows the guides
      When someone who is not logged in asks for "/guide/%2e%2e/%2e%2e/etc/hostname"
      Then the answer is 404 with the code 119 "not_found"

  @claim:guides-confined+1
  Rule: In a browser they may do what they need, and nothing else may do it

    Scenario: A page of the guides
      Given WidgetApp is running and shows the guides
      When someone who is not logged in asks for "/guide/user/start.html"
      Then the answer's header "content-security-policy" contains "script-src 'self' 'sha256-"
      And the answer's header "content-security-policy" contains "frame-ancestors 'none'"

    Scenario: The page of a Thing may be shown in the guides
      Given WidgetApp is running and shows the guides
      When Ada asks for the page "/things/THING"
      Then the answer's header "content-security-policy" contains "frame-ancestors 'self'"
      And the answer's header "x-frame-options" is "SAMEORIGIN"

    Scenario: Without the guides nowhere
      Given WidgetApp is running
      When Ada asks for the page "/things/THING"
      Then the answer's header "content-security-policy" contains "frame-ancestors 'none'"
      And the answer's header "x-frame-options" is "DENY"

    Scenario Outline: <page> is shown in no other page
      Given WidgetApp is running and shows the guides
      When Ada asks for the page "<page>"
      Then the answer's header "content-security-policy" contains "frame-ancestors 'none'"
      And the answer's header "x-frame-options" is "DENY"

      Examples:
        | page                  |
        | /                     |
        | /login                |
        | /account/applications |
        | /oauth/authorize      |
        | /admin                |
