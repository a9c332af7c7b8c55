"""``python -m neuromod`` is the command ``neuromod``."""

import sys

try:
    from neuromod.cli import main
except KeyboardInterrupt:
    sys.exit(130)

sys.exit(main())
