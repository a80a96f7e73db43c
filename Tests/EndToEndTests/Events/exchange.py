"""Sends requests over one connection that stays open: a line of json in, a line of json out.

The first line says where to: port, certificate file, user and password. Nothing secret is in the arguments.
"""

import base64
import http.client
import json
import ssl
import sys
import time

# nginx closes a connection that was idle for 65 seconds.
IDLE = 30


def main() -> None:
    place = json.loads(sys.stdin.readline())
    context = ssl.create_default_context(cafile=place["ca"])
    connection = http.client.HTTPSConnection("localhost", place["port"], timeout=120, context=context)
    credentials = base64.b64encode(f"{place['user']}:{place['password']}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
    used = time.monotonic()
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        body = request.get("body")
        if time.monotonic() - used > IDLE:
            connection.close()
        connection.request(
            request["method"],
            "/api/v01" + request["path"],
            body=None if body is None else body.encode(),
            headers=headers,
        )
        answer = connection.getresponse()
        text = answer.read().decode()
        used = time.monotonic()
        sys.stdout.write(json.dumps({"status": answer.status, "body": text}) + "\n")
        sys.stdout.flush()


main()
