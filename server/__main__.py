"""`python -m server COMMAND`: what `./hotline` hands over to."""

import sys

from server.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
