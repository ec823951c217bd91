Feature: Programs written before streaming
  The API of release 1.0 works as it always did: name and password, no token, no approval. It is served by
  WFE alone. What such a program writes is a change like any other.

  Background:
    Given WidgetApp is running

  @claim:C09+1 @claim:legacy-methods+1
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

  @claim:legacy-unapproved+1
  Rule: It is for every group

    Scenario: A group that is not approved uses it as before
      When the old program of Linus reads the Thing
      Then the answer is 200 and like:
        """
        {"title": "Welcome"}
        """

  @claim:legacy-basic+1
  Rule: It takes a name and a password

    Scenario: A wrong password
      When the old program of Ada reads the Thing with a wrong password
      Then the answer is 401 with the code 118 "wrong_credentials"
      And the answer's header "WWW-Authenticate" contains "Basic"

    Scenario: A right one
      When the old program of Grace reads the Thing
      Then the answer is 200 and like:
        """
        {"role": "editor"}
        """

  @claim:legacy-no-token+1
  Rule: It takes no access token

    Scenario: A good token
      When the external system asks the old API with its token
      Then the answer is 401 with the code 117 "not_logged_in"

  @claim:C09+1 @claim:legacy-without-sfe+1
  Rule: It is served by WFE alone

    Scenario: It goes on while no SFE works
      When the _sfe is halted
      And the old program of Ada reads the Thing
      Then the answer is 200 and like:
        """
        {"title": "Welcome"}
        """

  @claim:legacy-if-match+1
  Rule: With If-Match a program does not overwrite what it has not read

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

    Scenario: Ten are as fast as one another
      When the old program of Ada reads the Thing
      And ten old programs of Ada replace the notes of what it has read, at the same moment
      Then one of them has, and the others are answered 412

    Scenario: Nobody was faster
      When the old program of Ada reads the Thing
      And the old program of Ada replaces the notes of what it has read by "In time"
      Then the answer is 200 and like:
        """
        {"content": {"notes": "In time"}}
        """

  @claim:legacy-put-whole+1
  Rule: A PUT replaces the whole content

    Scenario: What it leaves out is gone
      When the old program of Ada replaces everything by:
        """
        {"content": {"notes": "Only this"}}
        """
      Then the answer is 200 and like:
        """
        {"title": "", "content": {"meta": {}, "parts": {}, "notes": "Only this"}}
        """

  @claim:legacy-not-modified+1
  Rule: A program that has the newest is told so

    Scenario: Nothing has changed
      When the old program of Ada reads the Thing
      And the old program of Ada reads the Thing again if it has changed
      Then the answer is 304

  @claim:legacy-pushed+1
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
