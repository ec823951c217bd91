Feature: The home page
  The Things that somebody can work on, the last changed first.

  Background:
    Given WidgetApp is running

  @claim:home-scroll+1
  Rule: The list goes on as you scroll

    Scenario: Ada has many Things
      Given Ada has made 60 Things
      And Ada has the home page open in her browser
      When Ada scrolls to the end of the list
      Then the list of Ada has 61 Things
      And the list of Ada tells each time as her language has it

  @claim:home-search+1 @claim:find-by-title+2
  Rule: The list shows what you look for while you type

    Scenario: Ada looks for one of them
      Given Ada has made 30 Things
      And Ada has the home page open in her browser
      When Ada types "thing 7" into "Search"
      Then the list of Ada shows "Thing 7"
      When Ada types "welc" into "Search"
      Then the list of Ada shows "Welcome"
      When Ada types "nothing of that kind" into "Search"
      Then the page of Ada says "Nothing of yours has the words “nothing of that kind”."
