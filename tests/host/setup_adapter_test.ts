/** The set-up's decisions, on machines of every kind. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { FeatherdetError } from "../../src/graph/error.ts";
import { DRIVER_PACKAGES, ensureAdapter } from "../../src/host/setup/adapter.ts";
import { installCommand } from "../../src/host/setup/packages.ts";
import { thisSystem } from "../../src/host/setup/system.ts";
import { type Machine, machine } from "../support/machine.ts";

const said: string[] = [];
const allowed = { install: true, say: (line: string) => void said.push(line) };

Deno.test("ensureAdapter does nothing where there is an adapter", async () => {
  const { system, commands } = machine({ adapter: true });
  assertEquals(await ensureAdapter(system, allowed), "present");
  assertEquals(commands, []);
});

Deno.test("ensureAdapter installs the driver as root and says so", async () => {
  said.length = 0;
  const { system, commands } = machine({});
  assertEquals(await ensureAdapter(system, allowed), "installed");
  assertEquals(commands, [
    "apt-get update",
    "apt-get install -y --no-install-recommends mesa-vulkan-drivers libvulkan1",
  ]);
  assertEquals(said.length, 1);
});

Deno.test("ensureAdapter names the one command where it may not install", async () => {
  const cases: [Machine, boolean][] = [
    [{ root: false }, true],
    [{}, false],
    [{ variables: { FEATHERDET_NO_INSTALL: "1" } }, true],
  ];
  for (const [given, install] of cases) {
    const { system, commands } = machine(given);
    const error = await assertRejects(() => ensureAdapter(system, { ...allowed, install }), FeatherdetError);
    assertEquals(
      error.message,
      `no WebGPU adapter was found, install a software one with: ${installCommand(DRIVER_PACKAGES)}`,
    );
    assertEquals(commands, []);
  }
});

Deno.test("ensureAdapter does not install twice", async () => {
  const { system, commands } = machine({ variables: { FEATHERDET_DRIVER_INSTALLED: "1" } });
  const error = await assertRejects(() => ensureAdapter(system, allowed), FeatherdetError);
  assertMatch(error.message, /although mesa-vulkan-drivers and libvulkan1 were installed/);
  assertEquals(commands, []);
});

Deno.test("ensureAdapter tells why installing failed, and goes on with an old package list", async () => {
  const failing = { "apt-get install": "Reading package lists...\nE: Unable to locate package libvulkan1\n" };
  const error = await assertRejects(() => ensureAdapter(machine({ failing }).system, allowed), FeatherdetError);
  assertMatch(error.message, /failed: E: Unable to locate package libvulkan1$/);
  const offline = machine({ failing: { "apt-get update": "E: no network" } });
  assertEquals(await ensureAdapter(offline.system, allowed), "installed");
});

Deno.test("ensureAdapter asks for a driver where there is no apt", async () => {
  const error = await assertRejects(() => ensureAdapter(machine({ apt: false }).system, allowed), FeatherdetError);
  assertMatch(error.message, /^no WebGPU adapter was found, install a Vulkan driver/);
});

Deno.test("thisSystem runs commands and collects what they print", async () => {
  const { success, output } = await thisSystem.run(Deno.execPath(), ["eval", "console.log('a'); console.error('b')"]);
  assertEquals([success, output], [true, "a\nb\n"]);
  assertEquals((await thisSystem.run(Deno.execPath(), ["eval", "Deno.exit(3)"])).success, false);
});
