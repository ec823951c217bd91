GET /_stream
Authorization: Bearer [TOKEN]

<. {"port": 0, "name": "welcome",
    "body": {"session": "[SESSION]", "user": "ada", "organisation": "acme", "expires_at": [TIME],
     "ping_ms": 25000, "pong_ms": 10000, "max_frame_bytes": 1048576, "max_things": 128,
     "ports": {"notifications": 203, "presence": 202, "session": 0, "sync": 201, "useraction": 200},
     "sfe": "1", "stream": "1.1", "node": "[NODE]"}}

# No service has port 7.
> {"port": 7, "name": "hello", "id": 1, "body": {}}
< {"port": 7, "name": "hello", "id": 1,
   "error": {"code": 102, "name": "unknown_port", "message": "no service has port 7", "temporary": false}}

# Port 200 knows no such user action.
> {"port": 200, "name": "widgetApp_useraction_dance", "id": 2, "body": {}}
< {"port": 200, "name": "widgetApp_useraction_dance", "id": 2,
   "error": {"code": 103, "name": "unknown_name",
    "message": "port 200 does not know \"widgetApp_useraction_dance\"", "temporary": false}}

# There is no such Thing, or it is not shared with Ada: she is not told which.
> {"port": 200, "name": "widgetApp_useraction_open", "id": 3,
   "thing": "00000000-0000-4000-8000-000000000000", "body": {}}
< {"port": 200, "name": "widgetApp_useraction_open", "id": 3, "thing": "00000000-0000-4000-8000-000000000000",
   "error": {"code": 200, "name": "thing_not_found",
    "message": "there is no such Thing, or it is not shared with you", "temporary": false}}

# What is not open cannot be closed.
> {"port": 200, "name": "widgetApp_useraction_close", "id": 4, "thing": "[THING]", "body": {}}
< {"port": 200, "name": "widgetApp_useraction_close", "id": 4, "thing": "[THING]",
   "error": {"code": 202, "name": "not_open", "message": "this connection has not opened the Thing",
    "temporary": false}}

# A change that does not fit.
> {"port": 200, "name": "widgetApp_useraction_edit", "id": 5, "thing": "[THING]",
   "body": {"key": "k", "patch": [{"op": "remove", "path": "/parts/sofa"}]}}
< {"port": 200, "name": "widgetApp_useraction_edit", "id": 5, "thing": "[THING]",
   "error": {"code": 203, "name": "invalid_patch",
    "message": "the patch does not fit: operation 0: path is invalid", "temporary": false}}

# After all this the connection is as good as before.
> {"port": 0, "name": "ping", "id": 6, "body": {}}
< {"port": 0, "name": "ping", "id": 6, "body": {}}

# A message that is no JSON ends it: this program is broken, and should not come back before it is mended.
> Hello?
< close 4509 expected value at line 1 column 1
