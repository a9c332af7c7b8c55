"""The one extension module: ``neuromod/_core/core.pyx`` and every ``csrc/*.c``. All else stands in ``pyproject.toml``.

Environment variables:

- ``NEUROMOD_BUILD``: ``strict`` (every warning about our own C is an error), ``sanitize`` (address and undefined
  behaviour sanitizers, asserts on), ``threads`` (thread sanitizer, asserts on) or ``coverage``
  (gcov, asserts on). Unset: the release build of the wheels.
- ``NEUROMOD_ABI3``: ``0`` builds for this Python version only; ``1`` for the stable ABI of CPython >= 3.11.
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ABI3_FROM = "cp311"
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))  # has no limited API before 3.15
ABI3 = os.environ.get("NEUROMOD_ABI3", "0" if FREE_THREADED else "1") == "1"
MODE = os.environ.get("NEUROMOD_BUILD", "")

# -ffp-contract=off: the same bits with and without FMA. No -ffast-math, no -march=native, for the same reason.
RELEASE = ["-O3", "-g0", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"]
OUR_C = ["-std=c11"]
MODES = {  # flags of every file, further flags of csrc/*.c alone (Cython's C is not ours to mend), linker flags
    "": (RELEASE, OUR_C, []),
    "strict": (
        RELEASE,
        [*OUR_C, "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Wcast-qual", "-Werror"],
        [],
    ),
    "sanitize": (
        ["-O1", "-g", "-UNDEBUG", "-ffp-contract=off", "-fno-omit-frame-pointer"],
        [*OUR_C, "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
        ["-fsanitize=address,undefined"],
    ),
    "threads": (
        ["-O1", "-g", "-UNDEBUG", "-ffp-contract=off", "-fno-omit-frame-pointer"],
        [*OUR_C, "-fsanitize=thread"],
        ["-fsanitize=thread"],
    ),
    "coverage": (["-O0", "-g", "-UNDEBUG", "-ffp-contract=off"], [*OUR_C, "--coverage"], ["--coverage"]),
}
MSVC = (["/O2", "/fp:precise"], ["/std:c11"], [])

if MODE not in MODES:
    raise SystemExit(
        f"NEUROMOD_BUILD: must be one of {', '.join(filter(None, MODES))} or unset; got {MODE!r}"
    )


class BuildCore(build_ext):
    """Compiles csrc/*.c with flags of their own, then the extension around the objects."""

    def build_extension(self, ext):
        msvc = self.compiler.compiler_type == "msvc"
        if not msvc:
            self.require_tools()
        everywhere, ours, link = MSVC if msvc else MODES[MODE]
        core = [source for source in ext.sources if source.endswith(".c")]
        ext.extra_objects = self.compiler.compile(
            core,
            output_dir=self.build_temp,
            include_dirs=ext.include_dirs,
            extra_postargs=[*everywhere, *ours],
            depends=ext.depends,
        )
        ext.sources = [source for source in ext.sources if source not in core]
        ext.depends = [*ext.depends, *core]  # or a change of them alone would not be linked in
        ext.extra_compile_args = everywhere
        ext.extra_link_args = link
        super().build_extension(ext)

    def require_tools(self):
        """One line that names the packages, rather than a page of compiler calls."""
        compiler, header = self.compiler.compiler[0], Path(sysconfig.get_path("include"), "Python.h")
        missing = [f"C compiler ({compiler})"] if shutil.which(compiler) is None else []
        missing += [] if header.is_file() else [f"Python headers ({header})"]
        if missing:
            remedy = {"darwin": "run `xcode-select --install`"}.get(
                sys.platform,
                "on Debian and Ubuntu `apt install gcc python3-dev`, on Fedora `dnf install gcc python3-devel`",
            )
            raise SystemExit(f"neuromod-snn: no {' and no '.join(missing)} found: {remedy}")


def files(pattern):
    return sorted(path.as_posix() for path in Path().glob(pattern))


core = Extension(
    "neuromod._core",
    sources=["neuromod/_core/core.pyx", *files("csrc/*.c")],
    include_dirs=["csrc"],
    # What a source distribution must hold besides the sources, and what a rebuild depends on.
    depends=[
        *files("csrc/*.h"),
        *files("neuromod/_core/*.pxi"),
    ],
    define_macros=[("Py_LIMITED_API", "0x030B0000")] if ABI3 else [],
    py_limited_api=ABI3,
)
core.cython_directives = {"language_level": "3", "auto_pickle": False}
core.cython_c_in_temp = True  # the generated C never lands in the checkout

setup(
    ext_modules=[core],
    cmdclass={"build_ext": BuildCore},
    options={
        # A folder for each kind of build, so that none picks up the objects of another.
        "build": {"build_base": f"build/{MODE or 'release'}{'-abi3' if ABI3 else ''}"},
        **({"bdist_wheel": {"py_limited_api": ABI3_FROM}} if ABI3 else {}),
    },
)
