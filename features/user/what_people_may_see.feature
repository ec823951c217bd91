Feature: What people may see
  Everybody sees only what they are permitted to see, and has nothing to do for it.
  Ada owns the Thing "Welcome". Grace may change it and Linus may look at it; all three belong to one
  organisation. Mallory belongs to another.

  Background:
    Given WidgetApp is running

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

    Scenario: Somebody of another organisation finds nothing
      Given Mallory is logged in
      When Mallory searches for "Welcome"
      Then Mallory finds nothing
      When Mallory scrolls the home page
      Then Mallory finds nothing
      When Mallory selects the Thing
      Then Mallory is told that "there is no such Thing, or it is not shared with you"

    Scenario: A new Thing belongs to the person who made it until it is shared
      Given Ada and Grace are logged in
      When Ada creates the Thing "A secret lamp"
      And Ada searches for "secret"
      Then Ada finds "A secret lamp"
      When Grace searches for "secret"
      Then Grace finds nothing
      When Grace selects the Thing
      Then Grace is told that "there is no such Thing"

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

    Scenario: Mallory tries to change what is not hers
      Given Ada and Grace have the Thing open
      And Mallory is logged in
      When Mallory tries to change the title to "Mine"
      Then Mallory is told that "there is no such Thing"
      When Ada adds the part "chair"
      Then Grace sees the part "chair"
      And Ada and Grace see the title "Welcome"
