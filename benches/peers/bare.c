/* The least a container can be: clone into new namespaces, mount an overlay and /proc, pivot_root, execute, wait.
 *
 * bare LOWER SCRATCH PROGRAM [ARG…]
 *
 * No image, no record, no limits, no filter, no capabilities dropped, no streams kept: the floor that `drydock run` is measured against. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char **arguments;
static char upper[4096], work[4096], merged[4096], options[16384];

static void must(long result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "bare: %s: %s\n", what, strerror(errno));
        _exit(125);
    }
}

static int inside(void *unused)
{
    (void)unused;
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make private");
    must(mount("overlay", merged, "overlay", 0, options), "overlay");
    must(chdir(merged), "chdir");
    must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
    must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    must(umount2(".", MNT_DETACH), "umount");
    must(sethostname("bare", 4), "sethostname");
    execv(arguments[0], arguments);
    must(-1, "exec");
    return 125;
}

int main(int argc, char **argv)
{
    static char stack[256 * 1024];
    int status;
    pid_t child;

    if (argc < 4) {
        fprintf(stderr, "usage: bare LOWER SCRATCH PROGRAM [ARG...]\n");
        return 2;
    }
    snprintf(upper, sizeof upper, "%s/%d-upper", argv[2], getpid());
    snprintf(work, sizeof work, "%s/%d-work", argv[2], getpid());
    snprintf(merged, sizeof merged, "%s/%d-merged", argv[2], getpid());
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", argv[1], upper, work);
    must(mkdir(upper, 0755), "mkdir");
    must(mkdir(work, 0755), "mkdir");
    must(mkdir(merged, 0755), "mkdir");
    arguments = argv + 3;
    child = clone(inside, stack + sizeof stack, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | SIGCHLD, NULL);
    must(child, "clone");
    must(waitpid(child, &status, 0), "waitpid");
    /* overlayfs leaves work/work behind. */
    strcat(work, "/work");
    rmdir(work);
    work[strlen(work) - 5] = 0;
    rmdir(work);
    rmdir(upper);
    rmdir(merged);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
