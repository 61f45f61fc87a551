/*
 * interrupt.c: signals that ask for an orderly end.
 *
 * The flag is the program's one mutable global: a handler has no other way to
 * leave a word.
 */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t seen;

static void handle(int number)
{
    (void)number;
    seen = 1;
}

void interrupt_catch(void)
{
    struct sigaction action = {0};

    action.sa_handler = handle;
    /* RESETHAND: the second signal does what it always did. */
    action.sa_flags = (int)SA_RESETHAND | SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupt_seen(void)
{
    return seen;
}
