"""The C core, bound by ``core.pyx``. It is built once per vector level; the import puts the extension module of the
level in use in this package's place."""

from neuromod.vector import load_core

load_core()
