Feature: Watching
  What the administrator sees of a running server, what a program may read of it, and what becomes of a process that
  takes too much.

  @claim:status-load+2
  Rule: The status shows CPU, memory, clients and messages of every process

    Scenario: Two people at work
      Given WidgetApp is running
      And Ada and Grace have the Thing open
      When Ada makes 20 changes
      Then the status shows 2 clients of the _stream and of the _sfe
      And the status shows that both had at least 20 messages from clients and passed on as many
      And the status shows what every process takes of the processor and of memory
      And the kernel says the same of the memory of the _wfe

    Scenario: Watching at a terminal
      Given WidgetApp is running
      And Ada has the Thing open
      When the administrator watches at a terminal
      Then the terminal shows the columns "PROCESS ID PID STATE CLIENTS CPU MEMORY IN/S OUT/S QUEUE UPTIME RESTARTS ROGUE"
      And the terminal shows the processes in the order "_wfe, _sfe, _stream"
      When Ada makes 20 changes
      Then the terminal shows that messages come in
      And the terminal shows a line of the last seconds beside the _wfe
      When the administrator presses "n"
      Then the terminal shows the processes in the order "_sfe, _stream, _wfe"
      When the administrator presses "q"
      Then the terminal is as it was and the command has succeeded

    Scenario: Watching where the output is no terminal
      Given WidgetApp is running
      When the administrator runs "widgetapp_admin -watch" into a pipe and reads 3 tables
      Then each of them names the _wfe, the _sfe and the _stream

  @claim:metrics-served+1
  Rule: Prometheus can read what the server does

    Scenario: Figures of two people at work
      Given WidgetApp is running with these settings:
        """
        [metrics]
        listen = "127.0.0.1:0"
        """
      And Ada and Grace have the Thing open
      When Ada makes 20 changes
      Then these metrics are reached:
        | widgetapp_streams_opened_total                        | 2  |
        | widgetapp_edits_total                                 | 20 |
        | widgetapp_actions_total action=edit                   | 20 |
        | widgetapp_actions_total action=open                   | 2  |
        | widgetapp_messages_received_total                     | 22 |
        | widgetapp_messages_sent_total                         | 42 |
        | widgetapp_edit_duration_seconds_count                 | 20 |
        | widgetapp_log_commit_duration_seconds_count           | 1  |
        | widgetapp_process_clients process=_stream id=1.1      | 2  |
        | widgetapp_process_up process=_wfe                     | 1  |
        | widgetapp_process_memory_bytes process=_sfe id=1      | 1  |

    Scenario: Figures of refusals
      Given WidgetApp is running with these settings:
        """
        [metrics]
        listen = "127.0.0.1:0"
        """
      And "editor" streams as Ada
      When "editor" sends:
        """
        {"port": 7, "name": "nothing", "id": 1}
        """
      And somebody tries 2 wrong passwords for Ada
      And the administrator restarts the _stream
      Then these metrics are reached:
        | widgetapp_errors_total code=102 name=unknown_port      | 1 |
        | widgetapp_errors_total code=118 name=wrong_credentials | 2 |
        | widgetapp_logins_total result=wrong                    | 2 |
        | widgetapp_http_requests_total status=4xx               | 2 |
        | widgetapp_closes_total code=4001 name=restart          | 1 |

    Scenario: The text is what Prometheus expects
      Given WidgetApp is running with these settings:
        """
        [metrics]
        listen = "127.0.0.1:0"
        """
      Then every metric is described once, has a type and a name after the conventions, and no series comes twice

    Scenario: Nothing else is there
      Given WidgetApp is running with these settings:
        """
        [metrics]
        listen = "127.0.0.1:0"
        """
      Then the address of the metrics answers "GET /" with 404
      And the address of the metrics answers "POST /metrics" with 405

  @claim:metrics-off+1
  Rule: Without the setting nothing listens for it, and a port in use is named

    Scenario: Metrics are off
      Given WidgetApp is running
      Then the server listens at one address only

    Scenario: The port of the metrics is in use
      Given WidgetApp is running
      When the administrator starts another server whose metrics are at the address of the first
      Then the command ends with code 1 and the one line "metrics.listen"

  @claim:metrics-go-on+1
  Rule: Counts go on when a process is restarted

    Scenario: WFE is killed
      Given WidgetApp is running with these settings:
        """
        [metrics]
        listen = "127.0.0.1:0"
        """
      And Ada has the Thing open
      When Ada makes 20 changes
      Then these metrics are reached:
        | widgetapp_edits_total | 20 |
      When the _wfe is killed
      And Ada makes 20 changes
      Then these metrics are reached:
        | widgetapp_edits_total                           | 40 |
        | widgetapp_process_restarts_total process=_wfe   | 1  |

  @claim:metrics-no-names+1
  Rule: No names stand in the metrics

    Scenario: People, Things and what they write
      Given WidgetApp is running with these settings:
        """
        [metrics]
        listen = "127.0.0.1:0"
        """
      And Ada has the Thing open
      When Ada changes the title to "A secret plan"
      And "editor" streams as Grace
      And "editor" sends:
        """
        {"port": 200, "name": "widgetApp_useraction_made_up", "id": 1}
        """
      Then these metrics are reached:
        | widgetapp_edits_total                              | 1 |
        | widgetapp_errors_total code=103 name=unknown_name  | 1 |
      And the metrics name neither a person, nor the Thing, nor "secret", nor "made_up"

  @claim:C32+1
  Rule: A process that takes too much is reported as rogue, and restarted if that is switched on

    Scenario: Too much of the processor
      Given WidgetApp is running with these settings:
        """
        [supervisor]
        rogue_cpu_percent = 5
        rogue_seconds = 2
        [stream]
        requests_per_second = 100_000
        request_burst = 100_000
        [metrics]
        listen = "127.0.0.1:0"
        """
      And Ada has the Thing open
      When Ada changes the Thing without a pause until the status shows the _wfe as rogue by "cpu"
      Then the server's log tells that the _wfe is rogue
      And these metrics are reached:
        | widgetapp_rogue_total of=cpu | 1 |
      And the status shows the _wfe as rogue no more
      And the _wfe is still the same process

    Scenario: Too much memory, while restarts are switched on
      Given WidgetApp is running with these settings:
        """
        [supervisor]
        memory_limit_bytes = 1_000_000
        restart_rogue = true
        [metrics]
        listen = "127.0.0.1:0"
        """
      Then these metrics are reached:
        | widgetapp_rogue_total of=memory                               | 3 |
        | widgetapp_process_rogue_restarts_total process=_wfe           | 3 |
        | widgetapp_process_rogue_restarts_total process=_stream id=1.1 | 3 |
      When Ada opens the Thing
      And Ada changes the title to "All the same"
      Then Ada sees the title "All the same"

    Scenario: Only reported, as long as restarts are not switched on
      Given WidgetApp is running with these settings:
        """
        [supervisor]
        memory_limit_bytes = 1_000_000
        """
      And Ada has the Thing open
      Then the status shows the _wfe as rogue by "memory"
      And the _wfe is still the same process
      When the administrator restarts the _wfe
      Then another _wfe takes its place

  @claim:rogue-left-alone+1
  Rule: A process that is rogue after three restarts within an hour is left alone

    Scenario: Restarts do not help
      Given WidgetApp is running with these settings:
        """
        [supervisor]
        memory_limit_bytes = 1_000_000
        restart_rogue = true
        [metrics]
        listen = "127.0.0.1:0"
        """
      Then these metrics are reached:
        | widgetapp_process_rogue_restarts_total process=_sfe | 1 |
        | widgetapp_process_rogue_restarts_total process=_sfe | 2 |
        | widgetapp_process_rogue_restarts_total process=_sfe | 3 |
      And the status shows that the _sfe was restarted 3 times as rogue and is left alone
      And the server's log tells that the _sfe is left alone

  @claim:admin-config+1
  Rule: The settings in effect are shown, with where they came from

    Scenario: A file, a variable and an option
      Given WidgetApp is running with the variable "WIDGETAPP_AUDIT__KEEP_DAYS=7" and these settings:
        """
        [things]
        idle_seconds = 33
        """
      When the administrator runs "widgetapp_admin -config"
      Then the command shows "audit.keep_days" as "7" from "environment variable WIDGETAPP_AUDIT__KEEP_DAYS"
      And the command shows "things.idle_seconds" as "33" from "configuration file"
      And the command shows "server.listen" as '["ADDRESS"]' from "flag --listen"
      And the command shows "audit.keep_rows" as "100000" from "default"

  @claim:log-json+1
  Rule: The log can be written as JSON

    Scenario: Every line of the log
      Given WidgetApp is running with the variable "RUST_LOG=widgetapp=debug" and these settings:
        """
        [logging]
        format = "json"
        """
      And Ada has the Thing open
      When the _stream is killed
      Then another _stream takes its place
      And every line of the log is a JSON object with a time, a level, a process and a message

  @claim:log-request-id+1
  Rule: A request is found by its id in the log of every process, and in its answer

    Scenario: A stream through a proxy that is believed
      Given WidgetApp is running with the variable "RUST_LOG=widgetapp=debug" and these settings:
        """
        [logging]
        format = "json"
        [server]
        trusted_proxies = ["127.0.0.1"]
        """
      When a proxy opens a stream for Ada with the request id "edge-4711"
      Then lines of the _wfe, the _sfe and the _stream have the request id "edge-4711"

    Scenario: An answer by HTTP
      Given WidgetApp is running with the variable "RUST_LOG=widgetapp=debug" and these settings:
        """
        [logging]
        format = "json"
        """
      When somebody asks for "/nowhere"
      Then the answer is 404
      And a line of the _wfe has the request id of the answer
