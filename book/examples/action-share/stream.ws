ada: GET /_stream
ada: Authorization: Bearer [TOKEN]
ada<. {"port": 0, "name": "welcome",
       "body": {"session": "[SESSION]", "user": "ada", "organisation": "acme", "expires_at": [TIME],
        "ping_ms": 25000, "pong_ms": 10000, "max_frame_bytes": 1048576, "max_things": 128,
        "ports": {"notifications": 203, "presence": 202, "session": 0, "sync": 201, "useraction": 200},
        "sfe": "1", "stream": "1.1", "node": "[NODE]"}}
grace: GET /_stream
grace: Authorization: Bearer [TOKEN:grace]
grace<. {"port": 0, "name": "welcome",
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

# Grace is to look at it, and not more.
ada> {"port": 200, "name": "widgetApp_useraction_invite", "id": 1, "thing": "[THING]",
      "body": {"user": "grace", "role": "viewer"}}
ada< {"port": 200, "name": "widgetApp_useraction_invite", "id": 1, "thing": "[THING]", "body": {}}
grace<~ {"port": 203, "name": "invited", "thing": "[THING]",
         "body": {"by": "ada", "role": "viewer", "title": "Welcome"}}
grace<~ {"port": 0, "name": "access", "thing": "[THING]", "join": 1,
         "body": {"thing": "[THING]", "role": "viewer"}}
grace<~ {"join": 1, "port": 200, "name": "widgetApp_useraction_invite", "thing": "[THING]",
         "body": {"user": "ada", "with": {"user": "grace"}, "role": "viewer"}}

# And now not even that.
ada> {"port": 200, "name": "widgetApp_useraction_uninvite", "id": 2, "thing": "[THING]", "body": {"user": "grace"}}
ada< {"port": 200, "name": "widgetApp_useraction_uninvite", "id": 2, "thing": "[THING]", "body": {}}
grace<~ {"port": 203, "name": "uninvited", "thing": "[THING]", "body": {"by": "ada", "role": "none"}}
grace<~ {"port": 0, "name": "access", "thing": "[THING]", "join": 1,
         "body": {"thing": "[THING]", "role": "none"}}
