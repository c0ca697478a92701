/**
 * System calls no container needs, or may have, grouped by the reason. They are refused with EPERM as everything is
 * that no rule allows; they are named so that each known call is somebody's decision.
 */
export const REFUSED_SYSCALLS = {
  'entering or making namespaces would widen what kernel bugs can be reached': words('setns unshare'),
  'mounts are the pod specification': words(`
    mount umount umount2 pivot_root move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick mount_setattr
    statmount listmount listns`),
  'files by handle leave the root (open_by_handle_at breakout)': words('open_by_handle_at'),
  'code for the kernel': words(`
    bpf init_module finit_module delete_module create_module query_module get_kernel_syms kexec_load kexec_file_load`),
  'the keyrings are not separate for each container': words('add_key request_key keyctl'),
  'io_uring performs system calls that no filter sees': words('io_uring_setup io_uring_enter io_uring_register'),
  'user space page faults hold the kernel in the middle of a race': words('userfaultfd'),
  'the insides of other processes': words(`
    process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp`),
  'counters and events of the whole node': words(`
    perf_event_open lookup_dcookie fanotify_init fanotify_mark syslog acct lsm_set_self_attr`),
  'clock, power, swap and names of the node': words(`
    settimeofday stime clock_settime clock_settime64 reboot swapon swapoff sethostname setdomainname vhangup`),
  'quotas of the node’s file systems': words('quotactl quotactl_fd'),
  'memory placement for others': words(`
    mbind set_mempolicy set_mempolicy_home_node get_mempolicy move_pages migrate_pages`),
  'hardware ports and segments': words('iopl ioperm modify_ldt vm86 vm86old'),
  'one call for all socket calls hides its arguments from the filter (32-bit x86)': words('socketcall'),
  obsolete: words(`
    _sysctl sysfs ustat uselib nfsservctl afs_syscall bdflush break ftime getpmsg putpmsg gtty stty idle lock mpx prof profil
    security tuxcall ulimit vserver`),
} as const;

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
