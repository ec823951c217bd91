Feature: What people may see
  Everybody sees only what they are permitted to see, and has nothing to do for it.
  Ada owns the Thing "Welcome". Grace may change it and Linus may look at it; all three belong to one
  organisation. Mallory belongs to another.

  Background:
    Given WidgetApp is running

  @claim:C20+1
  Rule: People find what is shared with them, and nothing else

    Scenario Outline: <person> searches, scrolls and selects what is shared
      Given <person> is logged in
      When <person> searches for "Welcome"
      Then <person> finds "Welcome"
      When <person> scrolls the home page
      Then <person> finds "Welcome"
      When <person> selects the Thing
      Then <person> is shown the Thing "Welcome" as its <role>

      Examples:
        | person | role   |
        | Ada    | owner  |
        | Grace  | editor |
        | Linus  | viewer |

    @claim:other-organisation+1
    Scenario: Somebody of another organisation finds nothing
      Given Mallory is logged in
      When Mallory searches for "Welcome"
      Then Mallory finds nothing
      When Mallory scrolls the home page
      Then Mallory finds nothing
      When Mallory selects the Thing
      Then Mallory is told that "there is no such Thing, or it is not shared with you"

    @claim:find-by-title+2
    Scenario: The beginning of a word is enough
      Given Ada is logged in
      When Ada searches for "welc"
      Then Ada finds "Welcome"
      When Ada searches for "nothing of that kind"
      Then Ada finds nothing

    @claim:find-by-title+2
    Scenario: Words inside a Thing are found as well
      Given Ada and Grace have the Thing open
      And Mallory is logged in
      When Grace writes "a tall window" into the notes
      Then within two seconds Ada finds "Welcome" by "wind"
      And within two seconds Ada finds "Welcome" by "lamp"
      When Mallory searches for "window"
      Then Mallory finds nothing

    @claim:new-thing-private+1
    Scenario: A new Thing belongs to the person who made it until it is shared
      Given Ada and Grace are logged in
      When Ada creates the Thing "A secret lamp"
      And Ada searches for "secret"
      Then Ada finds "A secret lamp"
      When Grace searches for "secret"
      Then Grace finds nothing
      When Grace selects the Thing
      Then Grace is told that "there is no such Thing"

  @claim:role-viewer+1
  Rule: People who may only look cannot change anything

    Scenario: Linus only looks
      Given Ada and Grace have the Thing open
      And Linus is logged in
      When Linus tries to change the title to "Mine"
      Then Linus is told that "your role on this Thing does not allow that"
      When Ada adds the part "chair"
      Then Grace sees the part "chair"
      And Ada and Grace see the title "Welcome"
      And Ada and Grace have seen every change once and in order
      And Ada and Grace have never lost the connection

    @claim:other-organisation+1
    Scenario: Mallory tries to change what is not hers
      Given Ada and Grace have the Thing open
      And Mallory is logged in
      When Mallory tries to change the title to "Mine"
      Then Mallory is told that "there is no such Thing"
      When Ada adds the part "chair"
      Then Grace sees the part "chair"
      And Ada and Grace see the title "Welcome"

  @claim:role-editor+1
  Rule: People who may change a Thing cannot delete it

    Scenario: Grace is an editor
      Given Ada and Grace have the Thing open
      When Grace changes the title to "By an editor"
      Then Ada sees the title "By an editor"
      When Grace tries to delete the Thing
      Then Grace is told that "your role on this Thing does not allow that"

  @claim:role-owner+1
  Rule: The owner of a Thing can delete it

    Scenario: Ada deletes her Thing
      Given Ada and Grace have the Thing open
      When Ada deletes the Thing
      Then Grace is shown that Ada has deleted the Thing
      When Grace searches for "Welcome"
      Then Grace finds nothing
      When Grace selects the Thing
      Then Grace is told that "there is no such Thing"
