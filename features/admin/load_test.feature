Feature: A load test
  What a machine carries is measured, not guessed. These load tests are small and short, so that the scenarios are:
  their figures say nothing about WidgetApp.

  @claim:load-test+1 @claim:load-test-report+1 @claim:load-test-whole+1
  Rule: A load test starts a server, puts clients on it, and leaves a report

    Scenario: Two steps, and once more beside the first
      When the administrator measures with "loadtest --ramp 4,6 --per-thing 3 --edits-per-second 20 --step 2s --slo p90<60s"
      Then it ends with code 0
      And the summary says "MET"
      And the report is a page that needs nothing else, Markdown and JSON
      And the report shows steps with 4 and 6 clients whose every change arrived once and in its order
      When the administrator measures with "loadtest run --clients 6 --ramp 6 --per-thing 3 --edits-per-second 20 --step 2s --slo p90<60s --compare loadtest-report/report.json --report again"
      Then it ends with code 0
      And the file "again/report.md" says "## Beside the earlier run"

  @claim:load-test-roles+1
  Rule: Beside those who edit there are those who look on, come back, browse, use old programs, or are new

    Scenario: Everybody
      When the administrator measures with "loadtest run --ramp 12 --mix editor=4,viewer=4,reconnector=1,browser=1,legacy=1,newcomer=1 --per-thing 3 --edits-per-second 5 --step 8s --slo p90<60s"
      Then it ends with code 0
      And the report tells of visits to "scroll", "search", "old API: list", "old API: one" and "resume"
      And the report shows steps with 12 clients whose every change arrived once and in its order

  @claim:load-test-yjs+1
  Rule: Edits are patches, or updates as editors built on Yjs make them

    Scenario: Updates that type a recorded session
      Given the recording "session.json" of somebody who types "Hello, Grace"
      When the administrator measures with "loadtest run --ramp 4 --per-thing 2 --edits-per-second 15 --step 2s --slo p90<60s --form yjs --trace session.json"
      Then it ends with code 0
      And the report shows steps with 4 clients whose every change arrived once and in its order

  @claim:load-test-loss+1
  Rule: Processes are killed or restarted in the middle, and it is told what came of it

    Scenario: A _stream is killed, then an _sfe is restarted
      When the administrator measures with "loadtest run --ramp 6 --per-thing 3 --edits-per-second 10 --step 8s --slo p50<60s --lose stream@1s --restart sfe@6s"
      Then it ends with code 0
      And the report tells that "_stream 1.1 was killed", which dropped 6 connections, and all came back
      And the report tells that "_sfe 1 was restarted", which dropped 0 connections, and all came back
      And the report shows steps with 6 clients whose every change arrived once and in its order

  @claim:load-test-exit-codes+1
  Rule: The exit code tells what came of it

    Scenario: The wanted latency is missed
      When the administrator measures with "loadtest run --ramp 4 --per-thing 2 --edits-per-second 10 --step 2s --slo p50<1us"
      Then it ends with code 1
      And the summary says "MISSED"

    Scenario: There is too little to say anything
      When the administrator measures with "loadtest run --ramp 4 --per-thing 2 --edits-per-second 10 --step 2s --slo p99.9<60s"
      Then it ends with code 3
      And the summary says "deliveries are too few for p99.9, which needs 10,000"

    Scenario Outline: <what>
      When the administrator measures with "loadtest run <options>"
      Then the command ends with code 2 and tells about "<error>"

      Examples:
        | what                       | options                             | error                                |
        | A ramp that falls          | --ramp 20,10                        | numbers of clients that rise         |
        | A role that nobody plays   | --mix painter=1                     | `painter` does not take part         |
        | Nobody edits               | --mix viewer=1                      | without an editor                    |
        | A latency without a limit  | --slo p99                           | has no `<`                           |
        | A plan that is not there   | --plan nowhere.toml                 | nowhere.toml                         |
        | A server without an account | --server http://127.0.0.1:1        | --server needs a password            |
        | A loss after the end       | --ramp 4 --step 2s --lose stream@3s | is after the end of a step           |

  @claim:load-test-plan-file+1
  Rule: A plan file says what the options say

    Scenario: A plan in TOML
      Given the administrator has a "load.toml":
        """
        ramp = [4]
        per-thing = 2
        edits-per-second = 15
        step = "2s"
        slo = "p90<60s"
        """
      When the administrator measures with "loadtest run --plan load.toml --seed 7"
      Then it ends with code 0
      And the file "loadtest-report/report.md" says "| Seed | 7 |"

  @claim:load-test-maximum+1
  Rule: The most clients that still meet the wanted latency are looked for

    Scenario: As many as were allowed
      When the administrator measures with "loadtest run --find-max --ramp 4 --clients 8 --per-thing 4 --edits-per-second 10 --step 2s --slo p90<60s"
      Then it ends with code 0
      And the summary says "8 clients is the most"

  @claim:load-test-calibration+1
  Rule: What a client, an edit and a delivery cost is left for the planner

    Scenario: Steps that are too alike to tell
      When the administrator measures with "loadtest run --ramp 4 --per-thing 2 --edits-per-second 15 --step 2s --slo p90<60s"
      And the administrator measures with "loadtest plan --clients 100 --edits-per-second 1 --per-thing 10 --calibration loadtest-report/calibration.json"
      Then the command ends with code 3 and tells about "1 steps are too few to tell"

  @claim:load-test-running+1
  Rule: A server that runs is tested where it is

    Scenario: With one account
      Given WidgetApp is running
      When the administrator measures, as Ada, with "loadtest run --server URL --user ada --ramp 4 --per-thing 2 --edits-per-second 15 --step 2s --slo p90<60s"
      Then it ends with code 0
      And the report shows steps with 4 clients whose every change arrived once and in its order
      Given Ada is logged in
      When Ada searches for "Load test"
      Then Ada finds nothing
