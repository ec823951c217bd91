Feature: Managing applications
  The administrator registers the applications that get access tokens, sees who has tokens, and ends them.

  Background:
    Given WidgetApp is running

  @claim:clients-add+1
  Rule: An application is registered by command, and its secret is printed once

    Scenario: A system that acts for itself
      When the administrator runs "widgetapp_admin -client crm -add -organisation acme -group designers -scope stream"
      Then the command succeeds and says "client_secret "
      When the administrator runs "widgetapp_admin -clients -json"
      Then the command prints a line like:
        """
        {"client": "crm", "organisation": "acme", "public": false, "revoked": false, "scopes": ["stream"],
         "groups": ["designers"], "redirect_uris": []}
        """

    Scenario: An application that acts for people and cannot keep a secret
      When the administrator runs "widgetapp_admin -client board -add -organisation acme -redirect https://board.example/done -public -json"
      Then the command prints a line like:
        """
        {"client_id": "board"}
        """

  @claim:clients-display-name+1
  Rule: An application can have a name that people read

    Scenario: "board" is called Planning board
      Given the application "board" is registered for "stream" as "Planning board"
      When the administrator runs "widgetapp_admin -clients -json"
      Then the command prints a line like:
        """
        {"client": "board", "display_name": "Planning board"}
        """
      When "board" asks Grace for "stream"
      Then the page says "The application Planning board (board) asks"

  @claim:clients-add-refused+1
  Rule: What cannot be registered is refused in one line

    Scenario Outline: <why>
      When the administrator runs "widgetapp_admin -client <options>"
      Then the command ends with code 1 and the one line "<why>"

      Examples:
        | options                                                                   | why                        |
        | demo-app -add -organisation acme                                          | there is already           |
        | crm -add                                                                  | name one of the organisations |
        | crm -add -organisation acme -group spies                                  | there is no group named spies in acme |
        | crm -add -organisation acme -redirect http://crm.example/done             | use https                  |
        | crm -add -organisation acme -redirect https://crm.example/done#top        | it must have no name and no # in it |
        | crm -add -organisation acme -scope everything                             | the scopes are             |
        | crm -add -organisation acme -public                                       | name where it gets its codes |
        | crm -add -organisation acme -display-name CrmCrmCrmCrmCrmCrmCrmCrmCrmCrmCrmCrmCrmCrmCrmCrmCrmCrmCrmCrmCrm | cannot be shown as a name |
        | nobody -secret                                                            | there is no application named nobody |
        | demo-app -secret                                                          | there is no client named demo-app that has a secret |

  @claim:clients-secret+1
  Rule: An application can be given a new secret, and the old one counts no more

    Scenario: A new secret
      Given the application "planner" is registered for "things:read"
      When the administrator runs "widgetapp_admin -client planner -secret"
      And "planner" asks for a token for itself
      Then the answer is 401 and like:
        """
        {"error": "invalid_client"}
        """
      When "planner" takes the secret that was printed
      And "planner" asks for a token for itself
      Then the answer is 200

  @claim:clients-revoke+1
  Rule: Revoking an application ends its tokens and streams, and it gets no more until it is enabled

    Scenario: Revoked and enabled again
      Given the application "planner" is registered for "stream things:read"
      And Ada has allowed "planner" "stream things:read"
      And "planner" streams with its access token as "live"
      When the administrator runs "widgetapp_admin -client planner -revoke"
      Then the command succeeds and says "planner is revoked; its tokens have ended, and it gets no more; 1 connection was ended"
      And the connection of "live" is closed with 4500 within a second
      And the access token of "planner" is worth nothing
      When "planner" refreshes
      Then the answer is 401
      When the administrator runs "widgetapp_admin -client planner -enable"
      And "planner" refreshes
      Then the answer is 400
      When "planner" asks Ada for "stream"
      Then Ada is asked whether she allows "planner" that

  @claim:tokens-list+1
  Rule: A list shows who has allowed which application what, since when, and when it last got a token

    Scenario: Of everyone, and of one user
      Given the application "planner" is registered for "stream things:read"
      And Ada has allowed "planner" "stream"
      When the administrator runs "widgetapp_admin -tokens -json"
      Then the command prints a line like:
        """
        {"client": "planner", "user": "ada", "organisation": "acme", "scopes": ["stream"], "id": "...",
         "since": "...", "last_token": "...", "ends": "..."}
        """
      When the administrator runs "widgetapp_admin -tokens -user grace"
      Then the command prints:
        """
        """

  @claim:tokens-revoke+1
  Rule: The administrator ends a single grant by any of its tokens

    Scenario: By an access token
      Given the application "planner" is registered for "stream things:read"
      And Ada has allowed "planner" "stream things:read"
      And "planner" streams with its access token as "live"
      When the administrator revokes the access token of "planner"
      Then the command succeeds and says "has ended, with all its tokens; 1 connection was ended"
      And the connection of "live" is closed with 4500 within a second
      And the access token of "planner" is worth nothing

    Scenario: What is no token
      When the administrator runs "widgetapp_admin -token -revoke nonsense"
      Then the command ends with code 1 and the one line "this is no token"

    Scenario Outline: Wrong usage: <options>
      When the administrator runs "widgetapp_admin <options>"
      Then it ends with code 2

      Examples:
        | options                      |
        | -token -revoke               |
        | -client demo-app             |
        | -client demo-app -revoke now |
        | -rotate-keys                 |

  @claim:keys-rotate+1
  Rule: The administrator can replace the key that signs access tokens

    Scenario: Replaced
      Given the application "planner" is registered for "things:read"
      And Ada has allowed "planner" "things:read"
      When the administrator runs "widgetapp_admin -token -rotate-keys"
      Then the command succeeds and says "older ones stay good until they expire"
      And the access token of "planner" is good
