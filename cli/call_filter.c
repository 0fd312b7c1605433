/* The lists of system calls, through libseccomp.
 *
 *     on a list of the process's groups   goes through
 *     NEVER                               the process is killed
 *     anything else                       ENOSYS, as from a kernel that does not have it
 *
 * NEVER holds what no role and no library of it has a reason to try: whoever calls one of these has
 * taken the process over. The rest is answered like by an old kernel, since that is an answer which
 * the C library knows to live with; rejected: killing for these too, because the next version of a
 * library would end every role on its first new call. For the same reason clone3, whose arguments
 * lie where no filter can look, is not there: threads come by clone, whose flags are looked at.
 *
 * The lists are what strace shows of real runs, and the neighbours of each call that the C library
 * may take instead on another machine. */

#include "cli/call_filter.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_SET_VMA /* Linux 5.17: a name for anonymous memory */
#define PR_SET_VMA 0x53564d41
#endif

#define CALL(name) SCMP_SYS(name)

static const int BASE[] = {
    /* memory */
    CALL(brk),
    CALL(madvise),
    CALL(mincore),
    CALL(mlock),
    CALL(mmap),
    CALL(mprotect),
    CALL(mremap),
    CALL(msync),
    CALL(munlock),
    CALL(munmap),
    /* threads */
    CALL(futex),
    CALL(get_robust_list),
    CALL(getcpu),
    CALL(membarrier),
    CALL(rseq),
    CALL(sched_getaffinity),
    CALL(sched_yield),
    CALL(set_robust_list),
    CALL(set_tid_address),
    CALL(arch_prctl),
    /* clocks and chance */
    CALL(clock_getres),
    CALL(clock_gettime),
    CALL(clock_nanosleep),
    CALL(getitimer),
    CALL(getrandom),
    CALL(gettimeofday),
    CALL(nanosleep),
    CALL(setitimer),
    CALL(alarm),
    CALL(time),
    CALL(timerfd_create),
    CALL(timerfd_gettime),
    CALL(timerfd_settime),
    /* signals; the end */
    CALL(exit),
    CALL(exit_group),
    CALL(pause),
    CALL(restart_syscall),
    CALL(rt_sigaction),
    CALL(rt_sigpending),
    CALL(rt_sigprocmask),
    CALL(rt_sigreturn),
    CALL(rt_sigsuspend),
    CALL(rt_sigtimedwait),
    CALL(sigaltstack),
    CALL(signalfd),
    CALL(signalfd4),
    CALL(tgkill),
    /* who one is */
    CALL(getegid),
    CALL(geteuid),
    CALL(getgid),
    CALL(getgroups),
    CALL(getpgrp),
    CALL(getpid),
    CALL(getppid),
    CALL(getresgid),
    CALL(getresuid),
    CALL(getrlimit),
    CALL(getrusage),
    CALL(gettid),
    CALL(getuid),
    CALL(sysinfo),
    CALL(times),
    CALL(umask),
    CALL(uname),
    /* files, to read */
    CALL(access),
    CALL(close),
    CALL(close_range),
    CALL(dup),
    CALL(dup2),
    CALL(dup3),
    CALL(faccessat),
    CALL(faccessat2),
    CALL(fadvise64),
    CALL(fcntl),
    CALL(fstat),
    CALL(fstatfs),
    CALL(getcwd),
    CALL(getdents64),
    CALL(lseek),
    CALL(lstat),
    CALL(newfstatat),
    CALL(open),
    CALL(openat),
    CALL(pread64),
    CALL(preadv),
    CALL(read),
    CALL(readlink),
    CALL(readlinkat),
    CALL(readv),
    CALL(stat),
    CALL(statfs),
    CALL(statx),
    /* what is open, to write */
    CALL(write),
    CALL(writev),
    /* waiting */
    CALL(epoll_create),
    CALL(epoll_create1),
    CALL(epoll_ctl),
    CALL(epoll_pwait),
    CALL(epoll_pwait2),
    CALL(epoll_wait),
    CALL(eventfd),
    CALL(eventfd2),
    CALL(pipe),
    CALL(pipe2),
    CALL(poll),
    CALL(ppoll),
    CALL(pselect6),
    CALL(select),
};

static const int STREAMS[] = {
    CALL(accept),   CALL(accept4),     CALL(bind),        CALL(connect),
    CALL(fchmod),   CALL(getpeername), CALL(getsockname), CALL(getsockopt),
    CALL(listen),   CALL(recvfrom),    CALL(recvmsg),     CALL(setsockopt),
    CALL(shutdown), CALL(socketpair),  CALL(unlink),      CALL(unlinkat),
};

static const int NAMES[] = {CALL(recvmmsg), CALL(sendmmsg)};

