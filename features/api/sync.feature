Feature: Changes that were made offline
  A program with a Yjs document of its own compares it with the server's on port 201, as y-protocols does: step 1 says
  what one has, step 2 what the other lacks.
  Ada owns the Thing "Welcome", Grace may change it.

  Background:
    Given WidgetApp is running

  @claim:document-sync+1
  Rule: Port 201 synchronises Yjs documents by state vector

    Scenario: A document that has nothing
      Given "offline" streams as Grace
      And "offline" opens the Thing as yjs
      When Ada opens the Thing
      And Ada writes "All of it" into the notes
      And "offline" asks by step 1, with the id 5
      And "offline" takes over what the reply to 5 brings
      Then the document of "offline" has the notes "All of it"

  @claim:sync-asks-back+1 @claim:sync-edit+1
  Rule: The server asks for what it lacks, and what it gets is an edit

    Scenario: Typed on the train
      Given "offline" streams as Grace
      And "offline" opens the Thing as yjs
      And "reader" streams as Ada
      And "reader" opens the Thing
      When Ada opens the Thing
      And Ada writes "at home" into the notes
      And "offline" asks by step 1, with the id 5
      And "offline" takes over what the reply to 5 brings
      And "offline" types "On the train, " into its own document
      And "offline" asks by step 1, with the id 6
      And "offline" answers the server's step 1 by step 2, with the id 7
      Then "offline" has one reply to 7, like:
        """
        {"port": 201, "name": "sync", "thing": "THING", "join": 1, "offset": OFFSET+1,
         "body": {"epoch": "EPOCH", "offset": OFFSET+1, "durable": true}}
        """
      And Ada reads "On the train, at home" in the notes
      And "reader" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "offset": OFFSET+1, "body": {"user": "grace", "patch": "..."}}
        """

    Scenario: What is known already takes no place
      Given "offline" streams as Grace
      And "offline" opens the Thing as yjs
      When "offline" asks by step 1, with the id 5
      And "offline" takes over what the reply to 5 brings
      And "offline" sends all that it has by step 2, with the id 6
      Then "offline" has one reply to 6, like:
        """
        {"body": {"offset": OFFSET, "durable": true}}
        """
      When POST _ajax/select is called as Ada with:
        """
        {"thing": "THING"}
        """
      Then the answer is 200 and like:
        """
        {"offset": OFFSET}
        """

    Scenario: The server is killed after the reply
      Given "offline" streams as Grace
      And "offline" opens the Thing as yjs
      When "offline" asks by step 1, with the id 5
      And "offline" takes over what the reply to 5 brings
      And "offline" types "Kept. " into its own document
      And "offline" asks by step 1, with the id 6
      And "offline" answers the server's step 1 by step 2, with the id 7
      Then "offline" has one reply to 7, like:
        """
        {"body": {"durable": true}}
        """
      When the server is killed and started again
      And Ada opens the Thing in the editor "later"
      Then "later" shows "Kept. Ada owns this" in the notes, once

  @claim:sync-refused+1
  Rule: What is none, or not allowed, changes nothing

    Scenario: A Thing that is open as JSON
      Given "offline" streams as Grace
      And "offline" opens the Thing
      When "offline" asks by step 1, with the id 5
      Then "offline" has one reply to 5, like:
        """
        {"error": {"code": 202, "name": "not_open"}}
        """

    Scenario Outline: <what>
      Given "offline" streams as Grace
      And "offline" opens the Thing as yjs
      When "offline" sends the data "<data>", with the id 5
      Then "offline" has one reply to 5, like:
        """
        {"error": {"code": <code>, "name": "<name>"}}
        """
      And the connection of "offline" is still good

      Examples:
        | what                                          | data                  | code | name              |
        | A kind that there is not                      | 9 1 0                 | 302  | invalid_sync      |
        | A length that goes beyond the end             | 2 200 1 0             | 302  | invalid_sync      |
        | A state vector that claims a billion clients  | 0 5 255 255 255 255 3 | 302  | invalid_sync      |
        | An update that is none                        | 2 3 1 2 3             | 300  | invalid_update    |

    Scenario: A viewer
      Given "viewer" streams as Grace
      And "viewer" opens the Thing as yjs
      When "viewer" asks by step 1, with the id 5
      And "viewer" takes over what the reply to 5 brings
      And POST _ajax/invite is called as Ada with:
        """
        {"thing": "THING", "user": "grace", "role": "viewer"}
        """
      And "viewer" types "Not hers any more" into its own document
      And "viewer" sends all that it has by step 2, with the id 6
      Then "viewer" has one reply to 6, like:
        """
        {"error": {"code": 201, "name": "forbidden"}}
        """
      When "viewer" asks by step 1, with the id 7
      Then "viewer" is answered 7 with a body
