"""The extension modules; all else stands in ``pyproject.toml``.

``neuromod/_core/core.pyx`` is compiled once and every ``csrc/*.c`` once per vector level. Each level is one extension
module, linked from the two; ``neuromod/vector.py`` loads one of them. ``neuromod._machine`` tells which levels the
processor has.

Environment variables:

- ``NEUROMOD_BUILD``: ``strict`` (every warning about our own C is an error), ``sanitize`` (address and undefined
  behaviour sanitizers, asserts on), ``threads`` (thread sanitizer, asserts on) or ``coverage``
  (gcov, asserts on). Unset: the release build of the wheels.
- ``NEUROMOD_ABI3``: ``0`` builds for this Python version only; ``1`` for the stable ABI of CPython >= 3.11.
"""

import copy
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.modified import newer_group

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
        [
            *OUR_C,
            "-Wall",
            "-Wextra",
            "-Wconversion",
            "-Wshadow",
            "-Wpedantic",
            "-Wcast-qual",
            "-Werror",
            "-Wno-pass-failed",
        ],
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
    "coverage": (
        ["-O0", "-g", "-UNDEBUG", "-ffp-contract=off"],
        [*OUR_C, "--coverage", "-DNM_INLINE=static inline"],
        ["--coverage"],
    ),
}
MSVC = (["/O2", "/fp:precise"], ["/std:c11"], [])

# Vector level -> flags of csrc/*.c, as csrc/nm_machine.h has the levels, and the macro that the compiler then defines.
# In release builds a level is built where the compiler can build it: on x86-64 with gcc or clang. MSVC builds the
# baseline alone, and so does gcc on Windows, which does not align the stack for AVX (gcc bug 54412).
AVX2 = ["-mavx2", "-mbmi", "-mbmi2", "-mlzcnt", "-mpopcnt"]
AVX512 = ["-mavx512f", "-mavx512cd", "-mavx512bw", "-mavx512dq", "-mavx512vl"]
LEVELS = {"baseline": ([], None), "avx2": (AVX2, "__AVX2__"), "avx512": ([*AVX2, *AVX512], "__AVX512VL__")}
PROBE = """
#if !defined(__x86_64__) || !defined({macro}) || (defined(_WIN32) && !defined(__clang__))
#error this compiler does not build this level
#endif
#include <immintrin.h>
"""

if MODE not in MODES:
    raise SystemExit(
        f"NEUROMOD_BUILD: must be one of {', '.join(filter(None, MODES))} or unset; got {MODE!r}"
    )


class BuildPython(build_py):
    """Copies files with one mode, whatever that of the checkout is: two builds of a version are the same bytes."""

    def run(self):
        super().run()
        for path in self.get_outputs(include_bytecode=False):
            if not self.editable_mode and Path(path).is_file():
                Path(path).chmod(0o644)


