/**
 * Deno as a program that others start.
 *
 * @module
 */

/**
 * The name to start Deno by: this very program where that is allowed, else `deno` from the path. The tasks allow `deno` alone, and
 * where npm installed Deno globally without its scripts that is a starter beside the program.
 */
export function denoProgram(): string {
  const program = Deno.execPath();
  return Deno.permissions.querySync({ name: "run", command: program }).state === "granted" ? program : "deno";
}

/** Runs Deno with arguments and collects what it prints. */
export function runDeno(
  args: string[],
  options: Omit<Deno.CommandOptions, "args"> = {},
): Promise<Deno.CommandOutput> {
  return new Deno.Command(denoProgram(), { ...options, args }).output();
}
