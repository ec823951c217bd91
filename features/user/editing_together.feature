Feature: Editing a Thing together
  Several people of one organisation design a Thing at the same time.
  Ada and Grace are designers, and their group may work together live.

  Background:
    Given WidgetApp is running
    And Ada and Grace have the Thing open

  @claim:C24+1
  Rule: Everyone who has a Thing open sees each change as it is made

    @claim:C18+1 @claim:C23+2
    Scenario: Two people edit one Thing and see each other's changes
      When Ada changes the title to "Our plan"
      Then Grace sees the title "Our plan"
      When Grace adds the part "chair"
      Then Ada and Grace see the part "chair"
      And Ada and Grace have seen every change once and in order

    @claim:edit-order+1
    Scenario: Two people add something at the same moment
      When Ada adds the part "chair" and Grace adds the part "window", at the same moment
      Then Ada and Grace see the part "chair"
      And Ada and Grace see the part "window"
      And Ada and Grace have seen every change once and in order

    @claim:edit-author+1
    Scenario: A change bears the name of the person who made it
      When Ada adds the part "chair"
      Then Grace is shown that Ada changed it

    @claim:edit-latecomer+1
    Scenario: Whoever comes later sees what was done before
      When Ada adds the part "chair"
      And Grace opens the Thing
      Then Grace sees the part "chair"

    @claim:C18+1
    Scenario: A Thing that was just made is live as well
      When Ada creates the Thing "A lamp"
      And Ada opens the Thing
      And Ada changes the title to "A taller lamp"
      Then Ada sees the title "A taller lamp"

  @claim:typing-merges+1
  Rule: Two people who type into the notes at once both keep what they typed

    Scenario: One types at the beginning, the other at the end
      When Ada writes "a chair" into the notes
      And Ada types "We need " before "a chair" and Grace types " and a window." after it, at the same moment
      Then Ada and Grace read "We need a chair and a window." in the notes

  @claim:undo+1
  Rule: You undo your own changes, and go back to what was

    Scenario: Ada undoes what she did, and Grace's work stays
      When Ada adds the part "chair"
      And Grace adds the part "window"
      And Ada undoes her last change
      Then Ada and Grace see no part "chair"
      And Ada and Grace see the part "window"
      When Ada redoes it
      Then Ada and Grace see the part "chair"
      And Ada and Grace have seen every change once and in order

    Scenario: Ada looks who did what, and goes back
      When Ada changes the title to "Our plan"
      And Grace changes the title to "Another plan"
      And Ada looks at the history
      Then the history tells, the newest first: "grace edit", "ada edit", "ada create"
      When Ada goes back to her own change
      Then Ada and Grace see the title "Our plan"
      And Ada and Grace have seen every change once and in order

  @claim:edit-kept+1
  Rule: A change that was taken is kept, whatever happens to the server

    Scenario: The server is killed right after a change
      When Ada changes the title to "Kept"
      And the server is killed and started again
      And Grace adds the part "chair"
      Then Ada and Grace see the title "Kept"
      And Ada and Grace see the part "chair"
      And Ada and Grace have come back without anything missed
      And Ada and Grace have seen every change once and in order

    Scenario: The server is stopped for maintenance
      When Ada changes the title to "Kept"
      And the server is stopped and started again
      And Grace adds the part "chair"
      Then Ada and Grace see the title "Kept"
      And Ada and Grace see the part "chair"
      And Ada and Grace have seen every change once and in order

  @claim:breaks-heal+1
  Rule: A short break of the connection loses nothing

    Scenario: The connections break while people work
      When everyone's connection breaks
      And Ada changes the title to "Through the break"
      And Grace adds the part "chair"
      Then Ada and Grace see the title "Through the break"
      And Ada and Grace see the part "chair"
      And Ada and Grace have come back without anything missed
      And Ada and Grace have seen every change once and in order

  Rule: A program is told where the others look

    @claim:action-scroll-thing+1
    Scenario: Following someone through a Thing
      When Ada looks at the place "lamp" in the Thing
      Then Grace is shown that Ada looks at the place "lamp"

    @claim:action-select+2
    Scenario: Seeing that someone has chosen the same Thing
      When Ada selects the Thing
      Then Grace is shown that Ada has selected the Thing

    @claim:action-refresh+1
    Scenario: Seeing that someone has fetched the Thing anew
      When Ada refreshes the Thing
      Then Grace is shown that Ada has refreshed the Thing
