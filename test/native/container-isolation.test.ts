import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ContainerStage, openContainerStage } from './container-stage.ts';

let stage: ContainerStage;

beforeEach(async () => {
  stage = await openContainerStage();
});

afterEach(() => stage.close());

describe('a container', () => {
  test('is process 1 of a host of its own', async () => {
    await stage.sandbox();
    const { stdout } = await stage.run(
      'echo $$; hostname; ls /proc | grep -c "^[0-9]"; cat /proc/1/cgroup | grep -c ":/$"',
    );
    expect(stdout.slice(0, 2)).toEqual(['1', 'pod-0']);
    expect(Number(stdout[2])).toBeLessThan(6);
    expect(Number(stdout[3])).toBeGreaterThan(0);
    expect(hostname()).not.toBe('pod-0');
  });

  test('has a root who is nobody on the node', async () => {
    await stage.sandbox();
    const spec = stage.spec('id -u; touch /mine; stat -c %u /etc/from-layer; sleep 1000');
    await stage.backend.startContainer(spec);
    const { pid } = await stage.observed();
    expect(await readFile(`/proc/${pid}/uid_map`, 'utf8')).toMatch(/^\s+0\s+1048576\s+65536\n$/);
    expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\t1048576\t1048576\t1048576\t1048576$/m);
    const upper = join(stage.stateDir, 'containers/pod/app/1/upper');
    expect((await stat(upper)).uid).toBe(1048576);
  });

  test('sees its layers’ files as its own, without a chown', async () => {
    await stage.sandbox();
    const { stdout } = await stage.run(
      'stat -c %u:%g /etc/from-layer; echo more >> /etc/from-layer && cat /etc/from-layer',
    );
    expect(stdout).toEqual(['0:0', 'layer', 'more']);
    expect(await readFile(join(stage.layer, 'etc/from-layer'), 'utf8')).toBe('layer\n');
    expect((await stat(join(stage.layer, 'etc/from-layer'))).uid).toBe(0);
  });

  test('has no capability, no way to gain one, and the filter given', async () => {
    await stage.sandbox();
    const seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
    } as const;
    const { stdout, stderr } = await stage.run('grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status; mkdir /x', {
      linux: { seccomp },
    });
    expect(stdout).toEqual([
      ...['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((set) => `Cap${set}:\t0000000000000000`),
      'NoNewPrivs:\t1',
      'Seccomp:\t2',
    ]);
    expect(stderr.join()).toContain('not supported');
  });

  test('keeps the capabilities and ids it was given, as another user too', async () => {
    await stage.sandbox();
    const user = { uid: 1000, gid: 2000, umask: 0o27, additionalGids: [3000] };
    const { stdout } = await stage.run(
      'id -u; id -g; id -G; umask; grep -E "^Cap" /proc/self/status; echo x > /dev/stdout',
      {
        process: { user, capabilities: ['CAP_CHOWN', 'CAP_NET_BIND_SERVICE'] },
      },
    );
    const bits = '0000000000000401';
    expect(stdout.slice(0, 4)).toEqual(['1000', '2000', '2000 3000', '0027']);
    expect(stdout.slice(4, 9)).toEqual(['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((set) => `Cap${set}:\t${bits}`));
    expect(stdout[9]).toBe('x');
  });

  test('as root has no inheritable capabilities', async () => {
    await stage.sandbox();
    const { stdout } = await stage.run('grep -E "^Cap(Inh|Eff|Bnd)" /proc/self/status', {
      process: { capabilities: ['CAP_CHOWN'] },
    });
    expect(stdout).toEqual(['CapInh:\t0000000000000000', 'CapEff:\t0000000000000001', 'CapBnd:\t0000000000000001']);
  });

  test('finds masked paths empty and read-only paths read-only', async () => {
    await stage.sandbox();
    const { stdout } = await stage.run(
      'wc -c < /proc/version; ls /sys/firmware | wc -l; echo 1 > /proc/sys/kernel/domainname || echo refused; ls -A /etc | wc -l; touch /sys/x || echo refused',
      {
        process: { capabilities: ['CAP_SYS_ADMIN'] },
        linux: { maskedPaths: ['/proc/version', '/sys/firmware', '/etc', '/not/there'], readonlyPaths: ['/proc/sys'] },
      },
    );
    expect(stdout).toEqual(['0', '0', 'refused', '0', 'refused']);
  });

  test('with a read-only root can write only to its volumes', async () => {
    await stage.sandbox();
    const { stdout } = await stage.run(
      'touch /x || echo refused; touch /scratch/y && stat -f -c %T /scratch; stat -c %a /scratch',
      {
        config: {
          root: { readonly: true },
          mounts: [
            {
              destination: '/scratch',
              type: 'tmpfs',
              source: '',
              options: ['size=64k', 'mode=1770', 'nosuid', 'nodev'],
            },
          ],
        },
      },
    );
    expect(stdout).toEqual(['refused', 'tmpfs', '1770']);
  });

  test('has only the harmless devices, and they work', async () => {
    await stage.sandbox();
    const { stdout } = await stage.run(
      'find /dev -type c | sort; head -c 4 /dev/zero | wc -c; echo x > /dev/null && echo ok; find /dev -type b | wc -l; readlink /dev/stdout; echo to-err > /dev/stderr',
    );
    const devices = ['full', 'null', 'pts/ptmx', 'random', 'tty', 'urandom', 'zero'].map((name) => `/dev/${name}`);
    expect(stdout).toEqual([...devices, '4', 'ok', '0', '/proc/self/fd/1']);
  });

  test('starts in its working directory, made when missing', async () => {
    await stage.sandbox();
    expect((await stage.run('pwd', { process: { cwd: '/deep/new/place' } })).stdout).toEqual(['/deep/new/place']);
  });

  test('has a session keyring of its own, and no other key', async () => {
    await stage.sandbox();
    const { stdout } = await stage.run('cat /proc/keys');
    expect(stdout.length).toBeGreaterThan(0);
    for (const key of stdout) expect(key).toMatch(/ 0 {5}0 keyring {3}_ses: empty$/);
  });

  test('has nothing of the node open', async () => {
    await stage.sandbox();
    const { stdout } = await stage.run('ls /proc/self/fd; for f in 0 1 2; do readlink /proc/$$/fd/$f; done');
    expect(stdout.slice(0, 4)).toEqual(['0', '1', '2', '3']);
    expect(stdout.slice(4)).toEqual(['/dev/null', expect.stringMatching(/^pipe:/), expect.stringMatching(/^pipe:/)]);
  });
});

describe('an image that sets a trap', () => {
  test.each(['dev', 'proc', 'sys'])('cannot lead /%s to the node', async (name) => {
    const outside = join(stage.directory, 'outside');
    await mkdir(outside);
    await symlink(outside, join(stage.layer, name));
    await stage.sandbox();
    await expect(stage.backend.startContainer(stage.spec('true'))).rejects.toMatchObject({ errno: 'ELOOP' });
    expect(await readdir(outside)).toEqual([]);
  });

  test('has its links resolved within its own root', async () => {
    const outside = join(stage.directory, 'outside');
    await mkdir(outside);
    await mkdir(join(stage.layer, 'run'));
    await symlink('/run', join(stage.layer, 'link'));
    await symlink(outside, join(stage.layer, 'trap'));
    await writeFile(join(stage.directory, 'secret'), 'token');
    await stage.sandbox();
    const bind = { type: 'bind', source: join(stage.directory, 'secret'), options: ['ro'] } as const;
    const into = (destination: string) => ({ config: { mounts: [{ ...bind, destination }] } });
    expect((await stage.run('cat /run/x/y', into('/link/x/y'))).stdout).toEqual(['token']);
    await expect(stage.run('true', { ...into('/trap/x'), name: 'other' })).rejects.toMatchObject({ errno: 'ENOENT' });
    expect(await readdir(outside)).toEqual([]);
  });

  test('cannot have a volume mounted over the kernel’s own views', async () => {
    await symlink('/proc/1', join(stage.layer, 'data'));
    await stage.sandbox();
    const mounts = [{ destination: '/data', type: 'tmpfs', source: '', options: [] }] as const;
    await expect(stage.backend.startContainer(stage.spec('true', { config: { mounts } }))).rejects.toMatchObject({
      code: 'kernel',
      stage: 'make mount point',
      errno: 'EPERM',
    });
  });

  test('cannot write to the program that started it', async () => {
    await stage.sandbox({ users: 'host' });
    const { stdout } = await stage.run('readlink /proc/1/exe; echo x > /proc/1/exe || echo refused', {
      process: { capabilities: ['CAP_DAC_OVERRIDE', 'CAP_SYS_PTRACE'] },
    });
    expect(stdout).toEqual(['/bin/busybox', 'refused']);
  });
});

describe('a volume', () => {
  test('binds a directory or a file of the node, shifted when asked, read-only when asked', async () => {
    const volume = join(stage.directory, 'volume');
    await mkdir(volume);
    await writeFile(join(volume, 'file'), 'hello');
    await stage.sandbox();
    const mounts = [
      { destination: '/shifted', type: 'bind', source: volume, options: ['rbind', 'idmap'] },
      { destination: '/plain', type: 'bind', source: volume, options: ['ro'] },
      { destination: '/new/one/file', type: 'bind', source: join(volume, 'file'), options: ['ro', 'nosuid'] },
    ] as const;
    const { stdout } = await stage.run(
      'stat -c %u /shifted/file /plain/file; touch /shifted/made; touch /plain/x || echo refused; cat /new/one/file',
      { config: { mounts } },
    );
    expect(stdout).toEqual(['0', '65534', 'refused', 'hello']);
    expect((await stat(join(volume, 'made'))).uid).toBe(0);
  });

  test.each([
    [{ destination: 'relative', type: 'tmpfs', source: '', options: [] }, /absolute/],
    [{ destination: '/a/../b', type: 'tmpfs', source: '', options: [] }, /\.\./],
    [{ destination: '/a', type: 'tmpfs', source: '', options: ['idmap'] }, /idmap/],
    [{ destination: '/a', type: 'bind', source: '/etc', options: ['sync'] }, /sync/],
  ] as const)('that makes no sense is refused: %j', async (mount, message) => {
    await stage.sandbox();
    const spec = stage.spec('true', { config: { mounts: [mount] } });
    await expect(stage.backend.startContainer(spec)).rejects.toMatchObject({
      code: 'invalid-spec',
      message: expect.stringMatching(message),
    });
  });

  test('that is not there is named', async () => {
    await stage.sandbox();
    const mounts = [{ destination: '/a', type: 'bind', source: '/not/there', options: [] }] as const;
    await expect(stage.backend.startContainer(stage.spec('true', { config: { mounts } }))).rejects.toMatchObject({
      stage: 'open volume',
      errno: 'ENOENT',
      message: expect.stringContaining('/not/there'),
    });
  });

  test('whose file system cannot shift ids is refused, not left with the wrong ones', async () => {
    await stage.sandbox();
    const mounts = [{ destination: '/a', type: 'bind', source: '/sys/kernel', options: ['idmap'] }] as const;
    await expect(stage.backend.startContainer(stage.spec('true', { config: { mounts } }))).rejects.toMatchObject({
      code: 'unsupported',
      stage: 'idmap mount',
      message: expect.stringContaining('/sys/kernel'),
    });
  });
});

describe('the containers of a pod', () => {
  test('share network, ipc and hostname, not processes', async () => {
    await stage.sandbox();
    for (const name of ['a', 'b']) await stage.backend.startContainer(stage.spec('sleep 1000', { name }));
    const pids = await Promise.all(['a', 'b'].map(async (name) => (await stage.observed(name)).pid));
    const namespaces = async (kind: string) => Promise.all(pids.map((pid) => readlink(`/proc/${pid}/ns/${kind}`)));
    for (const kind of ['net', 'ipc', 'uts', 'user']) expect(new Set(await namespaces(kind)).size).toBe(1);
    for (const kind of ['pid', 'mnt', 'cgroup']) expect(new Set(await namespaces(kind)).size).toBe(2);
    for (const kind of ['net', 'ipc', 'uts', 'user', 'pid', 'mnt', 'cgroup']) {
      expect(await namespaces(kind)).not.toContain(await readlink(`/proc/self/ns/${kind}`));
    }
  });

  test('have the loopback device, and all ports of it without a capability', async () => {
    await stage.sandbox();
    const { stdout } = await stage.run(`
      ifconfig lo | grep -o 127.0.0.1
      while :; do echo hi | busybox nc -l -p 80 127.0.0.1; done &
      until got=$(busybox nc -w 1 127.0.0.1 80 < /dev/null) && test -n "$got"; do busybox usleep 20000; done
      echo $got`);
    expect(stdout).toEqual(['127.0.0.1', 'hi']);
  });

  test('have the node’s network when asked, with users of their own all the same', async () => {
    await stage.sandbox({ network: 'host' });
    await stage.backend.startContainer(stage.spec('sleep 1000'));
    const { pid } = await stage.observed();
    expect(await readlink(`/proc/${pid}/ns/net`)).toBe(await readlink('/proc/self/ns/net'));
    expect(await readlink(`/proc/${pid}/ns/user`)).not.toBe(await readlink('/proc/self/ns/user'));
  });

  test('have ranges of ids that no other pod has', async () => {
    for (const id of ['one', 'two', 'three']) await stage.sandbox({ id });
    await stage.backend.removeSandbox('two');
    await stage.sandbox({ id: 'four' });
    const { sandboxes } = await stage.backend.observe();
    const bases = await Promise.all(
      sandboxes.map(async ({ id, pid }) => [
        id,
        (await readFile(`/proc/${pid}/uid_map`, 'utf8')).trim().split(/\s+/)[1],
      ]),
    );
    expect(Object.fromEntries(bases)).toEqual({ one: '1048576', four: '1114112', three: '1179648' });
  });
});

describe('a privileged container', () => {
  test('has the node’s devices and a writable /sys', async () => {
    await stage.sandbox({ users: 'host' });
    const { stdout } = await stage.run('test -e /dev/kmsg && echo devices; mount | grep -c " /sys type sysfs (rw"', {
      linux: { privileged: true },
    });
    expect(stdout).toEqual(['devices', '1']);
  });
});
