/**
 * System calls any container may make, grouped by purpose. Names of other architectures and of kernels newer than
 * libseccomp are passed over when the profile is compiled. What a call may do is then still the kernel's capability
 * and permission checks' to say.
 */
export const ALLOWED_SYSCALLS = {
  'starting, ending and waiting for processes': words(`
    execve execveat exit exit_group fork vfork wait4 waitid waitpid pidfd_open pidfd_send_signal set_tid_address
    restart_syscall process_mrelease`),
  'identity of the process, within its user namespace': words(`
    getpid getppid gettid getpgid getpgrp getsid setpgid setsid getuid getuid32 geteuid geteuid32 getgid getgid32 getegid
    getegid32 getresuid getresuid32 getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid
    setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32
    setgroups setgroups32 capget capset`),
  'restricting itself further': words(`
    prctl seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self lsm_get_self_attr lsm_list_modules
    chroot umask`),
  'threads and locks': words(`
    futex futex_time64 futex_waitv futex_wake futex_wait futex_requeue set_robust_list get_robust_list rseq membarrier
    arch_prctl set_thread_area get_thread_area set_tls get_tls map_shadow_stack uretprobe uprobe`),
  'scheduling and limits of its own': words(`
    sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_setparam sched_getscheduler sched_setscheduler
    sched_getattr sched_setattr sched_get_priority_max sched_get_priority_min sched_rr_get_interval
    sched_rr_get_interval_time64 getpriority setpriority nice ioprio_get ioprio_set getrlimit ugetrlimit setrlimit prlimit64
    getrusage getcpu times`),
  signals: words(`
    kill tkill tgkill rt_sigaction rt_sigprocmask rt_sigpending rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn
    rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 sigaction signal sigaltstack sigpending sigprocmask sigreturn
    sigsuspend sgetmask ssetmask pause alarm signalfd signalfd4`),
  memory: words(`
    brk mmap mmap2 munmap mremap mprotect madvise mincore msync mlock mlock2 munlock mlockall munlockall pkey_alloc pkey_free
    pkey_mprotect remap_file_pages memfd_create memfd_secret mseal cacheflush breakpoint`),
  'opening and describing files': words(`
    open openat openat2 creat close close_range dup dup2 dup3 fcntl fcntl64 flock stat stat64 lstat lstat64 fstat fstat64
    fstatat64 newfstatat oldstat oldlstat oldfstat statx statfs statfs64 fstatfs fstatfs64 access faccessat faccessat2
    readlink readlinkat getdents getdents64 readdir getcwd chdir fchdir name_to_handle_at cachestat`),
  'reading and writing': words(`
    read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek _llseek sendfile sendfile64 splice tee
    vmsplice copy_file_range readahead fadvise64 fadvise64_64 arm_fadvise64_64 fsync fdatasync sync syncfs sync_file_range
    sync_file_range2 arm_sync_file_range fallocate truncate truncate64 ftruncate ftruncate64 ioctl pipe pipe2`),
  'asynchronous reading and writing, the old interface': words(`
    io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64`),
  'changing directories and attributes': words(`
    mkdir mkdirat rmdir link linkat symlink symlinkat unlink unlinkat rename renameat renameat2 mknod mknodat chmod fchmod
    fchmodat fchmodat2 chown chown32 fchown fchown32 lchown lchown32 fchownat utime utimes utimensat utimensat_time64
    futimesat getxattr lgetxattr fgetxattr getxattrat listxattr llistxattr flistxattr listxattrat setxattr lsetxattr
    fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat file_getattr file_setattr`),
  'waiting for events': words(`
    select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl epoll_ctl_old
    epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 inotify_init inotify_init1 inotify_add_watch
    inotify_rm_watch`),
  'time, reading it and waiting for it': words(`
    time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep
    clock_nanosleep_time64 nanosleep adjtimex clock_adjtime clock_adjtime64 getitimer setitimer timer_create timer_delete
    timer_gettime timer_gettime64 timer_settime timer_settime64 timer_getoverrun timerfd_create timerfd_gettime
    timerfd_gettime64 timerfd_settime timerfd_settime64`),
  'sockets, of the families the profile does not refuse': words(`
    socket socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt send sendto
    sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64`),
  'System V and POSIX interprocess communication, within its namespace': words(`
    ipc semget semop semctl semtimedop semtimedop_time64 shmget shmat shmdt shmctl msgget msgsnd msgrcv msgctl mq_open
    mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64 mq_notify mq_getsetattr`),
  'facts about the system, and random numbers': words('uname olduname oldolduname sysinfo getrandom'),
  'tracing, of its own children only': words('ptrace'),
} as const;

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
