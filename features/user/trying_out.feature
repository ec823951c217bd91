Feature: Trying out in the guide
  Where WidgetApp serves the guides itself, readers can do in the page what they have just read.

  @claim:try-side-by-side+2
  Rule: The guide shows one Thing in two windows

    Background:
      Given WidgetApp is running and shows the guides
      And Ada has the home page open in her browser

    Scenario: What is drawn on the left is on the right
      When Ada goes to "/guide/user/try.html" in her browser
      And Ada presses "Show me two windows"
      And Ada draws a box labelled "Sofa" in the left window
      Then Ada sees "Sofa" in the right window

    Scenario: The Thing goes with the windows
      When Ada goes to "/guide/user/try.html" in her browser
      And Ada presses "Show me two windows"
      And Ada draws a box labelled "Sofa" in the left window
      And Ada presses "Take them away"
      Then the page of Ada says "They are gone, and the Thing with them."
      When Ada goes to "/" in her browser
      Then the list of Ada is "Welcome"

  @claim:try-examples+1
  Rule: Examples do what they show

    Scenario: Each example that has the button
      Given WidgetApp is running and shows the guides
      And Ada has the home page open in her browser
      When Ada runs each example that can be run, on the pages:
        | api/quick-start.html  |
        | api/concepts.html     |
        | api/messages.html     |
        | api/user-actions.html |
        | api/resume.html       |
        | api/presence.html     |
        | api/legacy.html       |
      And Ada goes to "/" in her browser
      Then the list of Ada is "Welcome"

    Scenario: Somebody whose group may not stream
      Given WidgetApp is running and shows the guides
      And Linus has the home page open in his browser
      When Linus goes to "/guide/api/quick-start.html" in his browser
      And Linus runs the example "Open a stream and a Thing"
      Then the page of Linus says "The stream was not let in. Is your group approved for streaming?"

  @claim:try-told+1
  Rule: Where something cannot be tried out, the page says what to do

    Scenario: Nobody is logged in
      Given WidgetApp is running and shows the guides
      When Ada opens the page "api/quick-start.html" of the guides, without a login
      And Ada runs the example "Open a stream and a Thing"
      Then the page of Ada says "To try this out, log in first"

    Scenario: The guides are read without a server
      Given WidgetApp is running and shows the guides
      When Ada opens the page "user/try.html" of the guides from a folder
      And Ada presses "Show me two windows"
      Then the page of Ada says "cargo run -- --guides book/book"
