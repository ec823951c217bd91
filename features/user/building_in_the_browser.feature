Feature: Building a Thing in the browser
  Ada, Grace and Linus use WidgetApp in their browsers. Ada owns the Thing "Welcome", in which there are a table and a
  lamp; Grace may change it and Linus may look at it. The group of Linus is not approved for live editing.

  Background:
    Given WidgetApp is running

  @claim:browser-editor+1
  Rule: You open, draw and change a Thing in your browser

    Scenario: Ada draws a sofa
      Given Ada has the Thing open in her browser
      When Ada draws a box labelled "Sofa"
      And Ada drags "Sofa" across the canvas
      And Ada types "It is green." at the end of the notes
      Then the page of Ada says "Live, all saved"
      When Ada reloads the page
      Then Ada sees "Sofa" on the canvas
      And Ada finds "It is green." in the notes

    Scenario: A new Thing, from the home page
      When Ada makes the Thing "A summer house" in her browser
      And Ada draws a circle labelled "Table"
      Then the page of Ada says "Live, all saved"

  @claim:C18+1 @claim:C24+1
  Rule: Everyone who has a Thing open sees each change as it is made

    Scenario: Two people, two browsers
      Given Ada and Grace have the Thing open in their browsers
      When Ada draws a box labelled "Sofa"
      Then Grace sees "Sofa" on the canvas
      When Grace drags "Sofa" across the canvas
      Then Ada sees "Sofa" where Grace has put it
      When Grace types "Red, please." at the end of the notes
      Then Ada finds "Red, please." in the notes

    @claim:typing-merges+1
    Scenario: Two people type at once
      Given Ada and Grace have the Thing open in their browsers
      When Ada types "We need a chair" at the end of the notes
      Then Grace finds "We need a chair" in the notes
      When Ada types "Remember: " at the beginning and Grace " and a window." at the end of the notes, at once
      Then Ada and Grace find "Remember: " in the notes
      And Ada and Grace find "We need a chair and a window." in the notes

  @claim:C22+1
  Rule: You see the other people's cursors

    Scenario: Grace shows Ada something
      Given Ada and Grace have the Thing open in their browsers
      When Grace points at "A lamp"
      Then Ada sees the cursor of Grace at "A lamp"
      When Grace points at "A table"
      Then Ada sees the cursor of Grace at "A table"

    Scenario: Grace chooses something
      Given Ada and Grace have the Thing open in their browsers
      When Grace chooses "A lamp"
      Then Ada sees that Grace has chosen "A lamp"

    Scenario: Grace goes
      Given Ada and Grace have the Thing open in their browsers
      When Grace points at "A lamp"
      Then Ada sees the cursor of Grace at "A lamp"
      When Grace closes the page
      Then Ada sees no cursor of Grace
      And the page of Ada says "Nobody else is here"

    @claim:follow+1
    Scenario: Ada follows Grace
      Given Ada and Grace have the Thing open in their browsers
      When Ada looks far away
      And Ada follows Grace
      And Grace points at "A lamp"
      Then Ada sees what Grace points at

  @claim:C19+2 @claim:home-live+1
  Rule: You invite others in the browser, and they learn of it at once

    Scenario: Grace is invited while she looks at her home page
      Given Grace has the home page open in her browser
      When Ada makes the Thing "A new lamp" in her browser
      And Ada shares the Thing with "grace" as editor
      Then the page of Grace says "ada shares “A new lamp” with you."
      When Grace goes from the home page to "A new lamp"
      And Grace draws a circle labelled "Bulb"
      Then Ada sees "Bulb" on the canvas

    @claim:role-follows+1
    Scenario: A viewer becomes an editor while the Thing is open
      Given Ada and Grace have the Thing open in their browsers
      When Ada shares the Thing with "grace" as viewer
      Then the page of Grace says "You may look at this Thing, and not change it."
      When Ada shares the Thing with "grace" as editor
      Then the page of Grace says "Live, all saved"
      When Grace draws a box labelled "Sofa"
      Then Ada sees "Sofa" on the canvas

    Scenario: A name that nobody has
      Given Ada has the Thing open in her browser
      When Ada tries to share the Thing with "nobody" as editor
      Then the page of Ada says "That did not work: there is no such user or group in your organisation"

  @claim:share-ended+1 @claim:withdrawn-copy+1
  Rule: Who loses a Thing is told, and can keep a copy

    Scenario: The Thing is taken away from Grace while she works
      Given Ada and Grace have the Thing open in their browsers
      When Grace types "My idea" at the end of the notes
      Then Ada finds "My idea" in the notes
      When Ada shares the Thing with "grace" no more
      Then the page of Grace says "The Thing is not shared with you any more."
      And Grace cannot type into the notes
      And Grace finds "My idea" in the notes
      When Grace keeps a copy
      Then the page of Grace says "Live, all saved"
      And Grace finds "My idea" in the notes
      And Grace sees "A lamp" on the canvas
      When Grace types ", continued" at the end of the notes
      Then Ada finds no ", continued" in the notes

  @claim:undo-in-page+1
  Rule: You undo your own changes, and nobody else's

    Scenario: Both have drawn
      Given Ada and Grace have the Thing open in their browsers
      When Ada draws a box labelled "Sofa"
      And Grace draws a box labelled "Shelf"
      Then Ada sees "Shelf" on the canvas
      When Ada presses "Undo" until "Sofa" is gone
      Then Grace sees no "Sofa" on the canvas
      And Ada and Grace see "Shelf" on the canvas
      When Ada presses "Redo" until "Sofa" is there
      Then Grace sees "Sofa" on the canvas

  @claim:unnoticed+1
  Rule: A part of the server may fail while you draw, and you do not notice

    Scenario: The _sfe is killed while Ada drags a lamp
      Given Ada and Grace have the Thing open in their browsers
      When Ada drags "A lamp" across the canvas, while the _sfe is killed
      Then Grace sees "A lamp" where Ada has put it
      And Ada and Grace have noticed nothing of it

  @claim:not-approved+1 @claim:works-alone+1
  Rule: Whoever may not work live works alone, and is told why

    Scenario: Linus makes a Thing of his own
      When Linus makes the Thing "A bird house" in his browser
      Then the page of Linus says "Live editing is off, because none of your groups is approved for it."
      When Linus draws a box labelled "Roof"
      And Linus types "For sparrows" at the end of the notes
      Then the page of Linus says "Working alone, all saved"
      When Linus reloads the page
      Then Linus sees "Roof" on the canvas
      And Linus finds "For sparrows" in the notes

  @claim:keyboard+1
  Rule: You can build a Thing with the keyboard alone

    Scenario: Ada puts her mouse away
      Given Ada and Grace have the Thing open in their browsers
      When Ada goes to the canvas by the key "Tab"
      And Ada presses the keys "b, Enter"
      And Ada types the label "Sofa"
      Then Grace sees "Sofa" on the canvas
      When Ada presses the keys "ArrowRight, ArrowRight, Shift+ArrowDown"
      Then Grace sees "Sofa" where Ada has put it
      When Ada goes to the part "Box: Sofa" by the key "Tab"
      And Ada presses the keys "Enter, Delete"
      Then Grace sees no "Sofa" on the canvas
