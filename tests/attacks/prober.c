// Calls every system call by number with arguments that do no harm, and makes a socket of every family; prints what came of each:
// `refused` (EPERM or EACCES: the filter or a missing right), `absent` (ENOSYS), `reached` (anything else: the kernel looked at it).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Calls that end, stop or replace the caller, wait for ever, or take no arguments that could be wrong.
static int leave_out(long n) {
    switch (n) {
    case SYS_exit: case SYS_exit_group: case SYS_pause: case SYS_rt_sigreturn: case SYS_rt_sigsuspend: case SYS_rt_sigtimedwait:
    case SYS_fork: case SYS_vfork: case SYS_clone: case SYS_select: case SYS_pselect6: case SYS_poll: case SYS_ppoll: case SYS_wait4:
    case SYS_waitid: case SYS_vhangup: case SYS_sync: case SYS_kill: case SYS_tkill: case SYS_tgkill: case SYS_restart_syscall:
    case SYS_munmap: case SYS_brk: case SYS_mprotect: case SYS_futex: case SYS_alarm: case SYS_setitimer: case SYS_close: case SYS_close_range:
    case SYS_read: case SYS_dup2: case SYS_dup3:
        return 1;
    }
    return 0;
}

static const char *word(int error) {
    if (error == EPERM || error == EACCES) return "refused";
    return error == ENOSYS ? "absent" : "reached";
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    for (long n = 0; n <= 620; n++) {
        if (n == 620) n = 9999;
        if (leave_out(n)) continue;
        // In a process of its own: whatever it does to itself ends with it.
        pid_t child = fork();
        if (child == 0) {
            alarm(2);
            errno = 0;
            long answer = syscall(n, -1L, -1L, -1L, -1L, -1L, -1L);
            _exit(answer == -1 ? (errno > 250 ? 250 : errno) : 251);
        }
        int status = 0;
        waitpid(child, &status, 0);
        printf("call %ld %s\n", n, WIFEXITED(status) ? word(WEXITSTATUS(status)) : "reached");
    }
    for (int family = 0; family < 50; family++) {
        int s = socket(family, SOCK_STREAM, 0);
        if (s == -1 && (errno == ESOCKTNOSUPPORT || errno == EPROTONOSUPPORT || errno == EPROTOTYPE)) s = socket(family, SOCK_DGRAM, 0);
        if (s == -1 && (errno == ESOCKTNOSUPPORT || errno == EPROTONOSUPPORT || errno == EPROTOTYPE)) s = socket(family, SOCK_SEQPACKET, 0);
        printf("family %d %s\n", family, s == -1 ? word(errno) : "reached");
        if (s != -1) close(s);
    }
    return 0;
}
