import type { AttributeUse } from './names/attributes.ts';
import type { registry } from './names.ts';

type Registry = typeof registry;
type Attributes = Registry['attributes'];

export type SpanName = keyof Registry['spans'];
export type EventName = keyof Registry['events'];
export type MetricName = keyof Registry['metrics'];
export type CounterName = MetricOf<'counter'>;
export type GaugeName = MetricOf<'gauge'>;
export type HistogramName = MetricOf<'histogram'>;

/** What a span of that name carries; required ones at its start, the others when known. */
export type SpanAttributes<Name extends SpanName> = AttributesFor<Registry['spans'][Name]['attributes']>;
/** What one data point of that metric carries. */
export type MetricAttributes<Name extends MetricName> = AttributesFor<Registry['metrics'][Name]['attributes']>;
/** What an event of that name carries. */
export type EventAttributes<Name extends EventName> = AttributesFor<Registry['events'][Name]['attributes']>;

/** One thing that happened, of a registered name with that name's attributes. */
export type TelemetryEvent = {
  readonly [Name in EventName]: { readonly name: Name; readonly attributes: EventAttributes<Name> };
}[EventName];

/** Values of an attribute with a closed set, such as every workload state. */
export type AttributeValue<Key extends keyof Attributes> = ValueOf<Attributes[Key]['type']>;

type MetricOf<Instrument> = {
  [Name in MetricName]: Registry['metrics'][Name]['instrument'] extends Instrument ? Name : never;
}[MetricName];

type AttributesFor<Use extends AttributeUse> = {
  readonly [Key in keyof Use & keyof Attributes as Use[Key] extends 'required' ? Key : never]: AttributeValue<Key>;
} & {
  readonly [Key in keyof Use & keyof Attributes as Use[Key] extends 'optional' ? Key : never]?:
    | AttributeValue<Key>
    | undefined;
};

type ValueOf<Type> = Type extends 'string'
  ? string
  : Type extends 'int'
    ? number
    : Type extends readonly (infer Member)[]
      ? Member
      : never;
