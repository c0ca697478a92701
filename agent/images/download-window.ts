/** The time of day, local to the node, in which layers may be fetched: minutes since midnight, the end not included. */
export interface DownloadWindow {
  readonly fromMinute: number;
  readonly toMinute: number;
}

/** @returns whether a time lies in a window; one that ends before it begins goes over midnight. */
export function isOpen({ fromMinute, toMinute }: DownloadWindow, now: Date): boolean {
  const minute = now.getHours() * 60 + now.getMinutes();
  if (fromMinute <= toMinute) return minute >= fromMinute && minute < toMinute;
  return minute >= fromMinute || minute < toMinute;
}

/** @returns the window as it is written in a configuration, `22:00-06:00`. */
export function showWindow({ fromMinute, toMinute }: DownloadWindow): string {
  const time = (minute: number): string =>
    `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
  return `${time(fromMinute)}-${time(toMinute)}`;
}
