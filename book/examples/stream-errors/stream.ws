GET /_stream
Authorization: Bearer [TOKEN]

< {"port": 0, "name": "welcome",
   "body": {"session": "[SESSION]", "user": "ada", "organisation": "acme", "expires_at": [TIME],
    "ping_ms": 25000, "pong_ms": 10000, "max_frame_bytes": 1048576, "max_things": 128,
    "ports": {"session": 0, "useraction": 200}, "sfe": "1", "stream": "1.1", "node": "[NODE]"}}

# No service has port 7.
> {"port": 7, "name": "hello", "id": 1, "body": {}}
< {"port": 7, "name": "hello", "id": 1,
   "error": {"code": 102, "name": "unknown_port", "message": "no service has port 7", "temporary": false}}

# Port 200 knows no such user action.
> {"port": 200, "name": "widgetApp_useraction_dance", "id": 2, "body": {}}
< {"port": 200, "name": "widgetApp_useraction_dance", "id": 2,
   "error": {"code": 103, "name": "unknown_name",
    "message": "port 200 does not know \"widgetApp_useraction_dance\"", "temporary": false}}

# An edit needs the Thing open.
> {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "[THING]",
   "body": {"key": "k", "patch": []}}
< {"port": 200, "name": "widgetApp_useraction_edit", "id": 3, "thing": "[THING]", "offset": 2,
   "body": {"epoch": "[EPOCH]", "offset": 2, "durable": true}}

# There is no such Thing, or it is not shared with Ada: nobody is told which.
> {"port": 200, "name": "widgetApp_useraction_open", "id": 4, "thing": "00000000-0000-4000-8000-000000000000", "body": {}}
< {"port": 200, "name": "widgetApp_useraction_open", "id": 4, "thing": "[THING:2]",
   "error": {"code": 200, "name": "thing_not_found",
    "message": "there is no such Thing, or it is not shared with you", "temporary": false}}

# After all this the connection is as good as before.
> {"port": 0, "name": "ping", "id": 5, "body": {}}
< {"port": 0, "name": "ping", "id": 5, "body": {}}

# A message that is no JSON ends it: this program is broken, and should not come back before it is mended.
> Hello?
< close 4509 expected value at line 1 column 1
