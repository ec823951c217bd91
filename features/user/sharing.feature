Feature: Sharing a Thing
  Whoever owns a Thing invites others of the same organisation to it: one by one, or a whole group. They learn of
  it at once, and whatever they may do follows at once, also while they have the Thing open.
  Ada owns the Thing "Welcome". Grace may change it and Linus may look at it; Mallory is of another organisation.

  Background:
    Given WidgetApp is running

  @claim:C19+3
  Rule: The owner invites people to a Thing

    Scenario: Grace is invited to a Thing that Ada has just made
      Given Ada and Grace have the Thing open
      When Ada creates the Thing "A new lamp"
      And Ada invites Grace as editor
      Then Grace is told on her connection that Ada has invited her to "A new lamp" as editor
      When Grace opens the Thing
      And Grace changes the title to "Our lamp"
      Then Grace sees the title "Our lamp"

    @claim:invite-group+1
    Scenario: A whole group, and whoever joins it later
      Given Ada is logged in
      And Linus is logged in
      When Ada creates the Thing "For everybody"
      And Ada invites the group "reviewers" as viewer
      And Linus searches for "everybody"
      Then Linus finds "For everybody"
      Given Grace is logged in
      When Grace searches for "everybody"
      Then Grace finds nothing
      When the administrator runs "widgetapp_admin -group reviewers -add-member grace"
      And Grace searches for "everybody"
      Then Grace finds "For everybody"

  @claim:invite-owner-only+1
  Rule: Only an owner invites

    Scenario: An editor tries
      Given Ada and Grace have the Thing open
      When Grace tries to invite Linus as editor
      Then Grace is told that "your role on this Thing does not allow that"

  @claim:invite-organisation+1
  Rule: Only people and groups of the own organisation can be invited

    Scenario Outline: Ada tries to invite <whom>
      Given Ada is logged in
      When Ada tries to invite <whom> as viewer
      Then Ada is told that "there is no such user or group in your organisation"

      Examples:
        | whom                |
        | Mallory             |
        | the group "spies"   |
        | the group "nobody"  |

  @claim:role-follows+1
  Rule: What somebody may do follows at once, while they have the Thing open

    Scenario: Grace may only look from now on
      Given Ada and Grace have the Thing open
      When Ada invites Grace as viewer
      Then Grace is told that she is a viewer now
      When Grace tries to change the title to "Mine"
      Then Grace is told that "your role on this Thing does not allow that"
      When Ada changes the title to "Still to be seen"
      Then Grace sees the title "Still to be seen"
      And Grace has never lost the connection

    @claim:share-ended+1
    Scenario: Grace is uninvited
      Given Ada and Grace have the Thing open
      When Ada uninvites Grace
      Then Grace is told that her access has ended
      When Ada changes the title to "Without her"
      And Ada changes the title to "Also without her"
      Then Grace has heard nothing of the Thing since
      When Grace tries to change the title to "Mine"
      Then Grace is told that "there is no such Thing"
      When Grace searches for "Welcome"
      Then Grace finds nothing
      And Grace has never lost the connection

  @claim:last-owner+1
  Rule: A Thing keeps an owner

    Scenario: Ada is the only one
      Given Ada is logged in
      When Ada tries to uninvite Ada
      Then Ada is told that "a Thing keeps at least one owner"
      When Ada tries to invite Ada as editor
      Then Ada is told that "a Thing keeps at least one owner"
      When Ada invites Grace as owner
      And Ada uninvites Ada
      And Ada searches for "Welcome"
      Then Ada finds nothing

  @claim:invite-seen+1
  Rule: Whoever has the Thing open sees who is invited

    Scenario: Grace sees that Linus may edit now
      Given Ada and Grace have the Thing open
      When Ada invites Linus as editor
      Then Grace is shown that Ada has made linus editor

    Scenario: Grace reads it on her page
      Given Ada and Grace have the Thing open in their browsers
      When Ada shares the Thing with "linus" as editor
      Then the page of Grace says "ada shares it with linus now: editor."
      When Ada shares the Thing with "linus" no more
      Then the page of Grace says "ada shares it with linus no more."
      And the page of Ada does not say "ada shares it"
      When Ada shares the Thing with "grace" as owner
      Then the page of Grace says "ada shares it with you now: owner."

  @claim:logout-ends-live+2
  Rule: Logging out ends the live editing that this login has begun

    Scenario: Ada logs out in her browser
      Given the browser of Ada streams with her login
      When Ada logs out in that browser
      Then the connection of "browser" is closed with 4500

    Scenario: Ada logs out in another window
      Given Ada and Grace have the Thing open in their browsers
      When Ada logs out in another window
      Then the page of Ada says "You have logged out, or have a new password. Log in again."
      And Ada cannot type into the notes
      When Ada logs in by the link of the page
      And Ada types "Here again" at the end of the notes
      Then Grace finds "Here again" in the notes
