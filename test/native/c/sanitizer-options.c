/* A shim starts without an environment, so its sanitizers are told here: leaks end with the process, all else is fatal. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "detect_leaks=0:abort_on_error=1";
}
