import type { PodDns } from '../../manifests/index.ts';

/** What a pod's `/etc/resolv.conf` is made from (resolv.conf(5)). */
export interface ResolverSources {
  /** The node's own. */
  readonly node: string;
  /** That of the servers behind the node's local resolver, where it has one. */
  readonly upstream: string;
  /** Servers of the agent's configuration, in place of the node's. */
  readonly nameservers: readonly string[];
}

const MOST_NAMESERVERS = 3;

/**
 * @param reach whether the pod reaches the node's loopback.
 * @returns the file: the node's servers, unless the pod wants none of it, and what the pod adds. A loopback address of the
 * node is left out of a pod that does not reach it, and the file says so.
 */
export function resolvConf(dns: PodDns, sources: ResolverSources, reach: 'loopback' | 'network'): string {
  const node = parse(sources.node);
  const isUsable = (server: string): boolean => reach === 'loopback' || !/^(?:127\.|::1$|fe80:)/i.test(server);
  const upstream = parse(sources.upstream);
  const isBehind = !node.nameservers.some(isUsable) && upstream.nameservers.some(isUsable);
  const own = isBehind ? upstream : node;
  const fromNode = sources.nameservers.length > 0 ? sources.nameservers : own.nameservers;
  const base = dns.isWithoutNode ? { nameservers: [], searches: [], options: [] } : { ...own, nameservers: fromNode };
  const servers = [...new Set([...dns.nameservers, ...base.nameservers.filter(isUsable)])].slice(0, MOST_NAMESERVERS);
  const left = base.nameservers.filter((server) => !isUsable(server));
  const searches = [...new Set([...dns.searches, ...base.searches])];
  const options = [...new Set([...dns.options, ...base.options])];
  const hint = '# of the node, which this pod does not reach; network.nameservers of the agent names others:';
  return [
    ...(left.length === 0 ? [] : [hint, ...left.map((server) => `# ${server}`)]),
    ...servers.map((server) => `nameserver ${server}`),
    ...(searches.length === 0 ? [] : [`search ${searches.join(' ')}`]),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}`]),
    '',
  ].join('\n');
}

function parse(text: string): {
  nameservers: readonly string[];
  searches: readonly string[];
  options: readonly string[];
} {
  const lines = text.split('\n').map((line) =>
    line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/),
  );
  const of = (word: string): readonly string[] => lines.flatMap(([first, ...rest]) => (first === word ? rest : []));
  return { nameservers: of('nameserver'), searches: of('search'), options: of('options') };
}
