import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type BundleStage, type Config, expectSuccess, openBundleStage } from './bundle-stage.ts';

let stage: BundleStage;

beforeEach(async () => {
  stage = await openBundleStage();
});
afterEach(() => stage.close());

async function outputOf(script: string, change?: (config: Config) => void): Promise<string> {
  await stage.configure(script, change);
  return stage.run();
}

describe('the process', () => {
  test('has the user, groups and umask it asks for, and its directory', async () => {
    const output = await outputOf('id; umask; pwd; echo $A', (config) => {
      config.process.user = { uid: 1000, gid: 1001, umask: 0o77, additionalGids: [5, 6] };
      config.process.env.push('A=b c');
      config.process.cwd = '/made/for/it';
    });
    expect(output).toBe('uid=1000 gid=1001 groups=5,6\n0077\n/made/for/it\nb c\n');
  });

  test('has its five sets of capabilities', async () => {
    const output = await outputOf(
      'while read name value; do case $name in Cap*) echo $name$value;; esac; done < /proc/self/status',
      (config) => {
        config.process.capabilities = {
          bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETUID', 'CAP_SETPCAP'],
          permitted: ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETUID'],
          effective: ['CAP_CHOWN'],
          inheritable: ['CAP_KILL'],
          ambient: ['CAP_KILL'],
        };
        config.process.user = { uid: 7, gid: 7 };
      },
    );
    // As capabilities(7) computes them over execve, for a user other than root.
    expect(output).toBe(
      ['CapInh:20', 'CapPrm:20', 'CapEff:20', 'CapBnd:1a1', 'CapAmb:20']
        .map((line) => `${line.replace(/:(\w+)/, (_, hex) => `:${hex.padStart(16, '0')}`)}\n`)
        .join(''),
    );
  });

  test('has its rlimits, OOM score and no_new_privs', async () => {
    const script =
      'ulimit -Sn; ulimit -Hn; cat /proc/self/oom_score_adj; grep NoNewPrivs /proc/self/status || cat /proc/self/status';
    const output = await outputOf(script, (config) => {
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }];
      config.process.oomScoreAdj = 123;
    });
    expect(output).toMatch(/^100\n200\n123\n/);
    expect(output).toMatch(/^NoNewPrivs:\t1$/m);
  });

  test('sees nothing of the node', async () => {
    const output = await outputOf('ls -l /proc/self/fd | while read a b c d e f g h i j k; do echo "$i"; done; ps');
    expect(output).not.toMatch(/^(?:[4-9]|\d\d)$/m);
    expect(output.split('\n').filter((line) => /^\s+\d+ /.test(line)).length).toBeLessThan(5);
  });

  test('may call only what its seccomp profile allows', async () => {
    const output = await outputOf('hostname other; echo $?', (config) => {
      config.process.capabilities.bounding = config.process.capabilities.permitted = ['CAP_SYS_ADMIN'];
      config.process.capabilities.effective = ['CAP_SYS_ADMIN'];
      config.linux.resources = {};
      config.process.noNewPrivileges = false;
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['sethostname'], action: 'SCMP_ACT_ERRNO', errnoRet: 71 }],
      };
    });
    expect(output).toBe('1\n');
  });
});

