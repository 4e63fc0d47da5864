"""Run the command line as `python -m feasibility.cli`."""

import sys

from feasibility.cli.start import main

if __name__ == "__main__":
    sys.exit(main())
