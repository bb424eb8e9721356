import type { Constants } from "./constant_names.ts";
import { DARWIN_CONSTANTS } from "./constants_darwin.ts";
import { FREEBSD_CONSTANTS } from "./constants_freebsd.ts";
import { LINUX_CONSTANTS } from "./constants_linux.ts";
import { host, type HostOs } from "./host.ts";

/** The table of one operating system. */
export function constantsOf(os: HostOs): Constants {
  switch (os) {
    case "darwin":
      return DARWIN_CONSTANTS;
    case "freebsd":
      return FREEBSD_CONSTANTS;
    default:
      // Also for an unknown system, where no call gets as far as using it.
      return LINUX_CONSTANTS;
  }
}

/** The C constants of this operating system. */
export const constants: Constants = constantsOf(host.os);
