Feature: At a glance
  What others do is on the screen a moment later, also when many work at once.

  Background:
    Given WidgetApp is running

  @claim:C24+1
  Rule: What somebody types is before the others at once

    Scenario: From a key press to the change painted in another browser
      Given Ada and Grace have the Thing open in their browsers
      When Ada draws a box labelled "Sofa"
      Then Grace sees "Sofa" on the canvas
      When Ada types 40 letters into the label of "Sofa", one after the other, while Grace looks on
      Then Grace has seen half of them within 250 ms of the key press

    @measured
    Scenario: Fifty editors and two browsers on a Thing of a thousand parts
      Given the Thing has 1000 parts
      And Ada and Grace have the Thing open in their browsers
      When 50 editors change its parts and move their cursors
      Then the pages of Ada and Grace show more than 30 frames a second, for 10 seconds

  @claim:browser-editor+1
  Rule: The pictures of this guide show the product

    Scenario: The home page
      Given Ada has made 5 Things
      And Ada has the home page open in her browser
      Then the guide shows the page of Ada as "home.png"

    Scenario: The editor, with two people
      Given Ada and Grace have the Thing open in their browsers
      When Ada draws a note labelled "Armchair?"
      And Ada types "Oak, oiled. Ask Linus about the lamp." at the end of the notes
      And Grace chooses "A lamp"
      Then Ada sees the cursor of Grace at "A lamp"
      And Ada sees that Grace has chosen "A lamp"
      And the guide shows the page of Ada as "editor.png"

    Scenario: The login page
      Given Ada has the login page open in her browser
      Then the guide shows the page of Ada as "login.png"

    Scenario: The dialog in which people are invited
      Given Ada has the Thing open in her browser
      When Ada presses "Share"
      And Ada types "linus" into "Name"
      Then the guide shows the page of Ada as "share.png"

    Scenario: Somebody who works alone
      When Linus makes the Thing "A bird house" in his browser
      And Linus draws a box labelled "Roof"
      And Linus types "For sparrows" at the end of the notes
      Then the page of Linus says "Working alone, all saved"
      And the guide shows the page of Linus as "alone.png"

    Scenario: A telephone
      Given Ada has the Thing open in her browser
      When Ada has but a telephone
      Then the guide shows the page of Ada as "phone.png"
