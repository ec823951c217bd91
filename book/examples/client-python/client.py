"""Shows the changes of a Thing and makes one: client.py THING, with an access token in WIDGETAPP_TOKEN."""

import asyncio
import json
import os
import random
import sys

import websockets  # version 14 or later

URL = os.environ.get("WIDGETAPP_URL", "ws://127.0.0.1:8080/_stream")
HEADERS = {"Authorization": "Bearer " + os.environ["WIDGETAPP_TOKEN"]}
EDIT = {"key": "checked-by-python", "patch": [{"op": "add", "path": "/meta/checked", "value": True}]}
since = None  # where we are in the Thing's log: epoch and offset


async def stream(thing):
    """One connection, until it ends."""
    global since
    async with websockets.connect(URL, subprotocols=["widgetapp.v1.json"], additional_headers=HEADERS) as socket:

        async def send(name, id, **body):
            name = "widgetApp_useraction_" + name
            await socket.send(json.dumps({"port": 200, "name": name, "id": id, "thing": thing, "body": body}))

        async for text in socket:
            message = json.loads(text)
            body = message.get("body")
            if "error" in message:
                print("refused:", message["error"]["message"])
            elif message["name"] == "welcome":
                print("welcome,", body["user"])
                await send("open", 1, **({"since": since} if since else {}))
            elif message.get("id") == 1:
                print("open, nothing missed" if body["recovered"] else "open: " + body["content"]["notes"].strip())
                for change in body.get("missed", []):
                    print(change["offset"], change["body"]["user"], change["body"].get("patch"))
                since = {"epoch": body["epoch"], "offset": body["offset"]}
                # Its key makes it safe to send an edit again: it is done once.
                await send("edit", 2, **EDIT)
            elif message.get("id") == 2:
                print("my edit is stored at", message["offset"])
                since["offset"] = max(since["offset"], message["offset"])
            elif "offset" in message:
                print(message["offset"], body["user"], body.get("patch"))
                since["offset"] = message["offset"]
    print("closed:", socket.close_code, socket.close_reason)
    return socket.close_code


async def main(thing):
    wait = 0.5
    while True:
        try:
            if (await stream(thing) or 0) >= 4500:
                return  # coming back would not help
            wait = 0.5
        except OSError as error:
            print("no connection:", error)
        await asyncio.sleep(random.uniform(0, wait))
        wait = min(2 * wait, 20)


asyncio.run(main(sys.argv[1]))
