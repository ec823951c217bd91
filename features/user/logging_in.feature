Feature: Logging in
  Login works as before: name and password. Nothing more is needed to work together.

  Background:
    Given WidgetApp is running

  Rule: Nothing is shown without a login

    Scenario: The home page leads to the login
      When someone who is not logged in asks for "/"
      Then they are sent to the login

    Scenario Outline: Without a login nobody can <do>
      When someone who is not logged in asks for "<address>"
      Then they are told to log in

      Examples:
        | do                       | address                  |
        | search                   | /_ajax/search?q=Welcome  |
        | scroll                   | /_ajax/scroll            |
        | list Things the old way  | /api/1.0/things          |

    Scenario: A wrong password
      When Ada logs in with a wrong password
      Then Ada is not logged in

  Rule: A normal login is enough to start

    Scenario: Ada logs in and sees what she can work on
      Then the home page lists "Welcome" for Ada

    Scenario: Ada works live with her login and nothing else
      Given the browser of Ada streams with her login
      When the browser opens the Thing
      And Grace opens the Thing
      And Grace changes the title to "Our plan"
      Then the browser shows the title "Our plan"
