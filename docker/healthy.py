"""Whether the server in this container is alive: exit code 0, else 1 with a sentence. Arguments: state folder, address it listens on."""

import json
import sys
import urllib.request
from pathlib import Path


def main(state: str, listen: str) -> int:
    host = "127.0.0.1" if listen in ("0.0.0.0", "::") else listen
    try:
        port = json.loads((Path(state) / "ports.json").read_text())["http"]
        with urllib.request.urlopen(f"http://{host}:{port}/healthz", timeout=3) as answer:
            answer.read()
    except (OSError, ValueError, KeyError) as reason:
        print(f"the server does not answer: {reason}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
