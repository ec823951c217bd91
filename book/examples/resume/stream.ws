ada: GET /_stream
ada: Authorization: Bearer [TOKEN]
ada< {"port": 0, "name": "welcome",
      "body": {"session": "[SESSION]", "user": "ada", "organisation": "acme", "expires_at": [TIME],
       "ping_ms": 25000, "pong_ms": 10000, "max_frame_bytes": 1048576, "max_things": 128,
       "ports": {"notifications": 203, "presence": 202, "session": 0, "sync": 201, "useraction": 200},
       "sfe": "1", "stream": "1.1", "node": "[NODE]"}}
ada> {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "[THING]", "body": {"as": "json"}}
ada< {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "[THING]", "join": 1, "offset": 1,
      "body": {"role": "owner", "epoch": "[EPOCH]", "offset": 1, "recovered": false,
       "content": {"meta": {"description": "A Thing to try things out on", "title": "Welcome"},
        "notes": "Ada owns this, Grace can change it, Linus can look at it.\n",
        "parts": {"lamp": {"color": "#e0b354", "h": 60, "kind": "circle", "label": "A lamp", "w": 60, "x": 280,
          "y": 30},
         "table": {"color": "#7a9e7e", "h": 90, "kind": "box", "label": "A table", "w": 200, "x": 40,
          "y": 40}}}}}
ada<. {"join": 1, "port": 202, "name": "state", "thing": "[THING]",
       "body": {"present": [{"id": "[SESSION]", "user": "ada", "color": "#558b2f"}], "others": 0}}

# The connection is gone. Meanwhile Grace edits.
ada> close 1000

grace: GET /_stream
grace: Authorization: Bearer [TOKEN:grace]
grace< {"port": 0, "name": "welcome",
        "body": {"session": "[SESSION:2]", "user": "grace", "organisation": "acme", "expires_at": [TIME],
         "ping_ms": 25000, "pong_ms": 10000, "max_frame_bytes": 1048576, "max_things": 128,
         "ports": {"notifications": 203, "presence": 202, "session": 0, "sync": 201, "useraction": 200},
         "sfe": "1", "stream": "1.1", "node": "[NODE]"}}
grace> {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "[THING]", "body": {"as": "json"}}
grace<. {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "[THING]", "join": 1, "offset": 1,
         "body": {"role": "editor", "epoch": "[EPOCH]", "offset": 1, "recovered": false,
          "content": {"meta": {"description": "A Thing to try things out on", "title": "Welcome"},
           "notes": "Ada owns this, Grace can change it, Linus can look at it.\n",
           "parts": {"lamp": {"color": "#e0b354", "h": 60, "kind": "circle", "label": "A lamp", "w": 60,
             "x": 280, "y": 30},
            "table": {"color": "#7a9e7e", "h": 90, "kind": "box", "label": "A table", "w": 200, "x": 40,
             "y": 40}}}}}
grace<. {"join": 1, "port": 202, "name": "state", "thing": "[THING]",
         "body": {"present": [{"id": "[SESSION:2]", "user": "grace", "color": "#8e24aa"}], "others": 0}}
grace> {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "[THING]",
        "body": {"key": "g-1", "patch": [{"op": "add", "path": "/parts/lamp/x", "value": 300}]}}
grace< {"join": 1, "port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "[THING]", "offset": 2,
        "body": {"epoch": "[EPOCH]", "offset": 2, "durable": true}}
grace> {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "[THING]",
        "body": {"key": "g-2", "patch": [{"op": "add", "path": "/parts/lamp/color", "value": "#ffffff"}]}}
grace< {"join": 1, "port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "[THING]", "offset": 3,
        "body": {"epoch": "[EPOCH]", "offset": 3, "durable": true}}

# Ada comes back and says what she had. She is sent what came after that, and nothing else.
ada: GET /_stream
ada: Authorization: Bearer [TOKEN]
ada<. {"port": 0, "name": "welcome",
       "body": {"session": "[SESSION:3]", "user": "ada", "organisation": "acme", "expires_at": [TIME],
        "ping_ms": 25000, "pong_ms": 10000, "max_frame_bytes": 1048576, "max_things": 128,
        "ports": {"notifications": 203, "presence": 202, "session": 0, "sync": 201, "useraction": 200},
        "sfe": "1", "stream": "1.1", "node": "[NODE]"}}
ada> {"port": 200, "name": "widgetApp_useraction_open", "id": 2, "thing": "[THING]",
      "body": {"as": "json", "since": {"epoch": "[EPOCH]", "offset": 1}}}
ada< {"port": 200, "name": "widgetApp_useraction_open", "id": 2, "thing": "[THING]", "join": 2, "offset": 3,
      "body": {"role": "owner", "epoch": "[EPOCH]", "offset": 3, "recovered": true,
       "missed": [{"port": 200, "name": "widgetApp_useraction_edit", "offset": 2,
         "body": {"user": "grace", "patch": [{"op": "replace", "path": "/parts/lamp/x", "value": 300}]}},
        {"port": 200, "name": "widgetApp_useraction_edit", "offset": 3,
         "body": {"user": "grace",
          "patch": [{"op": "replace", "path": "/parts/lamp/color", "value": "#ffffff"}]}}]}}
ada<. {"join": 2, "port": 202, "name": "state", "thing": "[THING]",
       "body": {"present": [{"id": "[SESSION:2]", "user": "grace", "color": "#8e24aa"},
         {"id": "[SESSION:3]", "user": "ada", "color": "#558b2f"}], "others": 0}}

# A place that the log does not know gets her the whole Thing: never a part of it.
ada> {"port": 200, "name": "widgetApp_useraction_open", "id": 3, "thing": "[THING]",
      "body": {"as": "json", "since": {"epoch": "00000000", "offset": 1}}}
ada< {"port": 200, "name": "widgetApp_useraction_open", "id": 3, "thing": "[THING]", "join": 3, "offset": 3,
      "body": {"role": "owner", "epoch": "[EPOCH]", "offset": 3, "recovered": false,
       "content": {"meta": {"description": "A Thing to try things out on", "title": "Welcome"},
        "notes": "Ada owns this, Grace can change it, Linus can look at it.\n",
        "parts": {"lamp": {"color": "#ffffff", "h": 60, "kind": "circle", "label": "A lamp", "w": 60, "x": 300,
          "y": 30},
         "table": {"color": "#7a9e7e", "h": 90, "kind": "box", "label": "A table", "w": 200, "x": 40,
          "y": 40}}}}}
ada<. {"join": 3, "port": 202, "name": "state", "thing": "[THING]",
       "body": {"present": [{"id": "[SESSION:2]", "user": "grace", "color": "#8e24aa"},
         {"id": "[SESSION:3]", "user": "ada", "color": "#558b2f"}], "others": 0}}
grace< {"join": 1, "port": 202, "name": "joined", "thing": "[THING]",
        "body": {"id": "[SESSION:3]", "user": "ada", "color": "#558b2f"}}
