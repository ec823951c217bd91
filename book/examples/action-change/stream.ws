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
grace<. {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "[THING]", "join": 1, "offset": 5,
         "body": {"role": "editor", "epoch": "[EPOCH]", "offset": 5, "recovered": false,
          "content": {"meta": {"description": "A Thing to try things out on", "title": "Welcome"},
           "notes": "Ada owns this, Grace can change it, Linus can look at it.\n",
           "parts": {"lamp": {"color": "#e0b354", "h": 60, "kind": "circle", "label": "A lamp", "w": 60,
             "x": 280, "y": 30},
            "table": {"color": "#7a9e7e", "h": 90, "kind": "box", "label": "A table", "w": 200, "x": 40,
             "y": 40}}}}}
grace<. {"join": 1, "port": 202, "name": "state", "thing": "[THING]",
         "body": {"present": [{"id": "[SESSION:2]", "user": "grace", "color": "#8e24aa"}], "others": 0}}

# The same on a stream. Grace, who has the Thing open, is told what each of them changes.
ada> {"port": 200, "name": "widgetApp_useraction_rename", "id": 1, "thing": "[THING]", "body": {"title": "Kitchen"}}
ada< {"port": 200, "name": "widgetApp_useraction_rename", "id": 1, "thing": "[THING]", "offset": 6,
      "body": {"offset": 6}}
grace< {"join": 1, "port": 200, "name": "widgetApp_useraction_rename", "thing": "[THING]", "offset": 6,
        "body": {"user": "ada", "patch": [{"op": "replace", "path": "/meta/title", "value": "Kitchen"}]}}
ada> {"port": 200, "name": "widgetApp_useraction_restore", "id": 2, "thing": "[THING]", "body": {"offset": 1}}
ada< {"port": 200, "name": "widgetApp_useraction_restore", "id": 2, "thing": "[THING]", "offset": 7,
      "body": {"offset": 7}}
grace< {"join": 1, "port": 200, "name": "widgetApp_useraction_restore", "thing": "[THING]", "offset": 7,
        "body": {"user": "ada", "patch": [{"op": "replace", "path": "/meta/title", "value": "Welcome"}]}}
ada> {"port": 200, "name": "widgetApp_useraction_undo", "id": 3, "thing": "[THING]"}
ada< {"port": 200, "name": "widgetApp_useraction_undo", "id": 3, "thing": "[THING]", "offset": 8,
      "body": {"offset": 8}}
grace< {"join": 1, "port": 200, "name": "widgetApp_useraction_undo", "thing": "[THING]", "offset": 8,
        "body": {"user": "ada", "patch": [{"op": "replace", "path": "/meta/title", "value": "Kitchen"}]}}
ada> {"port": 200, "name": "widgetApp_useraction_redo", "id": 4, "thing": "[THING]"}
ada< {"port": 200, "name": "widgetApp_useraction_redo", "id": 4, "thing": "[THING]", "offset": 9,
      "body": {"offset": 9}}
grace< {"join": 1, "port": 200, "name": "widgetApp_useraction_redo", "thing": "[THING]", "offset": 9,
        "body": {"user": "ada", "patch": [{"op": "replace", "path": "/meta/title", "value": "Welcome"}]}}
ada> {"port": 200, "name": "widgetApp_useraction_history", "id": 5, "thing": "[THING]", "body": {"limit": 1}}
ada< {"port": 200, "name": "widgetApp_useraction_history", "id": 5, "thing": "[THING]",
      "body": {"changes": [{"offset": 9, "user": "ada", "at": [TIME], "action": "redo",
         "changed": ["/meta/title"]}], "next": 9}}