class BuildCore(build_ext):
    """Compiles the objects, several at a time, then links an extension module of each level."""

    def build_extensions(self):
        self.msvc = self.compiler.compiler_type == "msvc"
        if not self.msvc:
            self.require_tools()
        elif not self.compiler.initialized:
            self.compiler.initialize()  # before several threads do
        self.extensions = [ext for ext in self.extensions if ext.level is None or self.can_build(ext.level)]
        everywhere, ours, self.link = MSVC if self.msvc else MODES[MODE]
        for ext in self.extensions:
            ext.extra_compile_args = everywhere
            if ext.level is None:  # _machine, which tells how the package was built
                ext.define_macros = [
                    *ext.define_macros,
                    ("NM_BUILD", " ".join([MODE or "release", *everywhere])),
                ]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            # The longest first.
            binding = pool.submit(self.compile, self.cythonized(), "", everywhere, core.define_macros)
            levels = {
                level: [
                    pool.submit(self.compile, path, level, [*everywhere, *ours, *LEVELS[level][0]])
                    for path in CORE
                ]
                for level in (ext.level for ext in self.extensions if ext.level)
            }
            self.objects = {
                level: [job.result() for job in (binding, *jobs)] for level, jobs in levels.items()
            }
        super().build_extensions()

    def cythonized(self):
        """The C file of core.pyx, made again where it is out of date."""
        from Cython.Build import cythonize

        (made,) = cythonize(
            [Extension("neuromod._core", [BINDING])],  # the name that the module has, whatever its level
            include_path=core.include_dirs,
            build_dir=self.build_temp,
            compiler_directives={"language_level": "3", "auto_pickle": False},
            force=self.force,
            quiet=not self.verbose,
        )
        return made.sources[0]

    def compile(self, source, level, flags, macros=()):
        """The object of a source; compiled anew where a file or a flag has changed."""
        folder = Path(self.build_temp, level)
        (built,) = self.compiler.object_filenames([source], output_dir=str(folder))
        told = Path(f"{built}.flags")
        command = repr((getattr(self.compiler, "compiler_so", None), flags, macros))
        same = told.exists() and told.read_text() == command
        if self.force or not same or newer_group([source, *HEADERS], built):
            told.unlink(missing_ok=True)
            self.compiler.compile(
                [source],
                output_dir=str(folder),
                macros=list(macros),
                include_dirs=core.include_dirs,
                extra_postargs=flags,
            )
            told.write_text(command)
        return built

    def can_build(self, level):
        flags, macro = LEVELS[level]
        if macro is None:
            return True
        if self.msvc or MODE not in ("", "strict"):
            return False
        # An error of the compiler is the answer "no", so it is not printed.
        probe = Path(self.build_temp, f"{level}.c")
        probe.parent.mkdir(parents=True, exist_ok=True)
        probe.write_text(PROBE.format(macro=macro))
        command = [*self.compiler.compiler_so, *flags, "-c", str(probe), "-o", str(probe.with_suffix(".o"))]
        print(f"vector level {level}: {shlex.join(command)}")
        return subprocess.run(command, capture_output=True).returncode == 0

    def build_extension(self, ext):
        if ext.level is not None:
            ext = copy.copy(ext)  # the sources stay named, for a source distribution
            ext.sources, ext.extra_objects = [], self.objects[ext.level]
            ext.depends, ext.extra_link_args = ext.extra_objects, self.link
        elif (
            sys.platform == "linux"
        ):  # it calls nothing of libc, but auditwheel tells libc's kind by what is NEEDED
            ext.extra_link_args = ["-Wl,--no-as-needed", "-lc"]
        super().build_extension(ext)

    def get_export_symbols(self, ext):
        """Of the linker on Windows; elsewhere the attribute of the function says it."""
        return super().get_export_symbols(ext) if ext.level is None else ["PyInit__core"]

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


BINDING = "neuromod/_core/core.pyx"
CORE = files("csrc/*.c")
HEADERS = files("csrc/*.h")


def extension(name, sources, level=None):
    ext = Extension(
        f"neuromod.{name}",
        sources=sources,
        include_dirs=["csrc"],
        # What a source distribution must hold besides the sources, and what a rebuild depends on.
        depends=[*HEADERS, *files("neuromod/_core/*.pxi")],
        define_macros=[("Py_LIMITED_API", "0x030B0000")] if ABI3 else [],
        py_limited_api=ABI3,
    )
    ext.level = level
    return ext


levels = [extension(f"_core.{level}", [BINDING, *CORE], level) for level in LEVELS]
core = levels[0]

setup(
    ext_modules=[*levels, extension("_machine", ["neuromod/_machine.c", "csrc/nm_machine.c"])],
    cmdclass={"build_py": BuildPython, "build_ext": BuildCore},
    options={
        # A folder for each kind of build, so that none picks up the objects of another.
        "build": {"build_base": f"build/{MODE or 'release'}{'-abi3' if ABI3 else ''}"},
        **({"bdist_wheel": {"py_limited_api": ABI3_FROM}} if ABI3 else {}),
    },
)
