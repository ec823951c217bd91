Feature: Looking after an organisation
  The administrator makes somebody of an organisation its administrator; they have a page of their own for it.
  Ada looks after acme. The group "reviewers" of acme is not approved, and "spies" is a group of another organisation.

  Background:
    Given WidgetApp is running
    And the administrator has run "widgetapp_admin -user ada -administrator"

  @claim:organisation-page+1
  Rule: An administrator of an organisation has a page for it

    Scenario: What Ada sees
      Given Grace has the Thing open in her browser
      And Ada has the home page open in her browser
      When Ada presses "Administration"
      Then the page of Ada says "Administration of acme"
      And the table "groups" of Ada shows "reviewers linus not approved Approve"
      And the table "processes" of Ada shows "_sfe 1 running"
      And the table "connected" of Ada shows "grace 1"
      And the table "record" of Ada shows "administrator added administrator ada done"
      And the page of Ada does not say "spies"
      And the page of Ada does not say "mallory"
      And axe finds nothing wrong with the page of Ada, light or dark, on a desk or on a phone

    Scenario: The page follows what happens
      Given Ada has the home page open in her browser
      When Ada presses "Administration"
      Then the chart of the _wfe grows on the page of Ada
      When Grace opens the Thing in her browser
      Then the table "connected" of Ada shows "grace 1"
      And the guide shows the page of Ada as "../admin/organisation.png"

  @claim:organisation-approve+1
  Rule: There they approve groups for live editing, and withdraw that

    Scenario: Linus may work live
      Given Ada has the home page open in her browser
      When Ada presses "Administration"
      And Ada presses "Approve reviewers"
      Then the table "groups" of Ada shows "reviewers linus approved Withdraw"
      And the record shows "group_approved  user:ada  reviewers  done"
      When Linus opens the Thing in his browser
      Then the page of Linus says "Live, to look at"
      When Ada presses "Withdraw reviewers"
      Then the page of Linus says "Working alone"

    Scenario: A group of another organisation
      When Ada approves "spies" by a request of her own
      Then the answer is 400
      And the record does not show "group_approved  user:ada  spies  done"

  @claim:organisation-only+1
  Rule: The page is for administrators of the organisation, and for nobody else

    Scenario: Grace is none
      When Grace goes to "/admin" in her browser
      Then the page of Grace says "Not for you"
      When Grace approves "reviewers" by a request of her own
      Then the answer is 403

    Scenario: Nobody is logged in
      When someone who is not logged in asks for "/admin"
      Then they are sent to the login

    Scenario: Ada is administrator no more
      Given Ada has the home page open in her browser
      When Ada presses "Administration"
      Then the page of Ada says "Administration of acme"
      When the administrator runs "widgetapp_admin -user ada -no-administrator"
      Then the page of Ada says "Not for you"

    Scenario: A page of another site
      When a page of "https://evil.example" approves "reviewers" for Ada
      Then the answer is 403 with the code 110 "origin_not_allowed"
