/**
 * Makes sure that there is a WebGPU adapter: on a bare Debian or Ubuntu machine it installs the software Vulkan driver, or
 * names the command that does.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { type EnsureOptions, installPackages } from "./packages.ts";
import type { System } from "./system.ts";

/** Debian's packages: Mesa's drivers, the one that computes on the CPU among them, and the Vulkan loader. */
export const DRIVER_PACKAGES = ["mesa-vulkan-drivers", "libvulkan1"] as const;

/** Set in the process that is started after installing, so that a driver that does not help is not installed for ever. */
export const TRIED_VARIABLE = "FEATHERDET_DRIVER_INSTALLED";

/**
 * Returns `"present"` where there is an adapter, and `"installed"` after the driver was installed: the Vulkan loader looks for drivers
 * once per process, so the caller has to start the program again, with `TRIED_VARIABLE` set.
 *
 * Throws a `FeatherdetError` that names what to do if installing is not possible, not allowed or did not help.
 */
export async function ensureAdapter(system: System, options: EnsureOptions): Promise<"present" | "installed"> {
  if (await system.hasAdapter()) return "present";
  const missing = "no WebGPU adapter was found";
  if (system.variable(TRIED_VARIABLE) !== undefined) {
    throw new FeatherdetError(
      `${missing} although ${DRIVER_PACKAGES.join(" and ")} were installed, \`vulkaninfo --summary\` may tell why`,
    );
  }
  await installPackages(system, {
    missing,
    what: "Debian's software Vulkan driver",
    packages: DRIVER_PACKAGES,
    elsewhere: "install a Vulkan driver (Mesa's lavapipe where there is no GPU)",
    by: "install a software one",
  }, options);
  return "installed";
}
