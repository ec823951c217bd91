Feature: How much it carries
  Questions about capacity are answered from what was measured. The calibration of these scenarios is invented: its
  figures say nothing about WidgetApp.

  Background:
    Given a calibration that was invented for the tests

  @claim:plan-instances+1
  Rule: The plan says how many, why, and what to do

    Scenario: Open files decide
      When the administrator asks "loadtest plan --calibration calibration.json --clients 1500 --edits-per-second 0.5 --per-thing 10 --slo p99<100ms"
      Then it ends with code 0
      And the estimate says "MET with 3 _sfe: 2 for open files of each _stream, and one to lose"
      And the estimate says "64 _sfe: one, and one more for every 10 clients, but no more than sfe.max_instances"
      And the estimate says "widgetapp_admin -process _sfe -n 3 -start"
      And the estimate says "clients_per_instance = 750"

    Scenario: The processes may open more files
      When the administrator asks "loadtest plan --calibration calibration.json --clients 1500 --edits-per-second 0.5 --per-thing 10 --open-files 65536"
      Then it ends with code 0
      And the estimate says "MET with 2 _sfe: one does everything, and one to lose"

  @claim:plan-wfe+1
  Rule: What _wfe takes is not helped by more _sfe

    Scenario: More edits than one _wfe carries
      When the administrator asks "loadtest plan --calibration calibration.json --clients 2000 --edits-per-second 5 --per-thing 10"
      Then it ends with code 1
      And the estimate says "MISSED, however many _sfe run: CPU of _wfe"
      And the estimate says "All Things are in one _wfe, so more _sfe do not help it."
      And the estimate says "or have fewer clients on this server"
      And the estimate does not say "-start"

  @claim:plan-company+1
  Rule: The plan is tried with more and fewer people on each Thing

    Scenario: From two to a hundred
      When the administrator asks "loadtest plan --calibration calibration.json --clients 1000 --edits-per-second 0.5 --per-thing 5"
      Then it ends with code 0
      And the estimate says "2 500 "
      And the estimate says "100 49,500 "

  @claim:plan-extrapolated+1
  Rule: What was not measured is marked

    Scenario: Twenty times as many clients as were measured
      When the administrator asks "loadtest plan --calibration calibration.json --clients 20000 --edits-per-second 0.01 --per-thing 10"
      Then the estimate says "EXTRAPOLATED"
      And the estimate says "clients: 20,000 asked, 1,000 measured at most"

    Scenario: Twice as many as were measured
      When the administrator asks "loadtest plan --calibration calibration.json --clients 2000 --edits-per-second 0.1 --per-thing 10"
      Then the estimate says "within what was measured"

  @claim:plan-refuses+1
  Rule: A calibration that cannot answer is refused

    Scenario: Too few steps
      Given only 4 of its steps count
      When the administrator asks "loadtest plan --calibration calibration.json --clients 300 --edits-per-second 1 --per-thing 10"
      Then the command ends with code 3 and the one line "4 steps are too few to tell what 3 things cost: measure at least 5"

  @claim:plan-slo+1
  Rule: The wanted latency is a percentile and a limit

    Scenario Outline: "<slo>" is understood
      When the administrator asks "loadtest plan --calibration calibration.json --clients 300 --edits-per-second 1 --per-thing 10 --slo <slo>"
      Then it ends with code 0
      And the estimate says "latency, <percentile> <limit>"

      Examples:
        | slo        | percentile | limit  |
        | p50<80ms   | p50        | 80.0 ms |
        | p90<0.2s   | p90        | 200 ms  |
        | p99<100ms  | p99        | 100 ms  |
        | p99.9<1s   | p99.9      | 1.00 s  |
        | max<10s    | max        | 10.0 s  |

    Scenario Outline: "<slo>" is not
      When the administrator asks "loadtest plan --calibration calibration.json --clients 300 --edits-per-second 1 --per-thing 10 --slo <slo>"
      Then the command ends with code 2 and tells about "<what>"

      Examples:
        | slo       | what                              |
        | p95<100ms | use p50, p90, p99, p99.9 or max   |
        | p99       | has no `<`                        |
        | p99<100   | is not a duration                 |

  @claim:capacity-exit-codes+1
  Rule: The exit code tells what came of the question

    Scenario Outline: <question>, wanting <slo>
      When the administrator asks "<question> --calibration calibration.json --clients 300 --edits-per-second 1 --per-thing 10 --slo <slo>"
      Then it ends with code <code>

      Examples:
        | question          | slo       | code |
        | loadtest plan     | p99<100ms | 0    |
        | loadtest plan     | p99<1us   | 1    |
        | loadtest plan     | soon      | 2    |
        | loadtest simulate | p99<100ms | 0    |
        | loadtest simulate | p99<1us   | 1    |
        | loadtest simulate | soon      | 2    |

    Scenario Outline: <question>, of a calibration that cannot answer
      Given only 2 of its steps count
      When the administrator asks "<question> --calibration calibration.json --clients 300 --edits-per-second 1 --per-thing 10"
      Then it ends with code 3

      Examples:
        | question          |
        | loadtest plan     |
        | loadtest simulate |

  @claim:simulate-seed+1
  Rule: The same seed gives the same answer

    Scenario: Asked twice
      When the administrator asks "loadtest simulate --calibration calibration.json --clients 300 --edits-per-second 1 --per-thing 10 --json"
      Then asked again, the answer is the same
      And with the seed 2 it is another

  @claim:simulate-invents-nothing+1
  Rule: No time is invented

    Scenario: Neither a calibration nor times
      When the administrator asks "loadtest simulate --clients 300 --edits-per-second 1 --per-thing 10"
      Then the command ends with code 2 and the one line "Give --request-time, or --calibration FILE"

    Scenario: All times are given
      When the administrator asks "loadtest simulate --clients 300 --edits-per-second 1 --per-thing 10 --request-time 10us --edit-time 60us --commit-time 300us --change-time 10us --delivery-time 8us"
      Then it ends with code 0
      And the estimate says "propagation"

  @claim:simulate-loss+1
  Rule: A lost process shows in the answer

    Scenario: One of four streams is lost
      When the administrator asks "loadtest simulate --calibration calibration.json --clients 2000 --edits-per-second 0.5 --per-thing 10 --instances 4 --time 60s --lose stream@10s --restart 1s"
      Then it ends with code 0
      And the estimate says "500 connections dropped"
      And the estimate says "all back after"
      And the estimate says "settled after"
      And the estimate does not say "not before the end"

    Scenario: Few may come back at a time
      When the administrator asks "loadtest simulate --calibration calibration.json --clients 2000 --edits-per-second 0.5 --per-thing 10 --instances 4 --time 20s --lose stream@10s --admissions-per-second 10"
      Then the estimate says "settled after not before the end"

  @claim:simulate-once+1
  Rule: Each edit arrives everywhere exactly once

    Scenario Outline: <what> is lost
      When the administrator asks "loadtest simulate --calibration calibration.json --clients 1000 --edits-per-second 1 --per-thing 10 --instances 4 --lose <what>@3s --json"
      Then each edit has reached 9 others, and <dropped> connections have dropped

      Examples:
        | what     | dropped |
        | wfe      | 0       |
        | sfe      | 0       |
        | stream   | 250     |
        | instance | 250     |
