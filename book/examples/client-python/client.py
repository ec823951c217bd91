"""Shows the changes of a Thing and makes one: client.py THING, with an access token in WIDGETAPP_TOKEN."""

import asyncio
import json
import os
import random
import sys

import websockets  # version 14 or later

URL = os.environ.get("WIDGETAPP_URL", "ws://127.0.0.1:8080/_stream")
HEADERS = {"Authorization": "Bearer " + os.environ["WIDGETAPP_TOKEN"]}

since = None  # how far we have come in the Thing's log: epoch and offset
edit = {"key": "checked-by-python", "patch": [{"op": "add", "path": "/meta/checked", "value": True}]}


def show(change):
    print(change["offset"], change["body"]["user"], change["body"].get("patch"))


async def stream(thing):
    """One connection, until it ends."""
    global since, edit
    async with websockets.connect(URL, subprotocols=["widgetapp.v1.json"], additional_headers=HEADERS) as socket:

        async def send(action, id, body):
            name = "widgetApp_useraction_" + action
            await socket.send(json.dumps({"port": 200, "name": name, "id": id, "thing": thing, "body": body}))

        while True:
            message = json.loads(await socket.recv())
            body = message.get("body")
            if "error" in message:
                print("refused:", message["error"]["message"])
            elif message["name"] == "welcome":
                print("welcome,", body["user"])
                await send("open", 1, {"since": since} if since else {})
            elif message.get("id") == 1:
                print("resumed" if body["recovered"] else "open: " + body["content"]["notes"].strip())
                for change in body.get("missed", []):
                    show(change)
                since = {"epoch": body["epoch"], "offset": body["offset"]}
                if edit:  # its key makes it safe to send it again until it is acknowledged
                    await send("edit", 2, edit)
            elif message.get("id") == 2:
                print("my edit is stored at", message["offset"])
                since["offset"] = max(since["offset"], message["offset"])
                edit = None
            elif "offset" in message:
                show(message)
                since["offset"] = message["offset"]


async def main(thing):
    while True:
        try:
            await stream(thing)
        except websockets.ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
            print("closed with", code)
            if code >= 4500:  # coming back would not help
                return
        except websockets.InvalidStatus as refused:
            answer = refused.response
            is_json = "json" in answer.headers.get("Content-Type", "")
            print("refused with", answer.status_code, json.loads(answer.body)["detail"] if is_json else "")
            if answer.status_code not in (429, 502, 503, 504):  # trying again would not help
                return
            await asyncio.sleep(int(answer.headers.get("Retry-After", 1)))
        except OSError as error:
            print("no connection:", error)
        await asyncio.sleep(random.uniform(0.5, 2))


asyncio.run(main(sys.argv[1]))
