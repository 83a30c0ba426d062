// What Swift's Glibc module leaves out of Linux: event descriptors, GNU calls, macros.
#pragma once
#include <fcntl.h>
#include <malloc.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <pthread.h>
#include <signal.h>

int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);  // GNU
int pthread_setname_np(pthread_t thread, const char *name);                       // GNU
void *memmem(const void *bytes, size_t count, const void *wanted, size_t wanted_count);  // GNU

// The part of statx(2) that identifies a file; glibc hides it behind _GNU_SOURCE.
struct file_status {
    unsigned long long inode, size_bytes, blocks;
    unsigned int device_major, device_minor, mode;
    long long birth_seconds, modified_seconds, changed_seconds;
    unsigned int birth_nanoseconds, modified_nanoseconds, changed_nanoseconds;
    int has_birth;
};

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/stat.h>

long syscall(long number, ...);

/// statx of `path` below `directory`, or of the descriptor itself when `path` is empty. 0, or -1 with errno.
static inline int file_status_at(int directory, const char *path, int follow, struct file_status *out) {
    struct statx status;
    int flags = (path[0] == 0 ? 0x1000 /* AT_EMPTY_PATH */ : 0) | (follow ? 0 : AT_SYMLINK_NOFOLLOW);
    if (syscall(SYS_statx, directory, path, flags, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) return -1;
    out->inode = status.stx_ino;
    out->size_bytes = status.stx_size;
    out->blocks = status.stx_blocks;
    out->device_major = status.stx_dev_major;
    out->device_minor = status.stx_dev_minor;
    out->mode = status.stx_mode;
    out->birth_seconds = status.stx_btime.tv_sec;
    out->birth_nanoseconds = status.stx_btime.tv_nsec;
    out->modified_seconds = status.stx_mtime.tv_sec;
    out->modified_nanoseconds = status.stx_mtime.tv_nsec;
    out->changed_seconds = status.stx_ctime.tv_sec;
    out->changed_nanoseconds = status.stx_ctime.tv_nsec;
    out->has_birth = (status.stx_mask & STATX_BTIME) != 0;
    return 0;
}

/// The variables of the process, each `NAME=value`, with NULL at the end. Swift refuses the global itself.
static inline char **process_environment(void) {
    extern char **environ;
    return environ;
}
