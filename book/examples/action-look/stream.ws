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

# The same on a stream. Grace has the Thing open, and is told where Ada looks.
ada> {"port": 200, "name": "widgetApp_useraction_scroll", "id": 1, "body": {"limit": 1}}
ada< {"port": 200, "name": "widgetApp_useraction_scroll", "id": 1,
      "body": {"things": [{"thing": "[THING]", "title": "Welcome", "role": "owner", "changed_at": [TIME]}],
       "next": null}}
ada> {"port": 200, "name": "widgetApp_useraction_scroll", "id": 2, "thing": "[THING]", "body": {"view": {"x": 40, "y": 30}}}
ada< {"port": 200, "name": "widgetApp_useraction_scroll", "id": 2, "thing": "[THING]", "body": {}}
grace< {"join": 1, "port": 200, "name": "widgetApp_useraction_scroll", "thing": "[THING]",
        "body": {"user": "ada", "view": {"x": 40, "y": 30}}}
ada> {"port": 200, "name": "widgetApp_useraction_search", "id": 3, "body": {"q": "welc"}}
ada< {"port": 200, "name": "widgetApp_useraction_search", "id": 3,
      "body": {"things": [{"thing": "[THING]", "title": "Welcome", "role": "owner", "changed_at": [TIME]}],
       "next": null}}

# And that Ada has a look at the whole.
ada> {"port": 200, "name": "widgetApp_useraction_select", "id": 4, "thing": "[THING]"}
ada< {"port": 200, "name": "widgetApp_useraction_select", "id": 4, "thing": "[THING]",
      "body": {"title": "Welcome", "role": "owner",
       "content": {"meta": {"description": "A Thing to try things out on", "title": "Welcome"},
        "notes": "Ada owns this, Grace can change it, Linus can look at it.\n",
        "parts": {"lamp": {"color": "#e0b354", "h": 60, "kind": "circle", "label": "A lamp", "w": 60, "x": 280,
          "y": 30},
         "table": {"color": "#7a9e7e", "h": 90, "kind": "box", "label": "A table", "w": 200, "x": 40,
          "y": 40}}}, "epoch": "[EPOCH]", "offset": 1}}
grace< {"join": 1, "port": 200, "name": "widgetApp_useraction_select", "thing": "[THING]",
        "body": {"user": "ada"}}
