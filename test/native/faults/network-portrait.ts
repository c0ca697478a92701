import type { NetworkNamespace } from '../../world/network-namespace.ts';

const SETTINGS = 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding';
const QUESTIONS = { node: 'link\\naddr\\nneigh\\n', pod: 'addr\\nroute show table all\\nneigh\\n' } as const;
/** Routes that every link with IPv6 has sooner or later. */
const OF_THE_KERNEL = /^(fe80:|ff00:|multicast)/;
/** A port is named for its pod's process, and one pod's is as good as another's. */
const PORT = /hf[0-9a-f]{4}p[0-9a-f]{8}/g;

type Json = Readonly<Record<string, unknown>>;

/** @returns all that a backend can have made of networks in a namespace, a line for each, the same for the same. */
export async function nodePortrait(node: Pick<NetworkNamespace, 'run'>): Promise<readonly string[]> {
  const script = `nft list ruleset; ${SETTINGS}; echo; bridge -j fdb; echo; printf '${QUESTIONS.node}' | ip -j -d -batch -`;
  const lines = (await node.run('sh', '-c', script)).split('\n');
  const [stations = [], links = [], addresses = [], neighbours = []] = lines.filter(isJson).map(parse);
  return sorted([
    ...lines.filter((line) => !isJson(line)).map((line) => line.trim()),
    ...links.map((link) => `link ${JSON.stringify(withoutChance(link))}`),
    ...addressLines(addresses),
    ...neighbours.filter(isLasting).map((each) => `neighbour ${JSON.stringify(each)}`),
    ...stations.filter(({ state }) => state === 'static').map((each) => `station ${JSON.stringify(each)}`),
  ]);
}

/** @returns all that a backend can have made in a pod's namespace. */
export async function podPortrait(pod: Pick<NetworkNamespace, 'run'>): Promise<readonly string[]> {
  const lines = (await pod.run('sh', '-c', `printf '${QUESTIONS.pod}' | ip -j -batch -`)).split('\n');
  const [addresses = [], routes = [], neighbours = []] = lines.filter(isJson).map(parse);
  return sorted([
    ...addressLines(addresses),
    ...routes.filter(({ dst }) => !OF_THE_KERNEL.test(String(dst))).map((each) => `route ${JSON.stringify(each)}`),
    ...neighbours.filter(isLasting).map((each) => `neighbour ${JSON.stringify(each)}`),
  ]);
}

function isJson(line: string): boolean {
  return line.startsWith('[');
}

function parse(text: string): readonly Json[] {
  return JSON.parse(text);
}

/** The kernel's own link-local addresses come when they come. */
function addressLines(links: readonly Json[]): readonly string[] {
  return links.flatMap(({ ifname, addr_info: list }) =>
    (list as readonly Json[])
      .filter(({ scope }) => scope === 'global')
      .map(({ local, prefixlen }) => `address ${ifname} ${local}/${prefixlen}`),
  );
}

function isLasting({ state }: Json): boolean {
  return String(state).includes('PERMANENT');
}

/** What of a link is ours to say. */
function withoutChance({ ifname, flags, master, address, linkinfo }: Json): Json {
  const { info_kind: kind, info_slave_data: port } = (linkinfo ?? {}) as Json;
  const isPort = String(ifname).match(PORT) !== null;
  const { hairpin, learning, flood, mcast_flood: multicast, isolated, locked } = (port ?? {}) as Json;
  return {
    ...{ ifname, isUp: (flags as readonly string[]).includes('UP'), master, kind },
    ...(isPort ? { hairpin, learning, flood, multicast, isolated, locked } : { address }),
  };
}

function sorted(lines: readonly string[]): readonly string[] {
  return lines.map((line) => line.replaceAll(PORT, 'port')).sort();
}