describe('the root', () => {
  test('is read-only when asked, and writable otherwise', async () => {
    expect(await outputOf('touch /file && echo written || echo refused')).toBe('refused\n');
    await stage.configure('touch /file && echo written', (config) => {
      config.root.readonly = false;
    });
    await stage.runtime('delete', 'c');
    expect(await stage.run()).toBe('refused\nwritten\n');
  });

  test('hides masked paths and protects read-only ones', async () => {
    const output = await outputOf(
      'cat /proc/timer_list | head -c 10; echo 1 > /proc/sys/kernel/hostname || echo refused',
      (config) => {
        config.process.capabilities.bounding = config.process.capabilities.effective = ['CAP_SYS_ADMIN'];
        config.process.capabilities.permitted = ['CAP_SYS_ADMIN'];
        config.linux.resources = {};
      },
    );
    expect(output).toBe('refused\n');
  });

  test('has the mounts it asks for, with their options', async () => {
    const output = await outputOf(
      'mount; cat /data/bundle/config.json > /dev/null && echo read; touch /data/x || echo refused',
      (config) => {
        config.mounts.push(
          { destination: '/data', type: 'none', source: stage.directory, options: ['rbind', 'ro', 'nosuid', 'noexec'] },
          { destination: '/scratch', type: 'tmpfs', source: 'scratch', options: ['size=1m', 'mode=0700', 'noatime'] },
        );
        config.root.readonly = false;
      },
    );
    expect(output).toMatch(/ on \/data type \w+ \(ro,nosuid,nodev,noexec,/);
    expect(output).toMatch(/^scratch on \/scratch type tmpfs \(rw,noatime,size=1024k,mode=700/m);
    expect(output).toMatch(/^proc on \/proc type proc/m);
    expect(output).toMatch(/^cgroup\d? on \/sys\/fs\/cgroup.* \(ro,nosuid,nodev,noexec/m);
    expect(output).toMatch(/read\nrefused\n$/);
  });

  test('begins a scratch directory with what lies below it', async () => {
    await mkdir(join(stage.rootfs, 'kept/below'), { recursive: true });
    await writeFile(join(stage.rootfs, 'kept/below/file'), 'kept\n');
    await chmod(join(stage.rootfs, 'kept/below/file'), 0o646);
    await chown(join(stage.rootfs, 'kept/below/file'), 5, 6);
    await symlink('below/file', join(stage.rootfs, 'kept/link'));
    execFileSync('mkfifo', [join(stage.rootfs, 'kept/pipe')]);
    const script = 'cat /kept/link; ls -ln /kept/below/file; ls /kept; echo more >> /kept/below/file && echo written';
    const output = await outputOf(script, (config) => {
      config.mounts.push({ destination: '/kept', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'size=1m'] });
    });
    expect(output).toMatch(/^kept\n-rw-r--rw- +1 5 +6 .*\nbelow\nlink\nwritten\n$/);
    expect(await readFile(join(stage.rootfs, 'kept/below/file'), 'utf8')).toBe('kept\n');
  });

  test('shows the ids of a mount shifted by its own mappings', async () => {
    await mkdir(join(stage.directory, 'owned'));
    await chown(join(stage.directory, 'owned'), 7, 8);
    const output = await outputOf('ls -lnd /owned', (config) => {
      config.mounts.push({
        ...{ destination: '/owned', type: 'bind', source: join(stage.directory, 'owned'), options: ['bind', 'idmap'] },
        uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
        gidMappings: [{ containerID: 0, hostID: 2000, size: 10 }],
      });
    });
    expect(output).toMatch(/^drwx\S+ +\d+ 1007 +2008 /);
  });

  test.each([
    [{ options: ['bind', 'idmap'] }, 'idmap needs uidMappings'],
    [{ options: ['bind'], uidMappings: [{ containerID: 0, hostID: 1, size: 1 }] }, 'go together'],
    [{ options: ['bind', 'tmpcopyup'] }, 'only a tmpfs has tmpcopyup'],
    [{ options: ['bind', 'remount'] }, 'option "remount" is not supported'],
    [{ options: ['bind', 'data=x'] }, 'a bind mount has no option data'],
    [{ options: [] }, 'a file system needs a type'],
  ])('is refused with a mount of %j', async (mount, message) => {
    await stage.configure('true', (config) => {
      config.mounts.push({ destination: '/data', source: stage.directory, ...mount });
    });
    expect((await stage.runtime('create', 'c')).stderr).toContain(message);
  });

  test('has the default devices and its own', async () => {
    const output = await outputOf(
      'cat < /dev/fuller || ls -l /dev/fuller; echo x > /dev/null; readlink /dev/fd',
      (config) => {
        config.linux.devices = [{ type: 'c', path: '/dev/fuller', major: 1, minor: 3, fileMode: 0o640, gid: 9 }];
      },
    );
    expect(output).toBe('/proc/self/fd\n');
  });
});

describe('denied devices', () => {
  const allow = (config: Config): void => {
    for (const set of ['bounding', 'permitted', 'effective']) config.process.capabilities[set] = ['CAP_MKNOD'];
    config.root.readonly = false;
  };

  test('cannot be made, though pipes can', async () => {
    const output = await outputOf('mknod /dev/mem c 1 1 || echo refused; mknod /pipe p && echo made', allow);
    expect(output).toBe('refused\nmade\n');
  });

  test('stay out of reach of who may mount them', async () => {
    await stage.configure('mount -t devtmpfs none /sys && echo mounted && cat /sys/kmsg || echo refused', (config) => {
      for (const set of ['bounding', 'permitted', 'effective']) config.process.capabilities[set] = ['CAP_SYS_ADMIN'];
    });
    await expectSuccess(stage.runtime('create', 'c'));
    await expectSuccess(stage.runtime('start', 'c'));
    await stage.until('stopped');
    expect(await stage.output()).toMatch(/^mounted\nrefused\n$/);
  });

  test('can be made where nothing is denied', async () => {
    const output = await outputOf('mknod /dev/null2 c 1 3 && echo x > /dev/null2 && echo made', (config) => {
      allow(config);
      config.linux.resources = {};
    });
    expect(output).toBe('made\n');
  });
});

describe('namespaces', () => {
  test('of time have clocks of their own, for what is run later too', async () => {
    await stage.configure('cat /proc/uptime; uname -m; sleep 1000', (config) => {
      config.linux.namespaces.push({ type: 'time' });
      config.linux.timeOffsets = { boottime: { secs: 1_000_000_000 }, monotonic: { secs: 7, nanosecs: 5 } };
      config.linux.personality = { domain: 'LINUX32' };
    });
    await expectSuccess(stage.runtime('create', 'c'));
    await expectSuccess(stage.runtime('start', 'c'));
    const later = await stage.runtime('exec', 'c', 'sh', '-c', 'cat /proc/uptime; uname -m');
    for (const output of [await stage.output(), later.stdout]) expect(output).toMatch(/^10\d{8}\.\d+ \S+\ni[36]86\n/);
  });

  test('are its own, with host name and sysctls', async () => {
    const output = await outputOf(
      'hostname; cat /proc/sys/kernel/domainname /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax; cat /sys/class/net/lo/flags',
      (config) => {
        config.hostname = 'inside';
        config.domainname = 'example.test';
        config.linux.sysctl = { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '4242' };
      },
    );
    expect(output).toBe('inside\nexample.test\n1\n4242\n0x9\n');
  });

  test('are joined by path', async () => {
    await stage.configure('hostname; readlink /proc/self/ns/net; sleep 1000', (config) => {
      config.hostname = 'first';
    });
    await expectSuccess(stage.runtime('create', 'c'));
    await expectSuccess(stage.runtime('start', 'c'));
    const { pid } = await stage.state();
    await stage.configure('hostname; readlink /proc/self/ns/net; echo $$', (config) => {
      config.hostname = '';
      config.linux.cgroupsPath = `${stage.cgroupPath}/d`;
      for (const [type, file] of Object.entries({ network: 'net', uts: 'uts', ipc: 'ipc', pid: 'pid' })) {
        const namespace = config.linux.namespaces.find((each: { type: string }) => each.type === type);
        namespace.path = `/proc/${pid}/ns/${file}`;
      }
    });
    const lines = (await stage.run('d')).split('\n');
    const [name, network, self] = lines.slice(2);
    expect(lines.slice(0, 2)).toEqual(['first', expect.stringMatching(/^net:/)]);
    expect([name, network]).toEqual(lines.slice(0, 2));
    expect(Number(self)).toBeGreaterThan(1);
  });

  test('map users as given', async () => {
    const output = await outputOf('id -u; cat /proc/self/uid_map; echo x > /dev/null && echo written', (config) => {
      config.linux.namespaces.push({ type: 'user' });
      config.linux.uidMappings = [{ containerID: 0, hostID: 300000, size: 1000 }];
      config.linux.gidMappings = [{ containerID: 0, hostID: 300000, size: 1000 }];
    });
    expect(output.replaceAll(/ +/g, ' ')).toBe('0\n 0 300000 1000\nwritten\n');
  });
});
