"""``python -m neuromod`` is the command ``neuromod``."""

import sys

from neuromod.cli import main

sys.exit(main())
