import { createApiClient, type ImageApi } from '../api/client.ts';
import { serveApi } from '../api/server.ts';
import { socketPath } from '../api/socket-path.ts';
import { imageSourceOptions } from '../config/image-options.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { ImageAdmin, ImagesInUse } from '../images/index.ts';
import { openStateFiles } from '../state/state-files.ts';
import { openGuest } from './open-guest.ts';
import type { VerbContext } from './verb-context.ts';

/**
 * Gives the image store to somebody: the agent's, or, when that is down, the store itself. No agent can start
 * meanwhile, for the node is claimed as an agent would.
 * @throws ApiError, ImageError, AgentRunningError, and what `use` throws
 */
export async function withImages<Result>(
  context: VerbContext,
  use: (images: ImageApi) => Promise<Result>,
): Promise<Result> {
  const config = await context.config();
  const { images } = createApiClient(socketPath(config));
  const isUp = await images.pulls().then(
    () => true,
    (error: { readonly code?: string }) => {
      if (error.code === 'not-running') return false;
      throw error;
    },
  );
  if (isUp) return use(images);
  const claim = await serveApi(socketPath(config));
  try {
    return await use(overStore(await openStore(context, config)));
  } finally {
    await claim.close();
  }
}

async function openStore(context: VerbContext, config: LoadedConfig): Promise<ImageAdmin> {
  const inUse: ImagesInUse = async () => {
    const { imageUse } = await import('../observe/image-use.ts');
    const guest = await openGuest(context);
    return imageUse(await guest.observe(), await openStateFiles(config.paths.state).readGoodImages());
  };
  const { createImageSource } = await import('../images/index.ts');
  return (await createImageSource({ ...imageSourceOptions(config), inUse })).admin;
}

function overStore(admin: ImageAdmin): ImageApi {
  return { ...admin, pulls: async () => admin.pulls() };
}
