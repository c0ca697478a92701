/* Forks for ever, in every child too, each deaf to polite signals. Says once that it has begun. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    signal(SIGTERM, SIG_IGN);
    puts("lit");
    fflush(stdout);
    for (;;)
        if (fork() < 0)
            usleep(1000);
}