static const int FILES[] = {
    CALL(chmod),           CALL(fallocate), CALL(fchmodat), CALL(fdatasync), CALL(flock),
    CALL(fsync),           CALL(ftruncate), CALL(mkdir),    CALL(mkdirat),   CALL(pwrite64),
    CALL(pwritev),         CALL(rename),    CALL(renameat), CALL(renameat2), CALL(rmdir),
    CALL(sync_file_range), CALL(unlink),    CALL(unlinkat), CALL(utimensat),
};

static const int FORK[] = {CALL(fork), CALL(kill), CALL(vfork), CALL(wait4), CALL(waitid)};

static const int COPY[] = {CALL(copy_file_range), CALL(memfd_create), CALL(sendfile)};

/* A program that starts changes into its folder, lowers its limits, and so on. */
static const int EXEC[] = {CALL(execve), CALL(chdir), CALL(setpriority), CALL(sched_setaffinity)};

static const int NEVER[] = {
    CALL(acct),
    CALL(add_key),
    CALL(adjtimex),
    CALL(bpf),
    CALL(chroot),
    CALL(clock_adjtime),
    CALL(clock_settime),
    CALL(delete_module),
    CALL(execve),
    CALL(execveat),
    CALL(finit_module),
    CALL(fsconfig),
    CALL(fsmount),
    CALL(fsopen),
    CALL(fspick),
    CALL(init_module),
    CALL(io_uring_enter),
    CALL(io_uring_register),
    CALL(io_uring_setup),
    CALL(ioperm),
    CALL(iopl),
    CALL(kcmp),
    CALL(kexec_file_load),
    CALL(kexec_load),
    CALL(keyctl),
    CALL(mknod),
    CALL(mknodat),
    CALL(modify_ldt),
    CALL(mount),
    CALL(mount_setattr),
    CALL(move_mount),
    CALL(open_by_handle_at),
    CALL(open_tree),
    CALL(perf_event_open),
    CALL(personality),
    CALL(pidfd_getfd),
    CALL(pivot_root),
    CALL(process_madvise),
    CALL(process_vm_readv),
    CALL(process_vm_writev),
    CALL(ptrace),
    CALL(quotactl),
    CALL(reboot),
    CALL(request_key),
    CALL(setdomainname),
    CALL(setfsgid),
    CALL(setfsuid),
    CALL(setgid),
    CALL(setgroups),
    CALL(sethostname),
    CALL(setns),
    CALL(setregid),
    CALL(setresgid),
    CALL(setresuid),
    CALL(setreuid),
    CALL(settimeofday),
    CALL(setuid),
    CALL(swapoff),
    CALL(swapon),
    CALL(syslog),
    CALL(umount2),
    CALL(unshare),
    CALL(userfaultfd),
};

static const struct {
    unsigned groups; /* any of them */
    const int *calls;
    size_t count;
} LISTS[] = {
    {CALLS_BASE, BASE, ARRAY_LEN(BASE)},    {CALLS_SERVE | CALLS_UNIX, STREAMS, ARRAY_LEN(STREAMS)},
    {CALLS_NAMES, NAMES, ARRAY_LEN(NAMES)}, {CALLS_FILES, FILES, ARRAY_LEN(FILES)},
    {CALLS_FORK, FORK, ARRAY_LEN(FORK)},    {CALLS_EXEC, EXEC, ARRAY_LEN(EXEC)},
    {CALLS_COPY, COPY, ARRAY_LEN(COPY)},
};

/* Nobody makes a name space, whatever else may be made. */
#define NEW_SPACES                                                                                 \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET | CLONE_PTRACE)

static bool never_here(int call, unsigned groups)
{
    return call != CALL(execve) || (groups & CALLS_EXEC) == 0;
}

static int add_lists(scmp_filter_ctx filter, unsigned groups)
{
    int result = 0;
    for (size_t i = 0; i < ARRAY_LEN(LISTS); i++)
        for (size_t k = 0; (LISTS[i].groups & groups) != 0 && k < LISTS[i].count; k++)
            result = result != 0 ? result
                                 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, LISTS[i].calls[k], 0);
    for (size_t i = 0; i < ARRAY_LEN(NEVER); i++)
        if (never_here(NEVER[i], groups))
            result =
                result != 0 ? result : seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, NEVER[i], 0);
    return result;
}

/* clone(flags, …): threads, and processes where there may be some. */
static int add_clone(scmp_filter_ctx filter, unsigned groups)
{
    uint64_t looked_at = NEW_SPACES | ((groups & CALLS_FORK) != 0 ? 0 : CLONE_THREAD);
    uint64_t wanted = (groups & CALLS_FORK) != 0 ? 0 : CLONE_THREAD;
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, looked_at, wanted));
}

