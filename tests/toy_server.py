"""A small server that keeps lines in a file, and its client: `serve FOLDER PORT GATE` and `ask PORT WORDS`.

Imports little, since tests start it often. Its password is the file `password` of its folder; a client has it
in TOY_PASSWORD. It ends by itself after two minutes, should a test forget it.
"""

import os
import signal
import socket
import sys
import time

LIFETIME = 120


def serve(folder: str, port: str, gate: str) -> None:
    """Listen, and go on in the background; answer nobody before there is a file `gate`."""
    listener = socket.create_server(("127.0.0.1", int(port)))
    if os.fork():
        os._exit(0)
    os.setsid()
    signal.alarm(LIFETIME)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    os.chdir(folder)
    _write("process", f"{os.getpid()} {listener.getsockname()[1]}")
    _log("starting")
    while gate and not os.path.exists(gate):  # noqa: PTH110
        time.sleep(0.01)
    _log("ready")
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw") as stream:
            stream.write(_answer(*stream.readline().rstrip("\n").partition(" ")[::2]))


def _answer(password: str, request: str) -> str:
    if password != _read("password"):
        return "error: wrong password\n"
    verb, _, text = request.partition(" ")
    if verb == "add":
        _write("lines", text + "\n", "a")
        _log(f"added {text}")
        return "ok\n"
    if verb == "all":
        return _read("lines")
    return "pong\n" if verb == "ping" else f"error: what is {verb}?\n"


def _read(name: str) -> str:
    try:
        with open(name) as file:  # noqa: PTH123
            return file.read()
    except FileNotFoundError:
        return ""


def _write(name: str, text: str, mode: str = "w") -> None:
    with open(name, mode) as file:  # noqa: PTH123
        file.write(text)


def _log(text: str) -> None:
    _write("log", f"{time.time():.6f} {text}\n", "a")


def ask(port: str, *words: str) -> int:
    """Have a request answered; `hold` waits for an interrupt instead, as a client at a prompt does."""
    if words == ("hold",):
        return _hold()
    with socket.create_connection(("127.0.0.1", int(port)), 10) as connection:
        connection.sendall(f"{os.environ['TOY_PASSWORD']} {' '.join(words)}\n".encode())
        answer = connection.makefile().read()
    print(answer, end="")
    return 3 if answer.startswith("error") else 0


def _hold() -> int:
    try:
        print("holding", flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        print("interrupted")
        return 7
    return 0


if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    sys.exit(serve(*arguments) if verb == "serve" else ask(*arguments))  # type: ignore[func-returns-value]
