Feature: Programs written before streaming
  The API of release 1.0 works as it always did: name and password, no token, no approval. It is served by
  WFE alone. What such a program writes is a change like any other.

  Background:
    Given WidgetApp is running

  Rule: Nothing has changed for existing programs

    Scenario: Reading, writing and deleting
      When the old program of Ada creates the Thing "An old friend"
      Then the answer is 201 and has an ETag
      When the old program of Ada reads the Thing
      Then the answer is 200 and like:
        """
        {"thing": "THING", "title": "An old friend"}
        """
      When the old program of Ada replaces the notes by "Written as before"
      Then the answer is 200 and like:
        """
        {"content": {"notes": "Written as before"}}
        """
      When the old program of Ada lists the Things
      Then the answer is 200 and names the Thing
      When the old program of Ada deletes the Thing
      Then the answer is 204
      When the old program of Ada reads the Thing
      Then the answer is 404 with the code 200 "thing_not_found"

    Scenario: A group that is not approved uses it as before
      When the old program of Linus reads the Thing
      Then the answer is 200 and like:
        """
        {"title": "Welcome"}
        """

    Scenario: A wrong password
      When the old program of Ada reads the Thing with a wrong password
      Then the answer is 401 with the code 118 "wrong_credentials"
      And the answer's header "WWW-Authenticate" contains "Basic"

    Scenario: It goes on while no SFE works
      When the _sfe is halted
      And the old program of Ada reads the Thing
      Then the answer is 200 and like:
        """
        {"title": "Welcome"}
        """

  Rule: A program does not overwrite what it has not read

    Scenario: Somebody else was faster
      When the old program of Ada reads the Thing
      And the old program of Grace replaces the notes by "I was first"
      And the old program of Ada replaces the notes of what it has read by "I was late"
      Then the answer is 412 with the code 207 "changed_meanwhile"
      When the old program of Ada reads the Thing
      Then the answer is 200 and like:
        """
        {"content": {"notes": "I was first"}}
        """

    Scenario: Nobody was faster
      When the old program of Ada reads the Thing
      And the old program of Ada replaces the notes of what it has read by "In time"
      Then the answer is 200 and like:
        """
        {"content": {"notes": "In time"}}
        """

  Rule: People who stream the Thing see the write at once

    Scenario: A write of an old program on a stream
      Given "listener" streams as Grace
      And "listener" opens the Thing
      When the old program of Ada replaces the notes by "From the past"
      Then "listener" receives:
        """
        {"port": 200, "name": "widgetApp_useraction_edit", "thing": "THING", "join": 1, "offset": OFFSET+1,
         "body": {"user": "ada", "patch": "..."}}
        """
