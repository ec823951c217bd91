ada: GET /_stream
ada: Authorization: Bearer [TOKEN]
ada<. {"port": 0, "name": "welcome",
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

grace: GET /_stream
grace: Authorization: Bearer [TOKEN:grace]
grace<. {"port": 0, "name": "welcome",
         "body": {"session": "[SESSION:2]", "user": "grace", "organisation": "acme", "expires_at": [TIME],
          "ping_ms": 25000, "pong_ms": 10000, "max_frame_bytes": 1048576, "max_things": 128,
          "ports": {"notifications": 203, "presence": 202, "session": 0, "sync": 201, "useraction": 200},
          "sfe": "1", "stream": "1.1", "node": "[NODE]"}}
grace> {"port": 200, "name": "widgetApp_useraction_open", "id": 8, "thing": "[THING]", "body": {"as": "json"}}
grace<. {"port": 200, "name": "widgetApp_useraction_open", "id": 8, "thing": "[THING]", "join": 8, "offset": 1,
         "body": {"role": "editor", "epoch": "[EPOCH]", "offset": 1, "recovered": false,
          "content": {"meta": {"description": "A Thing to try things out on", "title": "Welcome"},
           "notes": "Ada owns this, Grace can change it, Linus can look at it.\n",
           "parts": {"lamp": {"color": "#e0b354", "h": 60, "kind": "circle", "label": "A lamp", "w": 60,
             "x": 280, "y": 30},
            "table": {"color": "#7a9e7e", "h": 90, "kind": "box", "label": "A table", "w": 200, "x": 40,
             "y": 40}}}}}
grace<. {"join": 8, "port": 202, "name": "state", "thing": "[THING]",
         "body": {"present": [{"id": "[SESSION]", "user": "ada", "color": "#558b2f"},
           {"id": "[SESSION:2]", "user": "grace", "color": "#8e24aa"}], "others": 0}}
ada<. {"join": 1, "port": 202, "name": "joined", "thing": "[THING]",
       "body": {"id": "[SESSION:2]", "user": "grace", "color": "#8e24aa"}}

# Ada moves the lamp. Her reply comes when the change is stored; Grace is told what has changed, and by whom.
ada> {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "[THING]",
      "body": {"key": "ada-1", "patch": [{"op": "add", "path": "/parts/lamp/x", "value": 300}]}}
ada< {"join": 1, "port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "[THING]", "offset": 2,
      "body": {"epoch": "[EPOCH]", "offset": 2, "durable": true}}
grace< {"join": 8, "port": 200, "name": "widgetApp_useraction_edit", "thing": "[THING]", "offset": 2,
        "body": {"user": "ada", "patch": [{"op": "replace", "path": "/parts/lamp/x", "value": 300}]}}

# Ada types at the beginning of the notes.
ada> {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "[THING]",
      "body": {"key": "ada-2", "patch": [{"op": "add", "path": "/notes",
       "value": "Hello! Ada owns this, Grace can change it, Linus can look at it.\n"}]}}
ada< {"join": 1, "port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "[THING]", "offset": 3,
      "body": {"epoch": "[EPOCH]", "offset": 3, "durable": true}}
grace< {"join": 8, "port": 200, "name": "widgetApp_useraction_edit", "thing": "[THING]", "offset": 3,
        "body": {"user": "ada",
         "patch": [{"op": "replace", "path": "/notes",
           "value": "Hello! Ada owns this, Grace can change it, Linus can look at it.\n"}]}}

# Grace types at their end, and has not seen that yet: the last that she has seen is offset 2. Both keep what they
# typed, and the reply tells Grace what hers came to.
grace> {"port": 200, "name": "widgetApp_useraction_edit", "id": 9, "thing": "[THING]", "offset": 2,
        "body": {"key": "grace-1", "patch": [{"op": "add", "path": "/notes",
         "value": "Ada owns this, Grace can change it, Linus can look at it.\nA sofa would be nice.\n"}]}}
grace< {"join": 8, "port": 200, "name": "widgetApp_useraction_edit", "id": 9, "thing": "[THING]", "offset": 4,
        "body": {"epoch": "[EPOCH]", "offset": 4, "durable": true,
         "patch": [{"op": "replace", "path": "/notes",
           "value": "Hello! Ada owns this, Grace can change it, Linus can look at it.\nA sofa would be nice.\n"}]}}
ada< {"join": 1, "port": 200, "name": "widgetApp_useraction_edit", "thing": "[THING]", "offset": 4,
      "body": {"user": "grace",
       "patch": [{"op": "replace", "path": "/notes",
         "value": "Hello! Ada owns this, Grace can change it, Linus can look at it.\nA sofa would be nice.\n"}]}}

# Ada is not sure that her first edit arrived, and sends it again. Its key is known: nothing is done twice.
ada> {"port": 200, "name": "widgetApp_useraction_edit", "id": 4, "thing": "[THING]",
      "body": {"key": "ada-1", "patch": [{"op": "add", "path": "/parts/lamp/x", "value": 300}]}}
ada< {"join": 1, "port": 200, "name": "widgetApp_useraction_edit", "id": 4, "thing": "[THING]", "offset": 2,
      "body": {"epoch": "[EPOCH]", "offset": 2, "durable": true}}
