"""Listens to a Thing with the `websockets` package: listen.py URL THING COUNT, the token in TOKEN.

Prints `open OFFSET` when it listens, then each change as a line of JSON, and ends after COUNT of them.
"""

import asyncio
import inspect
import json
import os
import sys

import websockets


async def main(url, thing, count):
    headers = {"Authorization": "Bearer " + os.environ["TOKEN"]}
    # The argument was called extra_headers before version 14.
    name = "additional_headers" if "additional_headers" in inspect.signature(websockets.connect).parameters else "extra_headers"
    async with websockets.connect(url, subprotocols=["widgetapp.v1.json"], **{name: headers}) as socket:
        welcome = json.loads(await socket.recv())
        assert (welcome["port"], welcome["name"]) == (0, "welcome"), welcome
        await socket.send(json.dumps({
            "port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": thing, "body": {"as": "json"},
        }))
        while True:
            message = json.loads(await socket.recv())
            if message.get("id") == 1:
                print("open", message["body"]["offset"], flush=True)
            elif message["name"] == "widgetApp_useraction_edit":
                assert (message["port"], message["thing"], message["join"]) == (200, thing, 1), message
                print(json.dumps({"offset": message["offset"], "patch": message["body"]["patch"]}), flush=True)
                count -= 1
                if count == 0:
                    return


asyncio.run(asyncio.wait_for(main(sys.argv[1], sys.argv[2], int(sys.argv[3])), 60))
