Feature: One decision for every door
  Whichever way somebody comes, the same function decides, by the same facts.

  Background:
    Given WidgetApp is running

  @claim:one-decision+1
  Rule: The same person gets the same answer at every door

    Scenario Outline: Changing the Thing, as <person>
      Given <person> is logged in
      And the administrator has run "widgetapp_admin -group reviewers -approve"
      When the door of the stream is tried by <person> with an edit
      Then <person> is told that "<answer>"
      When <person> tries to change the title to "Mine"
      Then <person> is told that "<answer>"
      When the old program of <person> replaces the notes by "Mine"
      Then the answer is <status> with the code <code> "<name>"

      Examples:
        | person  | answer                                      | status | code | name            |
        | Linus   | your role on this Thing does not allow that | 403    | 201  | forbidden       |
        | Mallory | there is no such Thing                      | 404    | 200  | thing_not_found |

  @claim:tenants-alike+1
  Rule: A Thing of another organisation answers as one that does not exist

    Scenario Outline: Mallory asks for <action>
      Given Mallory is logged in
      When Mallory asks for <action> of the Thing, and of one that does not exist
      Then both answers are the same

      Examples:
        | action   |
        | select   |
        | refresh  |
        | edit     |
        | invite   |
        | uninvite |
        | delete   |
