// The publishers of the benches.

import { type Context, XPublisher } from "../../mod.ts";
import { sayReady } from "./arguments.ts";

/**
 * A publisher that has bound and has so many subscriptions: one that sees who
 * subscribes, and waits for who is slow, so that what arrives can be counted.
 */
export function openPublisher(
  context: Context,
  endpoint: string,
  subscriptions: number,
): XPublisher {
  const publisher = new XPublisher({
    context,
    verbosity: "allSubs",
    noDrop: true,
  });
  publisher.bindSync(endpoint);
  sayReady();
  for (let n = 0; n < subscriptions; n++) publisher.receiveSync();
  return publisher;
}
