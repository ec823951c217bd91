Feature: Logging in
  Login works as before: name and password. Nothing more is needed to work together.

  Background:
    Given WidgetApp is running

  @claim:login-needed+1
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

    @claim:login-ends+1
    Scenario: Logging out
      When Ada logs out and asks for the home page
      Then they are sent to the login

  @claim:login-hours+1
  Rule: A login lasts half a day

    Scenario: How long a login lasts
      Then the login of Ada lasts 12 hours

  @claim:login-guessing+1
  Rule: Guessing passwords is slow

    Scenario: Ten wrong passwords
      When somebody tries 10 wrong passwords for Ada
      Then Ada must wait before the next try, also with the right password

    Scenario: Ten wrong passwords, on the login page
      When somebody tries 10 wrong passwords for Ada
      And Ada fills in the login page
      Then the page says "too many wrong passwords"
      And the page tells her how long to wait

  @claim:C21+2
  Rule: A normal login is enough to start

    @claim:home-page+1
    Scenario: Ada logs in and sees what she can work on
      Then the home page lists "Welcome" for Ada
      And the home page shows Linus the role "viewer"

    Scenario: Ada works live with her login and nothing else
      Given the browser of Ada streams with her login
      When the browser opens the Thing
      And Grace opens the Thing
      And Grace changes the title to "Our plan"
      Then the browser shows the title "Our plan"

  @claim:not-approved+1
  Rule: Whoever may not work live can do everything else

    Scenario: The group of Linus has not opted in
      Given Linus is logged in
      When Linus tries to work live
      Then Linus is told that live editing is not approved
      Given Linus is logged in
      When Linus searches for "Welcome"
      Then Linus finds "Welcome"
      When Linus selects the Thing
      Then Linus is shown the Thing "Welcome" as its viewer
