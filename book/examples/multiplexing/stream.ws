GET /_stream
Authorization: Bearer [TOKEN]

<. {"port": 0, "name": "welcome",
    "body": {"session": "[SESSION]", "user": "ada", "organisation": "acme", "expires_at": [TIME],
     "ping_ms": 25000, "pong_ms": 10000, "max_frame_bytes": 1048576, "max_things": 128,
     "ports": {"notifications": 203, "presence": 202, "session": 0, "sync": 201, "useraction": 200},
     "sfe": "1", "stream": "1.1", "node": "[NODE]"}}

# Three requests at once, on two ports. Each is answered when its service is done; the id says which it is.
> {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "[THING]", "body": {"as": "json"}}
> {"port": 200, "name": "widgetApp_useraction_search", "id": 2, "body": {"q": "welcome"}}
> {"port": 0, "name": "ping", "id": 3, "body": {}}
<~ {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "[THING]", "join": 1, "offset": 1,
    "body": {"role": "owner", "epoch": "[EPOCH]", "offset": 1, "recovered": false,
     "content": {"meta": {"description": "A Thing to try things out on", "title": "Welcome"},
      "notes": "Ada owns this, Grace can change it, Linus can look at it.\n",
      "parts": {"lamp": {"color": "#e0b354", "h": 60, "kind": "circle", "label": "A lamp", "w": 60, "x": 280,
        "y": 30},
       "table": {"color": "#7a9e7e", "h": 90, "kind": "box", "label": "A table", "w": 200, "x": 40,
        "y": 40}}}}}
<~ {"join": 1, "port": 202, "name": "state", "thing": "[THING]",
    "body": {"present": [{"id": "[SESSION]", "user": "ada", "color": "#558b2f"}], "others": 0}}
<~ {"port": 0, "name": "ping", "id": 3, "body": {}}
<~ {"port": 200, "name": "widgetApp_useraction_search", "id": 2,
    "body": {"things": [{"thing": "[THING]", "title": "Welcome", "role": "owner", "changed_at": [TIME]}],
     "next": null}}

# A second Thing on the same connection.
> {"port": 200, "name": "widgetApp_useraction_create", "id": 4, "body": {"title": "Boat"}}
< {"port": 200, "name": "widgetApp_useraction_create", "id": 4, "body": {"thing": "[THING:2]", "offset": 1}}
> {"port": 200, "name": "widgetApp_useraction_open", "id": 5, "thing": "[THING:2]", "body": {"as": "json"}}
< {"port": 200, "name": "widgetApp_useraction_open", "id": 5, "thing": "[THING:2]", "join": 5, "offset": 1,
   "body": {"role": "owner", "epoch": "[EPOCH:2]", "offset": 1, "recovered": false,
    "content": {"meta": {"title": "Boat"}, "notes": "", "parts": {}}}}
<. {"join": 5, "port": 202, "name": "state", "thing": "[THING:2]",
    "body": {"present": [{"id": "[SESSION]", "user": "ada", "color": "#558b2f"}], "others": 0}}

# Edits of both.
> {"port": 200, "name": "widgetApp_useraction_edit", "id": 6, "thing": "[THING]",
   "body": {"key": "first", "patch": [{"op": "add", "path": "/notes", "value": "A lamp and a table"}]}}
> {"port": 200, "name": "widgetApp_useraction_edit", "id": 7, "thing": "[THING:2]",
   "body": {"key": "second", "patch": [{"op": "add", "path": "/notes", "value": "A hull and a mast"}]}}
<~ {"join": 1, "port": 200, "name": "widgetApp_useraction_edit", "id": 6, "thing": "[THING]", "offset": 2,
    "body": {"epoch": "[EPOCH]", "offset": 2, "durable": true}}
<~ {"join": 5, "port": 200, "name": "widgetApp_useraction_edit", "id": 7, "thing": "[THING:2]", "offset": 2,
    "body": {"epoch": "[EPOCH:2]", "offset": 2, "durable": true}}
