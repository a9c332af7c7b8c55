/* Module neuromod._machine: the vector level of this processor, before one of the cores is loaded.
 * SPDX-License-Identifier: MIT */
#include <Python.h>

#include "nm_machine.h"

static PyObject *level(PyObject *module, PyObject *none) {
    (void)module, (void)none;
    return PyLong_FromLong(nm_machine_level());
}

static PyMethodDef methods[] = {
    {"level", level, METH_NOARGS, "level()\n--\n\nPosition of this processor's level in neuromod.vector.LEVELS."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef machine = {PyModuleDef_HEAD_INIT, "neuromod._machine", NULL, 0, methods,
                                     NULL,                  NULL,                NULL, NULL};

PyMODINIT_FUNC PyInit__machine(void) {
    return PyModule_Create(&machine);
}
