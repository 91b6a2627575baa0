"""One client process: opens a store, says when it is ready, appends for some seconds, and tells its waits.

python -m benchmarks.process STORE DIRECTORY SECONDS NAME
"""

import json
import sys
from pathlib import Path
from time import perf_counter

from fleet_bench.crowd import busy, store_clients
from fleet_bench.stores import open_store


def main(name: str, directory: str, seconds: str, client: str) -> None:
    """Be that client."""
    store = open_store(name, Path(directory), {})
    (append,) = store_clients(store, 1, client)
    append()
    print("ready", flush=True)
    sys.stdin.readline()
    waits = busy(append, perf_counter() + float(seconds))
    print(json.dumps(waits))
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