/* What is looked at more closely: {call, which argument, the value}. */
static const struct {
    unsigned groups;
    int call;
    unsigned argument;
    uint64_t value;
} VALUES[] = {
    {CALLS_BASE, CALL(ioctl), 1, FIONBIO},
    {CALLS_BASE, CALL(ioctl), 1, FIONREAD},
    {CALLS_BASE, CALL(ioctl), 1, FIOCLEX},
    {CALLS_BASE, CALL(ioctl), 1, TCGETS},
    {CALLS_BASE, CALL(prctl), 0, PR_SET_NAME},
    {CALLS_BASE, CALL(prctl), 0, PR_GET_NAME},
    {CALLS_BASE, CALL(prctl), 0, PR_SET_VMA},
    {CALLS_BASE, CALL(prctl), 0, PR_GET_DUMPABLE},
    {CALLS_EXEC, CALL(prctl), 0, PR_CAPBSET_READ},
    {CALLS_EXEC, CALL(prctl), 0, PR_GET_THP_DISABLE},
    {CALLS_EXEC, CALL(prctl), 0, PR_SET_THP_DISABLE},
    /* Limits of this process, not of another. */
    {CALLS_BASE, CALL(prlimit64), 0, 0},
    {CALLS_SERVE | CALLS_UNIX, CALL(socket), 0, AF_UNIX},
    {CALLS_NAMES, CALL(socket), 0, AF_NETLINK},
    {CALLS_EXEC, CALL(prctl), 0, PR_SET_PDEATHSIG},
};

/* socket(family, type, protocol): TCP, which the kernel's fence of ports knows, and no relative of
 * it that goes around; datagrams for questions to name servers. */
static int add_sockets(scmp_filter_ctx filter, unsigned groups)
{
    static const struct {
        unsigned groups;
        int type;
        int protocol;
    } KINDS[] = {
        {CALLS_SERVE, SOCK_STREAM, 0},
        {CALLS_SERVE, SOCK_STREAM, IPPROTO_TCP},
        {CALLS_NAMES, SOCK_DGRAM, 0},
        {CALLS_NAMES, SOCK_DGRAM, IPPROTO_UDP},
    };
    const uint32_t type_bits = ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK);
    int result = 0;
    for (size_t i = 0; i < 2 * ARRAY_LEN(KINDS); i++) {
        unsigned kind = (unsigned)i / 2, family = i % 2 == 0 ? AF_INET : AF_INET6;
        if ((KINDS[kind].groups & groups) != 0 && result == 0)
            result = seccomp_rule_add(
                filter, SCMP_ACT_ALLOW, CALL(socket), 3, SCMP_A0(SCMP_CMP_EQ, family, 0),
                SCMP_A1(SCMP_CMP_MASKED_EQ, type_bits, (uint32_t)KINDS[kind].type),
                SCMP_A2(SCMP_CMP_EQ, (uint32_t)KINDS[kind].protocol, 0));
    }
    return result;
}

/* Sending, but not opening a connection by sending, which the fence of ports does not see. */
static int add_sending(scmp_filter_ctx filter, unsigned groups)
{
    if ((groups & (CALLS_SERVE | CALLS_UNIX)) == 0)
        return 0;
    int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(sendto), 1,
                                  SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
    return result != 0 ? result
                       : seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(sendmsg), 1,
                                          SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
}

static int add_values(scmp_filter_ctx filter, unsigned groups)
{
    int result = 0;
    for (size_t i = 0; i < ARRAY_LEN(VALUES); i++)
        if ((VALUES[i].groups & groups) != 0 && result == 0)
            result =
                seccomp_rule_add(filter, SCMP_ACT_ALLOW, VALUES[i].call, 1,
                                 SCMP_CMP64(VALUES[i].argument, SCMP_CMP_EQ, VALUES[i].value, 0));
    return result;
}

static int fill(scmp_filter_ctx filter, unsigned groups)
{
    /* Lookups by a tree instead of a list. The filter is no guard against speculation between
     * threads of one program, which older kernels would turn on with it, and slow everything. */
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
    int result = add_lists(filter, groups);
    result = result != 0 ? result : add_clone(filter, groups);
    result = result != 0 ? result : add_values(filter, groups);
    result = result != 0 ? result : add_sockets(filter, groups);
    result = result != 0 ? result : add_sending(filter, groups);
    return result != 0 ? result : seccomp_load(filter);
}

bool call_filter_is_possible(void)
{
    /* Asked with nothing to load, a kernel that can says EFAULT. */
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) != 0 && errno == EFAULT;
}

bool call_filter_close(unsigned groups, char *error, size_t error_bytes)
{
    if (!call_filter_is_possible())
        return true;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int result = filter == NULL ? -ENOMEM : fill(filter, groups);
    seccomp_release(filter);
    if (result == 0)
        return true;
    snprintf(error, error_bytes, "the sandbox cannot close system calls: %s.", strerror(-result));
    return false;
}
