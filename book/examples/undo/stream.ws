grace: GET /_stream
grace: Authorization: Bearer [TOKEN:grace]
grace<. {"port": 0, "name": "welcome",
         "body": {"session": "[SESSION]", "user": "grace", "organisation": "acme", "expires_at": [TIME],
          "ping_ms": 25000, "pong_ms": 10000, "max_frame_bytes": 1048576, "max_things": 128,
          "ports": {"notifications": 203, "presence": 202, "session": 0, "sync": 201, "useraction": 200},
          "sfe": "1", "stream": "1.1", "node": "[NODE]"}}
ada: GET /_stream
ada: Authorization: Bearer [TOKEN]
ada<. {"port": 0, "name": "welcome",
       "body": {"session": "[SESSION:2]", "user": "ada", "organisation": "acme", "expires_at": [TIME],
        "ping_ms": 25000, "pong_ms": 10000, "max_frame_bytes": 1048576, "max_things": 128,
        "ports": {"notifications": 203, "presence": 202, "session": 0, "sync": 201, "useraction": 200},
        "sfe": "1", "stream": "1.1", "node": "[NODE]"}}

# Ada gives the Thing another title and moves the lamp. Then Grace colours the lamp.
ada> {"port": 200, "name": "widgetApp_useraction_rename", "id": 1, "thing": "[THING]", "body": {"title": "Boat"}}
ada< {"port": 200, "name": "widgetApp_useraction_rename", "id": 1, "thing": "[THING]", "offset": 2,
      "body": {"offset": 2}}
ada> {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "[THING]",
      "body": {"key": "ada-1", "patch": [{"op": "add", "path": "/parts/lamp/x", "value": 300}]}}
ada< {"port": 200, "name": "widgetApp_useraction_edit", "id": 2, "thing": "[THING]", "offset": 3,
      "body": {"epoch": "[EPOCH]", "offset": 3, "durable": true}}
grace> {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "[THING]",
        "body": {"key": "grace-1", "patch": [{"op": "add", "path": "/parts/lamp/color", "value": "#1565c0"}]}}
grace< {"port": 200, "name": "widgetApp_useraction_edit", "id": 1, "thing": "[THING]", "offset": 4,
        "body": {"epoch": "[EPOCH]", "offset": 4, "durable": true}}

# Ada takes back what she did last: the lamp goes back, and keeps Grace's colour. Then the title.
ada> {"port": 200, "name": "widgetApp_useraction_undo", "id": 3, "thing": "[THING]"}
ada< {"port": 200, "name": "widgetApp_useraction_undo", "id": 3, "thing": "[THING]", "offset": 5,
      "body": {"offset": 5}}
ada> {"port": 200, "name": "widgetApp_useraction_undo", "id": 4, "thing": "[THING]"}
ada< {"port": 200, "name": "widgetApp_useraction_undo", "id": 4, "thing": "[THING]", "offset": 6,
      "body": {"offset": 6}}
ada> {"port": 200, "name": "widgetApp_useraction_select", "id": 5, "thing": "[THING]"}
ada< {"port": 200, "name": "widgetApp_useraction_select", "id": 5, "thing": "[THING]",
      "body": {"title": "Welcome", "role": "owner",
       "content": {"meta": {"description": "A Thing to try things out on", "title": "Welcome"},
        "notes": "Ada owns this, Grace can change it, Linus can look at it.\n",
        "parts": {"lamp": {"color": "#1565c0", "h": 60, "kind": "circle", "label": "A lamp", "w": 60, "x": 280,
          "y": 30},
         "table": {"color": "#7a9e7e", "h": 90, "kind": "box", "label": "A table", "w": 200, "x": 40,
          "y": 40}}}, "epoch": "[EPOCH]", "offset": 6}}

# Nothing of hers is left to undo. What she took back last comes back first.
ada> {"port": 200, "name": "widgetApp_useraction_undo", "id": 6, "thing": "[THING]"}
ada< {"port": 200, "name": "widgetApp_useraction_undo", "id": 6, "thing": "[THING]",
      "error": {"code": 212, "name": "nothing_to_undo",
       "message": "no change of yours is left here to undo, or it was too long ago", "temporary": false}}
ada> {"port": 200, "name": "widgetApp_useraction_redo", "id": 7, "thing": "[THING]"}
ada< {"port": 200, "name": "widgetApp_useraction_redo", "id": 7, "thing": "[THING]", "offset": 7,
      "body": {"offset": 7}}
ada> {"port": 200, "name": "widgetApp_useraction_history", "id": 8, "thing": "[THING]", "body": {"limit": 3}}
ada< {"port": 200, "name": "widgetApp_useraction_history", "id": 8, "thing": "[THING]",
      "body": {"changes": [{"offset": 7, "user": "ada", "at": [TIME], "action": "redo",
         "changed": ["/meta/title"]},
        {"offset": 6, "user": "ada", "at": [TIME], "action": "undo", "changed": ["/meta/title"]},
        {"offset": 5, "user": "ada", "at": [TIME], "action": "undo", "changed": ["/parts/lamp/x"]}],
       "next": 5}}
