GET /_stream
Authorization: Bearer [TOKEN]

<. {"port": 0, "name": "welcome",
    "body": {"session": "[SESSION]", "user": "ada", "organisation": "acme", "expires_at": [TIME],
     "ping_ms": 25000, "pong_ms": 10000, "max_frame_bytes": 1048576, "max_things": 128,
     "ports": {"notifications": 203, "presence": 202, "session": 0, "sync": 201, "useraction": 200},
     "sfe": "1", "stream": "1.1", "node": "[NODE]"}}

# 30 seconds before the token expires, the server says so.
< {"port": 0, "name": "token_expiring", "body": {"expires_at": [TIME]}}

# The program gets a new one, as it got the first, and goes on without a pause.
> {"port": 0, "name": "refresh", "id": 1, "body": {"token": "[TOKEN:ada]"}}
< {"port": 0, "name": "refresh", "id": 1, "body": {"expires_at": [TIME]}}

# A token that is none is refused.
> {"port": 0, "name": "refresh", "id": 2, "body": {"token": "made up"}}
< {"port": 0, "name": "refresh", "id": 2,
   "error": {"code": 105, "name": "invalid_token", "message": "the access token is not valid; get a new one",
    "temporary": false}}
