Feature: The server publishes what it speaks
  A server describes its URLs in OpenAPI and its stream in AsyncAPI: for people, and for programs that make
  clients and tests of such descriptions. What the guides show is the same, and all that is said in these
  scenarios is held to it.

  Background:
    Given WidgetApp is running

  @claim:openapi-served+1
  Rule: The server describes all of its URLs at /openapi.json

    Scenario: Fetching the description of the URLs
      When someone who is not logged in asks for "/openapi.json"
      Then the answer is 200 and like:
        """
        {"openapi": "3.1.0", "paths": {
          "/_ajax/edit": {"post": "..."}, "/_stream": {"get": "..."}, "/oauth/token": {"post": "..."},
          "/api/1.0/things/{id}": {"get": "...", "put": "...", "delete": "..."}}}
        """
      And it is the guides' own "openapi.json"

  @claim:asyncapi-served+1
  Rule: The server describes the messages of its stream at /asyncapi.json

    Scenario: Fetching the description of the stream
      When someone who is not logged in asks for "/asyncapi.json"
      Then the answer is 200 and like:
        """
        {"asyncapi": "3.0.0", "channels": {"stream": {"address": "/_stream"}}, "operations": {
          "ping": {"action": "receive"}, "edit": {"action": "receive", "reply": "..."},
          "welcome_push": {"action": "send"}, "edit_push": {"action": "send"}}}
        """
      And it is the guides' own "asyncapi.json"
