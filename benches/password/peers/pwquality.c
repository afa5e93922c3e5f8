/* libpwquality with and without the dictionary of cracklib: reads candidates, one a line, and prints the nanoseconds of
 * processor time for one of them.
 *
 * apt-get install libpwquality-dev cracklib-runtime
 * cc -O2 -o target/pwquality benches/password/peers/pwquality.c -lpwquality
 * target/pwquality plain|cracklib < candidates
 */
#include <pwquality.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv) {
    pwquality_settings_t *settings = pwquality_default_settings();
    pwquality_set_int_value(settings, PWQ_SETTING_DICT_CHECK, argc > 1 && !strcmp(argv[1], "cracklib"));
    char line[1024];
    long count = 0;
    double spent = 0;
    while (fgets(line, sizeof line, stdin)) {
        void *error = NULL;
        line[strcspn(line, "\n")] = 0;
        double start = now();
        pwquality_check(settings, line, NULL, "svc-sync", &error);
        spent += now() - start;
        count++;
    }
    /* What reading the clock takes. */
    double start = now();
    for (int i = 0; i < 100000; i++) now();
    double clock = (now() - start) / 100000;
    printf("%.0f\n", count ? spent / count - clock : 0);
    pwquality_free_settings(settings);
    return 0;
}
