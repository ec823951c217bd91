Feature: Working without a network
  Trains have tunnels, and lids are closed. What people do meanwhile is kept in their browsers and goes to the others
  when the network is there again.

  Background:
    Given WidgetApp is running
    And Ada and Grace have the Thing open in their browsers

  @claim:offline-work+1
  Rule: Without a network you go on working, and nothing is lost

    @claim:typing-merges+1
    Scenario: Both are in a tunnel for ten seconds, and both type
      When Ada types "We need a chair" at the end of the notes
      Then Grace finds "We need a chair" in the notes
      When the network of Ada and Grace is cut
      And Ada types "Remember: " at the beginning of the notes
      And Grace types " and a window." at the end of the notes
      And Ada draws a box labelled "Sofa"
      Then the page of Ada says "Offline"
      And the page of Grace says "Offline, 14 changes not saved yet"
      And the page of Grace says "You do not see the others now"
      When the network of Ada and Grace is there again, 10 seconds after it was cut
      Then Ada and Grace find "Remember: " in the notes
      And Ada and Grace find "We need a chair and a window." in the notes
      And Grace sees "Sofa" on the canvas
      And the page of Ada says "Live, all saved"
      And the page of Grace says "Live, all saved"

    Scenario: The server is killed and started again while Ada types
      When the server is killed
      And Ada types "Still here" at the end of the notes
      Then the page of Ada says "Offline, 10 changes not saved yet"
      When the server is killed and started again
      Then Grace finds "Still here" in the notes
      And the page of Ada says "Live, all saved"

  @claim:offline-kept+1
  Rule: A page that is loaded anew or closed loses nothing

    Scenario: Ada closes the page before the network is back
      When the network of Ada is cut
      And Ada types "Do not forget the door" at the end of the notes
      Then the page of Ada says "changes not saved yet"
      When Ada closes the page
      And Ada opens the Thing in her browser
      Then Ada finds "Do not forget the door" in the notes
      And Grace finds "Do not forget the door" in the notes

  @claim:logged-out-meanwhile+1
  Rule: Whose login has ended meanwhile logs in again in another window, and loses nothing

    Scenario: Ada gets a new password while she has no network
      When the network of Ada is cut
      And Ada types "Do not forget the door" at the end of the notes
      And the administrator runs "widgetapp_admin -user ada -password"
      And the network of Ada is there again
      Then the page of Ada says "Logged out, 22 changes not saved yet"
      And the page of Ada says "Log in as ada in another window, and go on here"
      When Ada logs in in another window, with the password that was printed
      Then the page of Ada says "Live, all saved"
      And Grace finds "Do not forget the door" in the notes

    Scenario: Somebody else logs in in the same browser
      When the network of Ada is cut
      And Ada types "Do not forget the door" at the end of the notes
      And Grace logs in in another window of the browser of Ada
      And the network of Ada is there again
      Then the page of Ada says "Logged out, 22 changes not saved yet"
      When Ada logs in in another window of the browser of Ada
      Then the page of Ada says "Live, all saved"
      And Grace finds "Do not forget the door" in the notes
      When Grace opens the Thing
      And Grace looks at the history
      Then the history tells, the newest first: "ada edit", "ada create"

  @claim:withdrawn-copy+1
  Rule: Who loses a Thing meanwhile is told, and can keep a copy

    Scenario: Grace comes back and the Thing is not hers any more
      When the network of Grace is cut
      And Grace types "A better idea" at the end of the notes
      And Ada shares the Thing with "grace" no more
      And the network of Grace is there again
      Then the page of Grace says "13 changes could not be saved"
      And Grace finds "A better idea" in the notes
      When Grace keeps a copy
      Then Grace finds "A better idea" in the notes
      And the page of Grace says "Live, all saved"
      And Ada finds no "A better idea" in the notes

    Scenario: Grace had closed the page
      When the network of Grace is cut
      And Grace types "A better idea" at the end of the notes
      Then the page of Grace says "changes not saved yet"
      When Grace closes the page
      And Ada shares the Thing with "grace" no more
      And Grace goes to the Thing in her browser
      Then the page of Grace says "No such Thing"
      When Grace keeps a copy
      Then Grace finds "A better idea" in the notes
