"""A consumer of mail: `consumer.py FOLDER TOKEN`. It tells each page that it is handed as a line of JSON, and
is done with it when it is given a line.
"""

import sys

import msgspec

from fleet_core.api import Fleet
from fleet_squawk.api import Advance, Receive, advance, receive


def main(folder: str, token: int) -> None:
    """Take page after page."""
    with Fleet.open(folder) as fleet:
        while True:
            page = receive(fleet, Receive(token=token, limit=100)).state
            print(msgspec.json.encode(page).decode(), flush=True)
            if not sys.stdin.readline():
                return
            if page.messages:
                advance(fleet, Advance(token=token, position=page.messages[-1].position))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
