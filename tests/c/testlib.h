/* Tests in plain C: a table of named functions, CHECK inside them, and a main that lists and runs them.
 *
 *   static void sum_is_right(void) { CHECK(1 + 1 == 2); }
 *   static const nm_test tests[] = {TEST(sum_is_right), {NULL, NULL}};
 *   int main(int argc, char **argv) { return nm_test_main(tests, argc, argv); }
 *
 * `program --list` prints the names; `program NAME ...` runs those; `program` runs all. Exit 0: all passed,
 * 1: a check failed or a test checked nothing, 2: no such test.
 * SPDX-License-Identifier: MIT */
#ifndef TESTLIB_H
#define TESTLIB_H

#include <stdio.h>
#include <string.h>

typedef struct nm_test {
    const char *name;
    void (*run)(void);
} nm_test;

static long checks_made, checks_failed;

#define TEST(function)                                                                                       \
    { #function, function }
#define CHECK(condition)                                                                                     \
    (checks_made++, (condition) ? (void)0                                                                    \
                                : (checks_failed++, (void)printf("%s:%d: CHECK(%s) failed\n", __FILE__,      \
                                                                 __LINE__, #condition)))

static int nm_test_run(const nm_test *test) {
    checks_made = checks_failed = 0;
    test->run();
    int passed = checks_made > 0 && checks_failed == 0;
    printf("%s %s (%ld checks, %ld failed)\n", passed ? "ok" : "FAILED", test->name, checks_made,
           checks_failed);
    return passed ? 0 : 1;
}

static int nm_test_main(const nm_test *tests, int argc, char **argv) {
    int list = argc == 2 && strcmp(argv[1], "--list") == 0, status = 0, found = 0;
    for (const nm_test *test = tests; test->name != NULL; test++) {
        int wanted = argc == 1;
        for (int i = 1; i < argc; i++)
            wanted |= strcmp(argv[i], test->name) == 0;
        if (list)
            printf("%s\n", test->name);
        else if (wanted)
            status |= nm_test_run(test);
        found += wanted;
    }
    return list ? 0 : (argc > 1 && found != argc - 1 ? 2 : status);
}

#endif
