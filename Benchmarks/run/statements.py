"""The product's statements by name and text, read off its connection by the proxy of the chaos tests."""

import os
import re
import struct

from proxy import Director, Proxies


class Listening(Director):
    """Notes each statement that is prepared."""

    def __init__(self):
        self.texts = {}

    async def request(self, session, one):
        """Looks through the messages of a round."""
        at = 0
        while at + 5 <= len(one.request) and one.name != "connect":
            length = struct.unpack("!i", one.request[at + 1:at + 5])[0]
            if one.request[at:at + 1] == b"P":
                name, text = one.request[at + 5:at + 1 + length].split(b"\0")[:2]
                self.texts[name.decode().split("#", 1)[0]] = text.decode()
            at += 1 + length


def overheard(stack, action):
    """The statements that the product prepares while the action runs: texts by name."""
    folder = f"{stack.folder}/proxy"
    os.makedirs(folder, exist_ok=True)
    stack.own(folder, 0o755)
    proxies = Proxies({"books": (folder, f"{stack.books.folder}/.s.PGSQL.5432")})
    listening = proxies.direct(Listening())
    url, stack.books_url = stack.books_url, f"host={folder} dbname=billing"
    try:
        stack.configure()
        action()
    finally:
        stack.books_url = url
        stack.configure()
        proxies.close()
    return listening.texts


def essence(text):
    """A statement's text without what pg_stat_statements replaces: constants, parameters, the way it is broken."""
    text = re.sub(r"--[^\n]*", " ", text)
    text = re.sub(r"'[^']*'|\$\d+|\b(?:\d+|true|false|null)\b", "?", text)
    return " ".join(text.split())
