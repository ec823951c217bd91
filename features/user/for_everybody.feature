Feature: Pages for everybody
  Some people do not see the screen, some see it badly, some use no mouse, and some have but a phone.

  Background:
    Given WidgetApp is running

  @claim:no-hindrance+1
  Rule: The pages have none of the faults that axe finds

    Scenario: The login page
      Given Ada has the login page open in her browser
      Then axe finds nothing wrong with the page of Ada, light or dark, on a desk or on a phone
      When Ada types "ada" into "Name"
      And Ada types "not hers" into "Password"
      And Ada presses "Log in"
      Then the page of Ada says "Sorry"
      And axe finds nothing wrong with the page of Ada, light or dark, on a desk or on a phone

    Scenario: The home page
      Given Ada has the home page open in her browser
      Then axe finds nothing wrong with the page of Ada, light or dark, on a desk or on a phone
      When Ada presses "Delete “Welcome”"
      Then axe finds nothing wrong with the page of Ada, light or dark, on a desk or on a phone
      When Ada presses "Cancel"
      And Ada presses "Rename “Welcome”"
      Then axe finds nothing wrong with the page of Ada, light or dark, on a desk or on a phone

    Scenario: The editor
      Given Ada and Grace have the Thing open in their browsers
      When Grace points at "A lamp"
      And Ada chooses "A table"
      Then Ada sees the cursor of Grace at "A lamp"
      And axe finds nothing wrong with the page of Ada, light or dark, on a desk or on a phone
      When Ada presses "Share"
      Then axe finds nothing wrong with the page of Ada, light or dark, on a desk or on a phone
      When Ada presses "Close"
      And Ada presses "History"
      Then the page of Ada says "ada made this Thing"
      And axe finds nothing wrong with the page of Ada, light or dark, on a desk or on a phone
      When Ada presses "Close"
      And Ada presses "Delete this Thing"
      Then axe finds nothing wrong with the page of Ada, light or dark, on a desk or on a phone

    Scenario: The editor of somebody who works alone
      Given Linus has the Thing open in his browser
      Then the page of Linus says "Live editing is off"
      And axe finds nothing wrong with the page of Linus, light or dark, on a desk or on a phone

    Scenario: A Thing that is not there
      When Ada goes to "/things/nowhere" in her browser
      Then the page of Ada says "No such Thing"
      And axe finds nothing wrong with the page of Ada, light or dark, on a desk or on a phone

    Scenario: The question of an application
      Given the application "planner" is registered for "stream things:read"
      When "planner" sends Ada here in her browser, for "stream things:read"
      Then the page of Ada says "May planner work as you?"
      And axe finds nothing wrong with the page of Ada, light or dark, on a desk or on a phone

    Scenario: The applications that work for somebody
      Given the application "planner" is registered for "things:read"
      And Ada has allowed "planner" "things:read"
      When Ada goes to "/account/applications" in her browser
      Then axe finds nothing wrong with the page of Ada, light or dark, on a desk or on a phone

  @claim:small-pages+1
  Rule: The pages are small

    Scenario: What the editor loads
      Given Ada has the Thing open in her browser
      Then the page of Ada has loaded less than 200 KB
