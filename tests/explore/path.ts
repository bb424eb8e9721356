// A path: whose turn it was, step by step, as text that can be given back.

/** A step of a path. */
export interface PathStep {
  readonly thread: number;
  /** Choices other than whose turn it is. */
  readonly picks: readonly number[];
}

/** "0*12,1,0:1": thread 0 twelve times, 1, then 0 with another outcome. */
export function formatPath(steps: readonly PathStep[]): string {
  const tokens: { text: string; times: number }[] = [];
  for (const { thread, picks } of steps) {
    const other = picks.some((pick) => pick !== 0);
    const text = other ? `${thread}:${picks.join(".")}` : `${thread}`;
    const last = tokens.at(-1);
    if (last?.text === text) last.times++;
    else tokens.push({ text, times: 1 });
  }
  return tokens.map(({ text, times }) => times > 1 ? `${text}*${times}` : text)
    .join(",");
}

/** Reads what {@link formatPath} wrote. */
export function parsePath(text: string): PathStep[] {
  if (text === "") return [];
  return text.split(",").flatMap((token) => {
    const match = /^(\d)(?::([\d.]+))?(?:\*(\d+))?$/.exec(token);
    if (match === null) throw new Error(`${token} is no step of a path`);
    const [, thread, picks, times] = match;
    const step: PathStep = {
      thread: Number(thread),
      picks: picks === undefined ? [] : picks.split(".").map(Number),
    };
    return new Array<PathStep>(Number(times ?? 1)).fill(step);
  });
}
