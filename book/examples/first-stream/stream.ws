GET /_stream
Authorization: Bearer [TOKEN]

< {"port": 0, "name": "welcome",
   "body": {"session": "[SESSION]", "user": "ada", "organisation": "acme", "expires_at": [TIME],
    "ping_ms": 25000, "pong_ms": 10000, "max_frame_bytes": 1048576, "max_things": 128,
    "ports": {"notifications": 203, "presence": 202, "session": 0, "sync": 201, "useraction": 200}, "sfe": "1",
    "stream": "1.1", "node": "[NODE]"}}
> {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "[THING]", "body": {"as": "json"}}
< {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "[THING]", "join": 1, "offset": 1,
   "body": {"role": "owner", "epoch": "[EPOCH]", "offset": 1, "recovered": false,
    "content": {"meta": {"description": "A Thing to try things out on", "title": "Welcome"},
     "notes": "Ada owns this, Grace can change it, Linus can look at it.\n",
     "parts": {"lamp": {"color": "#e0b354", "h": 60, "kind": "circle", "label": "A lamp", "w": 60, "x": 280,
       "y": 30},
      "table": {"color": "#7a9e7e", "h": 90, "kind": "box", "label": "A table", "w": 200, "x": 40, "y": 40}}}}}
<. {"join": 1, "port": 202, "name": "state", "thing": "[THING]",
    "body": {"present": [{"id": "[SESSION]", "user": "ada", "color": "#558b2f"}], "others": 0}}
> {"port": 0, "name": "ping", "id": 2, "body": {}}
< {"port": 0, "name": "ping", "id": 2, "body": {}}
> close 1000
