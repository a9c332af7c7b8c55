"""The command ``neuromod``, which ``python -m neuromod`` is, too: Ctrl-C is quiet while it is imported."""

import os
import signal
import sys
from types import FrameType

__all__ = ["main"]

_SAID = b"interrupted; nothing was written\n"
_CODE = 130


def main() -> int:
    """Run the command line of this process.

    Returns
    -------
    int
        The exit code: 0 done, 1 failed, 2 wrong input, 130 interrupted.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as behind nohup
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from neuromod.cli import main as command

        return command()
    except KeyboardInterrupt:  # before or after what the command itself catches
        _say()
        return _CODE


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End the process at once until NumPy is there: its import makes an ``ImportError`` of a ``KeyboardInterrupt``.

    No command has begun its work then. Later, Ctrl-C raises ``KeyboardInterrupt`` as ever.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None or getattr(numpy.__spec__, "_initializing", False):
        _say()
        os._exit(_CODE)
    signal.default_int_handler(number, frame)


def _say() -> None:
    """Say that the command has ended; standard error may be closed."""
    try:
        os.write(2, _SAID)
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main())
