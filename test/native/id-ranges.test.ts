import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createIdClaims } from '../../native/sandbox/id-claims.ts';
import { checkIdSpace, ID_COUNT, lowestFreeIdBase } from '../../native/sandbox/id-range.ts';
import { readReservedIds } from '../../native/sandbox/reserved-ids.ts';
import { holds } from '../manifests/holds.ts';
import { type ContainerStage, openContainerStage } from './container-stage.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('the lowest free range', () => {
  const id = fc.integer({ min: 0, max: 40 * ID_COUNT });
  const reserved = fc.array(fc.record({ first: id, count: fc.integer({ min: 0, max: 3 * ID_COUNT }) }), {
    maxLength: 5,
  });
  const bases = fc.array(id, { maxLength: 8 });

  test('overlaps nothing that is taken or reserved, and no lower one would do', () => {
    holds(
      fc.property(bases, reserved, fc.integer({ min: ID_COUNT, max: 3 * ID_COUNT }), (taken, others, first) => {
        const used = [...others, ...taken.map((base) => ({ first: base, count: ID_COUNT }))];
        const isFree = (base: number): boolean =>
          used.every(
            (other) => other.first + other.count <= base || base + ID_COUNT <= other.first || other.count === 0,
          );
        const base = lowestFreeIdBase(taken, { first, ranges: 100 }, others);
        expect(isFree(base)).toBe(true);
        for (let lower = first; lower < base; lower += ID_COUNT) expect(isFree(lower)).toBe(false);
      }),
      300,
    );
  });

  test('is none when all are taken, or the ids are none', () => {
    expect(() => lowestFreeIdBase([ID_COUNT], { first: ID_COUNT, ranges: 1 })).toThrow(/each of 1 ranges/);
    for (const space of [
      { first: 0, ranges: 1 },
      { first: ID_COUNT, ranges: 0 },
      { first: ID_COUNT, ranges: 65_535 },
    ]) {
      expect(() => checkIdSpace(space)).toThrow(/^ids: /);
    }
  });
});

describe('claims', () => {
  type Action = readonly ['claim' | 'release' | 'restart', string];
  const action: fc.Arbitrary<Action> = fc.tuple(
    fc.constantFrom('claim' as const, 'claim' as const, 'release' as const, 'restart' as const),
    fc.constantFrom('a', 'b', 'c', 'd-1', '7-e'),
  );

  test('never give two sandboxes the same ids, whatever is claimed, given back, and opened anew', () => {
    let round = 0;
    holds(
      fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
        round += 1;
        const open = () => createIdClaims(join(directory, String(round)), { first: 10 * ID_COUNT, ranges: 6 });
        let claims = open();
        const held = new Map<string, number>();
        for (const [what, who] of actions) {
          if (what === 'restart') claims = open();
          if (what === 'release' || what === 'claim') {
            claims.release(who);
            held.delete(who);
          }
          if (what === 'claim') {
            const base = claims.claim(who);
            expect([...held.values()]).not.toContain(base);
            held.set(who, base);
          }
          expect([...claims.owners()].sort()).toEqual([...held.keys()].sort());
        }
      }),
      60,
    );
  });
});

test('ids of the node’s users are read from files, malformed lines apart', async () => {
  const file = join(directory, 'subuid');
  await writeFile(file, 'alice:100000:65536\n# bob:1:1\nbob:300000:x\n\ncarol:500000:10\nnobody\n');
  expect(await readReservedIds([file, join(directory, 'absent')])).toEqual([
    { first: 100_000, count: 65_536 },
    { first: 500_000, count: 10 },
  ]);
});

describe('on the kernel', () => {
  let stage: ContainerStage;

  beforeEach(async () => {
    stage = await openContainerStage();
  });
  afterEach(() => stage.close());

  const baseOf = async (sandbox: string): Promise<string | undefined> => {
    const { sandboxes } = await stage.backend.observe();
    const pid = sandboxes.find(({ id }) => id === sandbox)?.pid;
    return (await readFile(`/proc/${pid}/uid_map`, 'utf8')).trim().split(/\s+/)[1];
  };

  test('a sandbox whose record is lost keeps its ids to itself until it is removed', async () => {
    await stage.sandbox({ id: 'lost' });
    const lost = await baseOf('lost');
    await rm(join(stage.runDir, 'sandboxes/lost'), { recursive: true });
    const next = await stage.reopen();
    await stage.sandbox({ id: 'second' });
    expect(await baseOf('second')).not.toBe(lost);
    await next.removeStranger('lost');
    await stage.sandbox({ id: 'third' });
    expect(await baseOf('third')).toBe(lost);
  });

  test('ids that were claimed before a crash, and never recorded, are free again for the next agent', async () => {
    const ids = join(stage.runDir, 'ids');
    await writeFile(join(ids, '1048576-crashed'), '');
    await stage.sandbox({ id: 'first' });
    expect(await baseOf('first')).toBe('1114112');
    await stage.reopen();
    expect(await readdir(ids)).toEqual(['1114112-first']);
    await stage.sandbox({ id: 'second' });
    expect(await baseOf('second')).toBe('1048576');
  });

  test('ids that only a record tells of, as of an agent that kept no claims, are no other sandbox’s', async () => {
    const ids = join(stage.runDir, 'ids');
    await stage.sandbox({ id: 'old' });
    const [claim = ''] = await readdir(ids);
    await rm(join(ids, claim));
    await stage.reopen();
    expect(await readdir(ids)).toEqual([claim]);
    await stage.sandbox({ id: 'new' });
    expect(await baseOf('new')).not.toBe(await baseOf('old'));
  });

  test('a sandbox of the node’s users claims none', async () => {
    await stage.sandbox({ id: 'open', users: 'host' });
    expect(await readdir(join(stage.runDir, 'ids'))).toEqual([]);
  });
});
