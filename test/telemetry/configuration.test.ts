import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTelemetry } from '../../agent/telemetry/index.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

const IDENTITY = { node: 'edge-1', version: '1.2.3', environment: null };
const LOCAL = 'http://127.0.0.1:4318';

/** @returns the error telemetry is refused with. */
async function refusal(endpoint: string, headersFile: string | null = null): Promise<Error> {
  const telemetry = await createTelemetry({ ...IDENTITY, endpoint, headersFile }).catch((error: unknown) => error);
  if (telemetry instanceof Error) return telemetry;
  throw new Error(`${endpoint} was accepted`);
}

describe('telemetry configuration', () => {
  test.each([
    ['no address', 'collector'],
    ['another protocol', 'grpc://collector:4317'],
    ['a password in it', 'https://user:s3cr3t@collector:4318'],
    ['a query', 'https://collector:4318/?token=s3cr3t'],
    ['nothing', ''],
  ])('an endpoint with %s is refused without repeating it', async (_what, endpoint) => {
    const error = await refusal(endpoint);
    expect(error).toMatchObject({ name: 'TelemetryError', code: 'invalid-endpoint' });
    expect(error.message).not.toContain('s3cr3t');
  });

  describe('headers file', () => {
    let directory: TempDir;
    beforeAll(async () => {
      directory = await makeTempDir();
    });
    afterAll(() => directory.remove());

    const write = async (name: string, content: string): Promise<string> => {
      const path = join(directory.path, name);
      await writeFile(path, content, { mode: 0o600 });
      return path;
    };

    test.each([
      ['without a colon', 'Bearer s3cr3t', ':1:'],
      ['with a bad name', '# first\nbad name: s3cr3t', ':2:'],
      ['with a control character', 'authorization: s3cr3t\u0001', ':1:'],
      ['without a value', 'authorization:', ':1:'],
      ['twice', 'authorization: s3cr3t\nAuthorization: s3cr3t', ':2:'],
      ['nowhere', '# no header\n', 'no header'],
      ['too many', `a: ${'s3cr3t'.repeat(4_000)}`, '16384'],
    ])('a header %s is refused, naming the line and not the value', async (_what, content, named) => {
      const path = await write('wrong', content);
      const error = await refusal(LOCAL, path);
      expect(error).toMatchObject({ code: 'headers-file' });
      expect(error.message).toContain(path);
      expect(error.message).toContain(named);
      expect(error.message).not.toContain('s3cr3t');
    });

    test('a file that others may read, or write, is refused', async () => {
      const path = await write('open', 'authorization: s3cr3t');
      for (const mode of [0o640, 0o604, 0o620]) {
        await chmod(path, mode);
        expect(await refusal(LOCAL, path)).toMatchObject({
          code: 'headers-file',
          message: expect.stringContaining('chmod 600'),
        });
      }
    });

    test('a file of another user, a missing one and a directory are refused', async () => {
      const foreign = await write('foreign', 'authorization: s3cr3t');
      await chown(foreign, 1_000, 1_000);
      const folder = join(directory.path, 'folder');
      await mkdir(folder, { mode: 0o700 });
      for (const path of [foreign, folder, join(directory.path, 'missing')]) {
        expect(await refusal(LOCAL, path)).toMatchObject({ code: 'headers-file' });
      }
    });

    test('secrets are not sent in the clear to another machine', async () => {
      const path = await write('right', 'authorization: s3cr3t');
      const error = await refusal('http://collector.example:4318', path);
      expect(error).toMatchObject({ code: 'invalid-endpoint', message: expect.stringContaining('https') });
    });
  });
});
