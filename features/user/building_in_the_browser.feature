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

    Scenario: Ada changes a label with the mouse
      Given Ada and Grace have the Thing open in their browsers
      When Ada double-clicks "A lamp"
      And Ada types the label "Lantern"
      Then Grace sees "Lantern" on the canvas
      And Grace sees no "A lamp" on the canvas

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

    @claim:others-shown+2
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

  @claim:C19+3 @claim:home-live+2
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

    Scenario: The Thing is taken away from Linus, who works alone
      Given Ada has the Thing open in her browser
      When Ada shares the Thing with "linus" as editor
      And Linus opens the Thing in his browser
      And Ada shares the Thing with "linus" no more
      And Linus types "For sparrows" at the end of the notes
      Then the page of Linus says "The Thing is not shared with you any more, or was deleted."
      And the page of Linus says "could not be saved; copy what you need"
      And Linus cannot type into the notes
      When Linus keeps a copy
      Then Linus finds "For sparrows" in the notes
      And Ada finds no "For sparrows" in the notes

  @claim:undo-in-page+2
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

    Scenario: Ada comes back later
      Given Ada and Grace have the Thing open in their browsers
      When Ada draws a box labelled "Sofa"
      Then Grace sees "Sofa" on the canvas
      And the page of Ada says "Live, all saved"
      When Ada reloads the page
      Then Ada sees "Sofa" on the canvas
      When Ada draws a box labelled "Shelf"
      And Grace draws a box labelled "Chair"
      And Ada presses "Undo" until "Shelf" is gone
      And Ada presses "Undo" until "Sofa" is gone
      Then Grace sees no "Sofa" on the canvas
      And Ada and Grace see "Chair" on the canvas
      When Ada presses "Redo" until "Sofa" is there
      And Ada presses "Redo" until "Shelf" is there
      Then Grace sees "Sofa" on the canvas
      And Grace sees "Shelf" on the canvas

    Scenario: Linus works alone, and comes back later
      When Linus makes the Thing "A bird house" in his browser
      And Linus draws a box labelled "Roof"
      Then the page of Linus says "Working alone, all saved"
      When Linus reloads the page
      Then Linus sees "Roof" on the canvas
      When Linus presses "Undo" until "Roof" is gone
      And Linus presses "Redo" until "Roof" is there
      And Linus reloads the page
      Then Linus sees "Roof" on the canvas

    Scenario: Grace has done nothing yet
      Given Ada and Grace have the Thing open in their browsers
      When Ada draws a box labelled "Sofa"
      Then Grace sees "Sofa" on the canvas
      When Grace presses "Undo"
      Then the page of Grace says "You have nothing more to undo here."
      And Ada and Grace see "Sofa" on the canvas

  @claim:history-in-page+1
  Rule: You see who changed what, and go back to what was

    Scenario: Ada goes back to before what Grace did
      Given Ada and Grace have the Thing open in their browsers
      When Ada draws a box labelled "Sofa"
      Then Grace sees "Sofa" on the canvas
      When Grace types "Red, please." at the end of the notes
      Then Ada finds "Red, please." in the notes
      When Ada presses "History"
      Then the page of Ada says "grace changed the notes"
      And the page of Ada says "ada changed “Sofa”"
      And the page of Ada says "ada made this Thing"
      When Ada presses "Go back to this"
      Then the page of Ada says "The Thing is again what it was then."
      And Ada and Grace find "Red, please." in the notes no more
      And Ada and Grace see "Sofa" on the canvas
      When Ada presses "Undo"
      Then Ada and Grace find "Red, please." in the notes

    Scenario: With the keyboard alone
      Given Ada has the Thing open in her browser
      When Ada types "Red, please." at the end of the notes
      Then the page of Ada says "Live, all saved"
      When Ada goes to the button "History" by the key "Tab"
      And Ada presses the key "Enter"
      Then the page of Ada says "ada changed the notes"
      When Ada goes to the button "Go back to this" by the key "Tab"
      And Ada presses the key "Enter"
      Then Ada finds "Red, please." in the notes no more

    Scenario: Linus works alone, and may only look
      Given Linus has the Thing open in his browser
      Then the page of Linus says "You may look at this Thing, and not change it. Live editing is off"
      When Linus presses "History"
      Then the page of Linus says "ada made this Thing"
      And the page of Linus does not say "Go back to this"

  @claim:rename-in-place+1
  Rule: You change the title of a Thing where it stands

    Scenario: On its own page
      Given Ada and Grace have the Thing open in their browsers
      When Ada types "A summer house" into "Title"
      And Ada presses the key "Enter"
      Then Ada and Grace read the title "A summer house"
      When Grace types " " into "Title"
      And Grace presses the key "Enter"
      Then Ada and Grace read the title "A summer house"
      When Ada reloads the page
      Then Ada reads the title "A summer house"

    Scenario: On the home page
      Given Grace has the Thing open in her browser
      And Ada has the home page open in her browser
      When Ada presses "Rename “Welcome”"
      And Ada types "A summer house" into "Title"
      And Ada presses the key "Enter"
      Then the list of Ada shows "A summer house"
      And Grace reads the title "A summer house"
      When Ada presses "Rename “A summer house”"
      And Ada types "A mistake" into "Title"
      And Ada presses the key "Escape"
      Then the list of Ada shows "A summer house"

    Scenario: Linus may only look
      Given Linus has the home page open in his browser
      Then the list of Linus shows "Welcome"
      And the page of Linus does not say "Rename"

  @claim:role-owner+1
  Rule: The owner deletes a Thing, and is asked before

    Scenario: Ada deletes it on its own page
      Given Ada and Grace have the Thing open in their browsers
      Then the page of Grace does not say "Delete this Thing"
      When Ada presses "Delete this Thing"
      Then the page of Ada says "Delete this Thing for everybody? It cannot be brought back."
      When Ada presses "Cancel"
      And Ada types "Still here" at the end of the notes
      Then Grace finds "Still here" in the notes
      When Ada presses "Delete this Thing"
      And Ada presses "Delete for everybody"
      Then the page of Ada says "Nothing is shared with you yet."
      And the page of Grace says "The Thing was deleted."

    Scenario: Ada deletes it on the home page
      Given Ada has made 2 Things
      And Grace has the Thing open in her browser
      And Ada has the home page open in her browser
      When Ada presses "Delete “Welcome”"
      And Ada presses "Delete for everybody"
      Then the page of Ada says "“Welcome” is deleted."
      And the list of Ada shows "Thing 2, Thing 1"
      And the page of Grace says "The Thing was deleted."

    Scenario: Grace may change it, and not delete it
      Given Grace has the home page open in her browser
      Then the page of Grace says "Rename"
      And the page of Grace does not say "Delete"

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

  @claim:withdrawn-alone+1
  Rule: If your group may not work live any more, you go on alone with all that you had

    Scenario: The approval is withdrawn while Grace works
      Given Ada and Grace have the Thing open in their browsers
      When Grace types "A better" at the end of the notes
      Then Ada finds "A better" in the notes
      When the administrator runs "widgetapp_admin -group designers -withdraw"
      Then the page of Grace says "Live editing is off from now on, because the approval of your group was withdrawn."
      And the page of Grace says "Ask your administrator."
      And the page of Grace says "You work alone"
      When Grace types " idea" at the end of the notes
      And Grace draws a box labelled "Sofa"
      Then the page of Grace says "Working alone, all saved"
      When Grace reloads the page
      Then Grace finds "A better idea" in the notes
      And Grace sees "Sofa" on the canvas
      And the page of Grace says "Live editing is off, because none of your groups is approved for it."

    Scenario: It is withdrawn while Grace is in a tunnel
      Given Ada and Grace have the Thing open in their browsers
      When the network of Grace is cut
      And Grace types "A better idea" at the end of the notes
      And the administrator runs "widgetapp_admin -group designers -withdraw"
      And the network of Grace is there again
      Then the page of Grace says "Live editing is off from now on"
      And the page of Grace says "Working alone, all saved"
      When Grace reloads the page
      Then Grace finds "A better idea" in the notes

    Scenario: Grace had closed the page
      Given Ada and Grace have the Thing open in their browsers
      When the network of Grace is cut
      And Grace types "A better idea" at the end of the notes
      Then the page of Grace says "changes not saved yet"
      When Grace closes the page
      And the administrator runs "widgetapp_admin -group designers -withdraw"
      And Grace opens the Thing in her browser
      Then Grace finds "A better idea" in the notes
      And the page of Grace says "Working alone, all saved"

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
