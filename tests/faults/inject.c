/* Fails or kills at the nth call on a database file, as a shared control file says: three 64-bit numbers, the kinds of calls
 * (1 write, 2 sync, 4 rename and unlink), how many of them still pass, and what happens then: an errno, or -9 to kill. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, RENAME = 4 };

static volatile long long *control;

__attribute__((constructor)) static void map_control(void) {
    const char *path = getenv("FAULT_CONTROL");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *mapped = mmap(NULL, 24, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped != MAP_FAILED) control = mapped;
}

/* Whether this call fails; errno is set then. */
static int fails(int kind, const char *path) {
    if (!control || !(control[0] & kind) || !path || !strstr(path, "task.db")) return 0;
    if (__sync_fetch_and_sub(&control[1], 1) > 1) return 0;
    if (control[2] == -9) raise(SIGKILL);
    errno = (int)control[2];
    return 1;
}

static int fd_fails(int kind, int fd) {
    if (!control || !(control[0] & kind)) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails(kind, path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *from, size_t count) { return fd_fails(WRITE, fd) ? -1 : NEXT(write)(fd, from, count); }
ssize_t pwrite(int fd, const void *from, size_t count, off_t at) { return fd_fails(WRITE, fd) ? -1 : NEXT(pwrite)(fd, from, count, at); }
ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) { return fd_fails(WRITE, fd) ? -1 : NEXT(pwrite64)(fd, from, count, at); }
int fsync(int fd) { return fd_fails(SYNC, fd) ? -1 : NEXT(fsync)(fd); }
int fdatasync(int fd) { return fd_fails(SYNC, fd) ? -1 : NEXT(fdatasync)(fd); }
int rename(const char *from, const char *to) { return fails(RENAME, from) ? -1 : NEXT(rename)(from, to); }
int unlink(const char *path) { return fails(RENAME, path) ? -1 : NEXT(unlink)(path); }
