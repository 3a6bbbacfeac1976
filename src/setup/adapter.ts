/**
 * Makes sure that there is a WebGPU adapter: on a bare Debian or Ubuntu machine it installs the software Vulkan driver, or
 * names the command that does.
 *
 * @module
 */

import { FeatherdetError } from "../graph/error.ts";
import type { System } from "./system.ts";

/** Debian's packages: Mesa's drivers, the one that computes on the CPU among them, and the Vulkan loader. */
export const DRIVER_PACKAGES = ["mesa-vulkan-drivers", "libvulkan1"] as const;

/** The command for people without root. */
export const INSTALL_COMMAND = `sudo apt-get update && sudo apt-get install -y ${DRIVER_PACKAGES.join(" ")}`;

/** Set to anything to forbid installing, as `--no-install` does. */
export const FORBID_VARIABLE = "FEATHERDET_NO_INSTALL";

/** Set in the process that is started after installing, so that a driver that does not help is not installed for ever. */
export const TRIED_VARIABLE = "FEATHERDET_DRIVER_INSTALLED";

/** What `ensureAdapter` may do. */
export interface EnsureOptions {
  /** Install the driver if need be; `FORBID_VARIABLE` overrules it. */
  readonly install: boolean;
  /** Told in one line what takes long. */
  readonly say: (line: string) => void;
}

/**
 * Returns `"present"` where there is an adapter, and `"installed"` after the driver was installed: the Vulkan loader looks for
 * drivers once per process, so the caller has to start the program anew, with `TRIED_VARIABLE` set.
 *
 * Throws a `FeatherdetError` that names what to do where installing is not possible, not allowed or did not help.
 */
export async function ensureAdapter(system: System, options: EnsureOptions): Promise<"present" | "installed"> {
  if (await system.hasAdapter()) return "present";
  const missing = "no WebGPU adapter was found";
  if (system.variable(TRIED_VARIABLE) !== undefined) {
    throw new FeatherdetError(
      `${missing} although ${DRIVER_PACKAGES.join(" and ")} were installed, \`vulkaninfo --summary\` may tell why`,
    );
  }
  if (!system.hasApt()) {
    throw new FeatherdetError(`${missing}, install a Vulkan driver (Mesa's lavapipe where there is no GPU)`);
  }
  const allowed = options.install && system.variable(FORBID_VARIABLE) === undefined;
  if (!allowed || !system.isRoot()) {
    throw new FeatherdetError(`${missing}, install a software one with: ${INSTALL_COMMAND}`);
  }
  options.say(`${missing}: installing Debian's software Vulkan driver (${DRIVER_PACKAGES.join(", ")})`);
  // A stale package list only matters if the installation then fails, which tells more.
  await system.run("apt-get", ["update"]);
  const install = await system.run("apt-get", ["install", "-y", "--no-install-recommends", ...DRIVER_PACKAGES]);
  if (!install.success) {
    const reason = install.output.trim().split("\n").at(-1) ?? "";
    throw new FeatherdetError(`${missing}, and installing ${DRIVER_PACKAGES.join(" and ")} failed: ${reason}`);
  }
  return "installed";
}
