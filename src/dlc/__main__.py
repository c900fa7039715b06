"""`python -m dlc` is the command line."""

import sys

from dlc.cli import main

sys.exit(main())
