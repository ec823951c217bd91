ada: GET /_stream
ada: Authorization: Bearer [TOKEN]
ada<. {"port": 0, "name": "welcome",
       "body": {"session": "[SESSION]", "user": "ada", "organisation": "acme", "expires_at": [TIME],
        "ping_ms": 25000, "pong_ms": 10000, "max_frame_bytes": 1048576, "max_things": 128,
        "ports": {"notifications": 203, "presence": 202, "session": 0, "sync": 201, "useraction": 200},
        "sfe": "1", "stream": "1.1", "node": "[NODE]"}}

# The same on a stream.
ada> {"port": 200, "name": "widgetApp_useraction_create", "id": 1, "body": {"title": "Raft"}}
ada< {"port": 200, "name": "widgetApp_useraction_create", "id": 1, "body": {"thing": "[THING:3]", "offset": 1}}
ada> {"port": 200, "name": "widgetApp_useraction_delete", "id": 2, "thing": "[THING:3]"}
ada< {"port": 200, "name": "widgetApp_useraction_delete", "id": 2, "thing": "[THING:3]", "offset": 2,
      "body": {"offset": 2}}
