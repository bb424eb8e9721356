// Does jobs in a thread of its own, since they keep a core busy.
import { type Job, runJob } from "./job.ts";

const port = self as unknown as {
  onmessage: ((event: MessageEvent<Job>) => void) | null;
  postMessage(message: unknown): void;
};

port.onmessage = async ({ data }) => {
  try {
    port.postMessage(await runJob(data));
  } catch (error) {
    port.postMessage({ job: data, error: String(error) });
  }
};
