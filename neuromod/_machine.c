/* Module neuromod._machine: the vector level of this processor, before one of the cores is loaded; and how the package
 * was built.
 * SPDX-License-Identifier: MIT */
#include <Python.h>

#include "nm_machine.h"

#define TEXT_OF(words) #words
#define TEXT(words) TEXT_OF(words)

#if defined(__clang__) || defined(__GNUC__)
#define COMPILER __VERSION__
#elif defined(_MSC_VER)
#define COMPILER "MSVC " TEXT(_MSC_VER)
#else
#define COMPILER "unknown"
#endif
#ifdef __clang__
#define FAMILY ""
#elif defined(__GNUC__)
#define FAMILY "gcc "
#else
#define FAMILY ""
#endif
#ifndef NM_BUILD /* setup.py defines it: the kind of build and its flags */
#define NM_BUILD unknown
#endif

static PyObject *level(PyObject *module, PyObject *none) {
    (void)module, (void)none;
    return PyLong_FromLong(nm_machine_level());
}

static PyObject *build(PyObject *module, PyObject *none) {
    (void)module, (void)none;
    return PyUnicode_FromString(TEXT(NM_BUILD) "; " FAMILY COMPILER);
}

static PyMethodDef methods[] = {
    {"level", level, METH_NOARGS, "level()\n--\n\nPosition of this processor's level in neuromod.vector.LEVELS."},
    {"build", build, METH_NOARGS, "build()\n--\n\nThe kind of build, its flags, and the compiler."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef machine = {PyModuleDef_HEAD_INIT, "neuromod._machine", NULL, 0, methods,
                                     NULL,                  NULL,                NULL, NULL};

PyMODINIT_FUNC PyInit__machine(void) {
    return PyModule_Create(&machine);
}
