import { attributes } from './names/attributes.ts';
import { events } from './names/events.ts';
import { metrics } from './names/metrics.ts';
import { spans } from './names/spans.ts';

/**
 * Every name Holdfast sends over OTLP, and nothing else. The types of the port and the tables of this folder's README are
 * made from it.
 */
export const registry = { attributes, spans, metrics, events } as const;
